"""Remove a release with what was uploaded for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, delete, exists, select, update

from provenance_core.access import Actor
from provenance_core.errors import NotFound
from provenance_storage.activity import Deed, Entry, note, told
from provenance_storage.artifact_rows import grow_version
from provenance_storage.artifact_tables import Artifact
from provenance_storage.map_removal import remove_maps
from provenance_storage.tables import IssueRelease, Release, StatusChange, table
from provenance_storage.turns import Turns

BATCH = 500
"""Artifacts that are removed in one transaction."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What a turn removed: hashes of artifacts; and, after the last turn, whether the release is gone."""

    hashes: set[bytes]
    gone: bool | None


def remove_release(turns: Turns, origin_id: UUID, release_id: UUID, now: int, by: Actor) -> bool:
    """Remove a release, or what is registered of it, and what was uploaded for it; see `Releases.delete`."""
    hashes: set[bytes] = set()
    gone: bool | None = None
    while gone is None:
        step = turns.take(origin_id, partial(_step, origin_id, release_id, now, by, some=bool(hashes)))
        hashes |= step.hashes
        gone = step.gone
    remove_maps(turns, origin_id, hashes)
    return gone


def _step(origin_id: UUID, release_id: UUID, now: int, by: Actor, connection: Connection, *, some: bool) -> _Step:
    """Remove some artifacts and, if these were the last, the release; `some` says that some were removed before."""
    releases = table(Release)
    one = (releases.c.origin_id == origin_id) & (releases.c.id == release_id)
    release = connection.execute(select(releases.c.version, releases.c.registered).where(one)).one_or_none()
    if release is None:
        raise NotFound("There is no such release; it may have been deleted a moment ago.")
    hashes, last = _remove_artifacts(connection, origin_id, release_id)
    if not last:
        return _Step(hashes, None)
    gone = not _is_met(connection, origin_id, release_id)
    version, registered = release
    if gone or registered or hashes or some:
        before = told({"version": version if registered else None, "registered": registered})
        after = None if gone else told({"registered": False})
        note(connection, Entry(now, by, Deed.RELEASE_DELETE, release_id, origin_id, before, after))
    if gone:
        connection.execute(delete(releases).where(one))
    else:
        forgotten = {"registered": False, "ref": None, "url": None, "notes": None, "date_released": None}
        connection.execute(update(releases).where(one).values(forgotten))
    return _Step(hashes, gone)


def _remove_artifacts(connection: Connection, origin_id: UUID, release_id: UUID) -> tuple[set[bytes], bool]:
    """Remove some artifacts of a release; return their hashes, and whether these were the last."""
    rows = table(Artifact)
    some = select(rows.c.id, rows.c.hash, rows.c.map_hash).where(
        rows.c.origin_id == origin_id, rows.c.release_id == release_id
    )
    found = connection.execute(some.limit(BATCH)).all()
    if found:
        ids = [id_ for id_, _, _ in found]
        connection.execute(delete(rows).where(rows.c.origin_id == origin_id, rows.c.id.in_(ids)))
        grow_version(connection, origin_id)
    return {hash_ for _, *both in found for hash_ in both if hash_ is not None}, len(found) < BATCH


def _is_met(connection: Connection, origin_id: UUID, release_id: UUID) -> bool:
    """Say whether events or issues know a release.

    Each event of a release is counted there for its issue, for ever, and an issue is never resolved in a release
    without a change of its status: no need to look at events and issues themselves, of which there may be millions.
    """
    met = (
        exists().where(model.c.origin_id == origin_id, model.c.release_id == release_id)
        for model in (table(IssueRelease), table(StatusChange))
    )
    by_event, by_status = met
    return connection.execute(select(by_event | by_status)).scalar_one()
