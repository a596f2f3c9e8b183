"""Remove source maps that no artifact refers to, and what is left of uploads that were not finished."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, delete, select

from provenance_core.ids import uuid7
from provenance_storage.artifact_rows import remove_unreferred, unreferred
from provenance_storage.artifact_tables import SourceMap, SourceMapPart, UploadChunk
from provenance_storage.database import Database, Lock
from provenance_storage.map_bodies import remove_bodies
from provenance_storage.statements import portions
from provenance_storage.tables import Origin, table
from provenance_storage.turns import Turns

KEPT = 86_400_000_000
"""How long, in microseconds, that stays which nobody refers to: an upload may still be on its way."""

TOGETHER = 100
"""Source maps that are removed in one transaction; their parts follow in others."""

CHUNKS_REMOVED = 4
"""Pieces of uploads that are removed in one transaction; they are large."""


def remove_maps(turns: Turns, origin_id: UUID, hashes: Collection[bytes], before: int | None = None) -> int:
    """Remove those source maps that no artifact refers to, and return how many they were.

    Args:
        turns: The turns to do it in; when they are over, what is left stays until it is swept.
        origin_id: The origin.
        hashes: The source maps.
        before: Only those uploaded before a moment, in microseconds since 1970; None for all.
    """
    removed = 0
    for some in portions(hashes, TOGETHER):
        if turns.over:
            break
        count, bodies = turns.take(origin_id, partial(remove_unreferred, origin_id, some, before))
        removed += count
        remove_bodies(turns, origin_id, bodies)
    return removed


def sweep(turns: Turns, now: int) -> int:
    """Remove what nobody refers to and is older than a day; return how many source maps, bodies and pieces it was."""
    before = now - KEPT
    removed = sum(remove_maps(turns, *found, before) for found in _unreferred(turns.database, before).items())
    for origin_id, bodies in _strays(turns.database, before).items():
        if turns.over:
            break
        remove_bodies(turns, origin_id, bodies)
        removed += len(bodies)
    return removed + _remove_chunks(turns, before)


def _unreferred(database: Database, before: int) -> dict[UUID, list[bytes]]:
    """Return the source maps uploaded before a moment that no artifact refers to, by origin."""
    maps, origins = table(SourceMap), table(Origin)
    with database.read() as connection:
        origin_ids = connection.execute(select(origins.c.id)).scalars().all()
        return {
            origin_id: [row[0] for row in connection.execute(unreferred(origin_id, maps.c.created_at < before))]
            for origin_id in origin_ids
        }


def _strays(database: Database, before: int) -> dict[UUID, list[UUID]]:
    """Return the bodies begun before a moment that no source map names, by origin, also of origins that are gone."""
    parts, maps = table(SourceMapPart), table(SourceMap)
    begun = select(parts.c.origin_id, parts.c.body_id).where(
        parts.c.number == 0, parts.c.body_id < uuid7(max(before, 0), 0)
    )
    named = (select(maps.c.origin_id, column) for column in (maps.c.map_body, maps.c.index_body))
    found: defaultdict[UUID, list[UUID]] = defaultdict(list)
    with database.read() as connection:
        for origin_id, body_id in connection.execute(begun.except_(*named)):
            found[origin_id].append(body_id)
    return found


def _remove_chunks(turns: Turns, before: int) -> int:
    chunks = table(UploadChunk)
    with turns.database.read() as connection:
        old = select(chunks.c.checksum).where(chunks.c.received_at < before)
        found = connection.execute(old).scalars().all()
    removed = 0
    for some in portions(found, CHUNKS_REMOVED):
        if turns.over:
            break
        removed += turns.take(Lock.CHUNKS, partial(_remove_old, some, before))
    return removed


def _remove_old(checksums: Sequence[str], before: int, connection: Connection) -> int:
    chunks = table(UploadChunk)
    old = chunks.c.checksum.in_(checksums) & (chunks.c.received_at < before)
    return connection.execute(delete(chunks).where(old)).rowcount
