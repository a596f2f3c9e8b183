"""The rows of releases inside somebody else's transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from provenance_core.ids import uuid7
from provenance_core.versions import ReleaseOrder, sort_key
from provenance_storage.prepared import Query, among, texts
from provenance_storage.statements import insert_into
from provenance_storage.tables import Release, table


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """A release that has a row, with what orders it."""

    id: UUID
    order: ReleaseOrder


def ensure_releases(connection: Connection, origin_id: UUID, met: Mapping[str, int]) -> dict[str, KnownRelease]:
    """Return releases by version; those that only events mention so far get a row, unregistered.

    Args:
        connection: One in a write transaction.
        origin_id: The origin of the releases.
        met: For each version, the moment of its first event in this batch.
    """
    if not met:
        return {}
    known = _find(connection, origin_id, sorted(met))
    missing = sorted(met.keys() - known.keys())
    if not missing:
        return known
    rows = [new_release(origin_id, version, met[version], registered=False) for version in missing]
    connection.execute(insert_into(connection.dialect.name, table(Release)).on_conflict_do_nothing(), rows)
    return _find(connection, origin_id, sorted(met))


def new_release(origin_id: UUID, version: str, created_at: int, *, registered: bool) -> dict[str, object]:
    """Return the row of a release that is not there yet."""
    return {
        "origin_id": origin_id,
        "id": uuid7(created_at, secrets.randbits(62)),
        "version": version,
        "version_order": sort_key(version),
        "registered": registered,
        "created_at": created_at,
    }


def _find(connection: Connection, origin_id: UUID, versions: list[str]) -> dict[str, KnownRelease]:
    """Return the releases of these versions that have a row."""
    dialect = connection.dialect.name
    given = {"of_origin": origin_id, "versions": texts(dialect, versions)}
    rows = _by_version(dialect).rows(connection, given)
    return {version: KnownRelease(id_, ReleaseOrder(version, created)) for id_, version, created in rows}


@cache
def _by_version(dialect: str) -> Query:
    releases = table(Release)
    statement = select(releases.c.id, releases.c.version, releases.c.created_at).where(
        releases.c.origin_id == bindparam("of_origin"), among(dialect, releases.c.version, "versions")
    )
    return Query(dialect, statement)


def release_order(connection: Connection, origin_id: UUID, release_id: UUID) -> ReleaseOrder | None:
    """Return what orders a release, or None where it is gone."""
    releases = table(Release)
    statement = select(releases.c.version, releases.c.created_at).where(
        releases.c.origin_id == origin_id, releases.c.id == release_id
    )
    row = connection.execute(statement).one_or_none()
    return ReleaseOrder(row.version, row.created_at) if row else None
