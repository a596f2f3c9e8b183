"""Find the source maps that are of no use as they are kept: a part is gone, or does not hold what was written."""

from __future__ import annotations

import time
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from provenance_storage.artifact_tables import SourceMap
from provenance_storage.database import Database
from provenance_storage.map_bodies import is_sound, whole_bodies
from provenance_storage.statements import portions
from provenance_storage.tables import table


def damaged_maps(
    database: Database, origin_id: UUID, hashes: Collection[bytes], seconds: float | None = None
) -> set[bytes]:
    """Return source maps that are not there as they were written; see `Artifacts.damaged_maps`."""
    maps = _bodies(database, origin_id, hashes)
    damaged = set(hashes) - maps.keys()
    ends = None if seconds is None else time.monotonic() + seconds
    for kind in (0, 1):
        for map_hash, bodies in maps.items():
            if ends is not None and time.monotonic() >= ends:
                return damaged
            if map_hash not in damaged and not is_sound(database, origin_id, bodies[kind]):
                damaged.add(map_hash)
    return damaged


def _bodies(database: Database, origin_id: UUID, hashes: Collection[bytes]) -> dict[bytes, tuple[UUID, UUID]]:
    """Return the bodies of the index and of the map, of those source maps that have both with all their parts."""
    maps = table(SourceMap)
    found: dict[bytes, tuple[UUID, UUID]] = {}
    with database.read() as connection:
        for some in portions(hashes):
            named = select(maps.c.hash, maps.c.index_body, maps.c.map_body).where(
                maps.c.origin_id == origin_id,
                maps.c.hash.in_(some),
                maps.c.index_body.is_not(None),
                maps.c.map_body.is_not(None),
            )
            bodies = {map_hash: (index, raw) for map_hash, index, raw in connection.execute(named)}
            whole = whole_bodies(connection, origin_id, [one for both in bodies.values() for one in both])
            found |= {map_hash: both for map_hash, both in bodies.items() if whole.issuperset(both)}
    return found
