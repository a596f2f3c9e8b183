"""Releases of an origin."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, distinct, func, select, update

from provenance_core.access import SYSTEM_ACTOR, Actor
from provenance_core.clean import quoted
from provenance_core.errors import NotFound
from provenance_core.ids import parse_uuid
from provenance_core.lifecycle import Status
from provenance_storage.activity import Deed, Entry, differences, note, told
from provenance_storage.artifact_rows import count_maps
from provenance_storage.clock import Clock
from provenance_storage.database import Database
from provenance_storage.records import ReleasePosition, ReleaseRecord, ReleaseStatistics
from provenance_storage.release_list import list_releases
from provenance_storage.release_removal import remove_release
from provenance_storage.release_rows import new_release
from provenance_storage.statements import storable
from provenance_storage.tables import ErrorIssue, IssueRelease, Origin, Release, StatusChange, table
from provenance_storage.turns import Turns

_COLUMNS = tuple(ReleaseRecord.__dataclass_fields__)
VERSIONS_COMPARED = 200
"""The newest registered versions of an origin that a refusal may name. Ours."""
ORIGINS_NAMED = 10
"""The origins whose versions a refusal may name where none was given. Ours."""


@dataclass(frozen=True, slots=True)
class ReleaseDetails:
    """What an authenticated call may say of a release; None leaves what is there."""

    ref: str | None = None
    url: str | None = None
    notes: str | None = None
    date_released: int | None = None


class Releases:
    """Read and change the releases of a store."""

    def __init__(self, database: Database, clock: Clock, turns: Turns) -> None:
        self._database = database
        self._clock = clock
        self._turns = turns

    def register(
        self, origin_id: UUID, version: str, details: ReleaseDetails, *, by: Actor = SYSTEM_ACTOR
    ) -> tuple[ReleaseRecord, bool]:
        """Create a release, or update the one that is there, and say whether it was not registered before."""
        releases = table(Release)
        given = {
            name: value
            for name, value in (
                ("ref", details.ref),
                ("url", details.url),
                ("notes", details.notes),
                ("date_released", details.date_released),
            )
            if value is not None
        }
        with self._database.write() as connection:
            self._database.lock(connection, origin_id)
            now = self._clock()
            known = _find(connection, origin_id, version)
            if known is None:
                row = new_release(origin_id, version, now, registered=True)
                connection.execute(releases.insert().values(row | given))
            elif not known.registered or _differs(known, given):
                statement = update(releases).where(releases.c.origin_id == origin_id, releases.c.id == known.id)
                connection.execute(statement.values(registered=True, **given))
            found = _find(connection, origin_id, version)
            if found is None:
                raise AssertionError("the release was written in this transaction")
            _keep(connection, now, by, known, found)
        return found, known is None or not known.registered

    def find(self, origin_id: UUID, reference: str) -> ReleaseRecord:
        """Return the release that an id or a version names.

        Raises:
            NotFound: It names none; registered ones that look alike are named.
        """
        identity = parse_uuid(reference)
        with self._database.read() as connection:
            found = _of_id(connection, origin_id, identity) if identity is not None else None
            return found or find_release(connection, origin_id, reference)

    def check_known(self, origin_id: UUID | None, version: str, *, registered_only: bool = False) -> None:
        """Refuse a version that no release has.

        Args:
            origin_id: The origin; None for any.
            version: The version.
            registered_only: Whether what only events mention counts as unknown.

        Raises:
            NotFound: There is none; registered ones that look alike are named.
        """
        releases, origins = table(Release), table(Origin)
        within = [origin_id] if origin_id else select(origins.c.id)
        found = select(releases.c.id).where(releases.c.origin_id.in_(within), releases.c.version == storable(version))
        if registered_only:
            found = found.where(releases.c.registered == True)  # noqa: E712  # SQL expression
        with self._database.read() as connection:
            if connection.execute(found.limit(1)).first() is None:
                raise NotFound(_unknown(connection, origin_id, version))

    def delete(self, origin_id: UUID, release_id: UUID, *, by: Actor = SYSTEM_ACTOR) -> bool:
        """Remove what was uploaded for a release, and the release where nothing refers to it; say whether it is gone.

        One that events or issues know of stays, no longer registered. All is done in small transactions: if the last
        does not come to pass, it can be done again.

        Raises:
            NotFound: There is no such release.
        """
        return remove_release(self._turns, origin_id, release_id, self._clock(), by)

    def list(
        self,
        origin_id: UUID,
        query: str,
        limit: int,
        begin: ReleasePosition | None,
        *,
        registered_only: bool = False,
    ) -> tuple[list[ReleaseRecord], int, ReleasePosition | None]:
        """Return one page of an origin's releases, newest first, how many there are, and where the next page begins.

        They are in the order of their semantic versions where all of the origin's are such, else of their creation. A
        walk keeps the order it began in: by version, releases that are none since then are passed by.

        Args:
            origin_id: The origin.
            query: A part of the version; empty for all.
            limit: The most rows to return.
            begin: What the page before this one returned.
            registered_only: Whether to leave out what only events mention.

        Raises:
            InvalidInput: The release at which the page begins is gone.
        """
        with self._database.read() as connection:
            return list_releases(connection, origin_id, query, limit, begin, registered_only=registered_only)

    def by_ids(self, origin_id: UUID, ids: Sequence[UUID]) -> dict[UUID, ReleaseRecord]:
        """Return releases of one origin by id."""
        releases = table(Release)
        statement = select(*(releases.c[name] for name in _COLUMNS)).where(
            releases.c.origin_id == origin_id, releases.c.id.in_(ids)
        )
        with self._database.read() as connection:
            return {record.id: record for record in (ReleaseRecord(*row) for row in connection.execute(statement))}

    def statistics(self, origin_id: UUID, ids: Sequence[UUID]) -> dict[UUID, ReleaseStatistics]:
        """Return how many issues releases brought, brought back and have, and how many source maps."""
        issues, met, history = table(ErrorIssue), table(IssueRelease), table(StatusChange)
        new = (
            select(issues.c.first_release_id, func.count())
            .where(issues.c.origin_id == origin_id, issues.c.first_release_id.in_(ids))
            .group_by(issues.c.first_release_id)
        )
        regressed = (
            select(history.c.release_id, func.count(distinct(history.c.issue_id)))
            .where(
                history.c.origin_id == origin_id,
                history.c.release_id.in_(ids),
                history.c.to_status == Status.REGRESSED.value,
            )
            .group_by(history.c.release_id)
        )
        total = (
            select(met.c.release_id, func.count())
            .where(met.c.origin_id == origin_id, met.c.release_id.in_(ids))
            .group_by(met.c.release_id)
        )
        with self._database.read() as connection:
            counts = [{row[0]: int(row[1]) for row in connection.execute(part)} for part in (new, regressed, total)]
            counts.append(count_maps(connection, origin_id, ids))
        return {id_: ReleaseStatistics(*(part.get(id_, 0) for part in counts)) for id_ in ids}


def find_release(connection: Connection, origin_id: UUID, version: str) -> ReleaseRecord:
    """Return a release by its version.

    Raises:
        NotFound: The origin has none of that version; registered ones that look alike are named.
    """
    found = _find(connection, origin_id, version)
    if found is not None:
        return found
    close = _alike(version, _registered_versions(connection, origin_id))
    advice = f"Registered: {close}. " if close else ""
    raise NotFound(f"No release {quoted(version)} of this origin. {advice}Create it first, or leave `release` out.")


def _unknown(connection: Connection, origin_id: UUID | None, version: str) -> str:
    """Return what to tell who looks for a version that no release has, in one origin or, with None, in all."""
    releases, origins = table(Release), table(Origin)
    all_origins = select(origins.c.id).order_by(origins.c.number)
    named = [origin_id] if origin_id else connection.execute(all_origins.limit(ORIGINS_NAMED)).scalars().all()
    close = _alike(version, [name for one in named for name in _registered_versions(connection, one)])
    within = [origin_id] if origin_id else all_origins
    anything = select(releases.c.id).where(releases.c.origin_id.in_(within)).limit(1)
    if close:
        advice = f"Registered: {close}. List the releases to see all, or leave"
    elif connection.execute(anything).first() is None:
        advice = "No release is known yet; leave"
    else:
        advice = "List the releases to see all, or leave"
    return f"No release {quoted(version)} of {'this' if origin_id else 'any'} origin. {advice} `release` out."


def _registered_versions(connection: Connection, origin_id: UUID) -> list[str]:
    """Return the newest registered versions of an origin."""
    releases = table(Release)
    statement = (
        select(releases.c.version)
        .where(releases.c.origin_id == origin_id, releases.c.registered == True)  # noqa: E712  # SQL expression
        .order_by(releases.c.created_at.desc())
        .limit(VERSIONS_COMPARED)
    )
    return list(connection.execute(statement).scalars())


def _alike(version: str, known: Sequence[str]) -> str:
    """Return the versions that look like one, else the first, as a text; empty where none is known."""
    close = difflib.get_close_matches(version, known, n=3, cutoff=0.5) or known[:3]
    return ", ".join(quoted(name) for name in close)


def newest_release(connection: Connection, origin_id: UUID) -> ReleaseRecord | None:
    """Return the newest release: by semantic version where all are such, else by creation; None if there is none."""
    (newest, _, _) = list_releases(connection, origin_id, "", 1, None)
    return newest[0] if newest else None


def _differs(known: ReleaseRecord, given: dict[str, str | int]) -> bool:
    return any(getattr(known, name) != value for name, value in given.items())


def _keep(connection: Connection, now: int, by: Actor, before: ReleaseRecord | None, after: ReleaseRecord) -> None:
    """Keep who registered a release or changed what is registered of it; asking again changes nothing."""
    if before is None or not before.registered:
        facts = told(_registered(after))
        note(connection, Entry(now, by, Deed.RELEASE_CREATE, after.id, after.origin_id, after=facts))
        return
    different = differences(_registered(before), _registered(after))
    if different is not None:
        note(connection, Entry(now, by, Deed.RELEASE_UPDATE, after.id, after.origin_id, *different))


def _registered(release: ReleaseRecord) -> dict[str, object]:
    return {name: getattr(release, name) for name in ("version", "ref", "url", "notes", "date_released")}


def _find(connection: Connection, origin_id: UUID, version: str) -> ReleaseRecord | None:
    releases = table(Release)
    return _one(connection, origin_id, releases.c.version == storable(version))


def _of_id(connection: Connection, origin_id: UUID, release_id: UUID) -> ReleaseRecord | None:
    return _one(connection, origin_id, table(Release).c.id == release_id)


def _one(connection: Connection, origin_id: UUID, condition: ColumnElement[bool]) -> ReleaseRecord | None:
    releases = table(Release)
    statement = select(*(releases.c[name] for name in _COLUMNS)).where(releases.c.origin_id == origin_id, condition)
    row = connection.execute(statement).one_or_none()
    return ReleaseRecord(*row) if row else None
