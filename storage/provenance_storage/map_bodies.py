"""The bodies of source maps and of their indexes: one compressed stream each, kept in parts.

A body has an id of its own, with the moment it was begun in it, and is never changed. Whoever writes one names it in a
source map when all of it is there; what no source map names is removed a day after it was begun.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import BinaryIO
from uuid import UUID

import zstandard
from sqlalchemy import Connection, delete, exists, func, select

from provenance_core.errors import NotFound, Unavailable
from provenance_core.ids import uuid7
from provenance_storage.artifact_tables import SourceMapPart
from provenance_storage.database import Database
from provenance_storage.payloads import LEVEL
from provenance_storage.statements import insert_into, portions
from provenance_storage.tables import Origin, table
from provenance_storage.turns import Turns

PART_BYTES = 1 << 20
"""The largest part, in bytes."""

PARTS_WRITTEN = 2
"""Parts that are written in one transaction: others wait for it."""

PARTS_REMOVED = 32
"""Parts that are removed in one transaction."""

_READ_BYTES = 1 << 20
_FED_BYTES = 1 << 14
"""How much is decompressed at once: what comes out may be a thousand times as long."""


def new_body_id(now: int) -> UUID:
    """Return the id of a body that is begun at a moment, in microseconds since 1970."""
    return uuid7(now, secrets.randbits(62))


def write_body(turns: Turns, origin_id: UUID, body_id: UUID, source: BinaryIO) -> None:
    """Compress a file and write its parts, a few in a turn.

    Raises:
        NotFound: The origin was deleted.
        Unavailable: The store cannot be written; what is there of the body by now stays until it is removed.
    """
    rows: list[dict[str, object]] = []
    for number, body in enumerate(_compressed(source)):
        rows.append({"origin_id": origin_id, "body_id": body_id, "number": number, "body": body})
        if len(rows) == PARTS_WRITTEN:
            turns.take(origin_id, partial(_write_parts, origin_id, rows))
            rows = []
    if rows:
        turns.take(origin_id, partial(_write_parts, origin_id, rows))


def check_origin(connection: Connection, origin_id: UUID) -> None:
    """Refuse to write for an origin that is gone; the connection holds its lock.

    Raises:
        NotFound: It is.
    """
    if not connection.execute(select(exists().where(table(Origin).c.id == origin_id))).scalar_one():
        raise NotFound("The origin was deleted in the meantime.")


def read_body(database: Database, origin_id: UUID, body_id: UUID) -> Iterator[bytes]:
    """Give what a body holds, in pieces.

    Raises:
        Unavailable: It is damaged, or a part of it is gone.
    """
    try:
        yield from _decompressed(_parts(database, origin_id, body_id))
    except _Damaged:
        raise Unavailable(
            "A stored source map is damaged; upload the release's files again, or restore the store from a backup."
        ) from None


def is_sound(database: Database, origin_id: UUID, body_id: UUID) -> bool:
    """Read a body and say whether all of it is there as it was written."""
    try:
        for _ in _decompressed(_parts(database, origin_id, body_id)):
            continue
    except _Damaged:
        return False
    return True


def whole_bodies(connection: Connection, origin_id: UUID, body_ids: Collection[UUID]) -> set[UUID]:
    """Return those bodies that have parts, and all up to the last that is there; what the parts hold is not read."""
    parts = table(SourceMapPart)
    whole: set[UUID] = set()
    for some in portions(body_ids):
        counted = (
            select(parts.c.body_id)
            .where(parts.c.origin_id == origin_id, parts.c.body_id.in_(some))
            .group_by(parts.c.body_id)
            .having(func.count() == func.max(parts.c.number) + 1)
        )
        whole.update(connection.execute(counted).scalars())
    return whole


def remove_bodies(turns: Turns, origin_id: UUID, body_ids: Collection[UUID]) -> None:
    """Remove bodies, a few parts in a turn; the first part of each goes last, so that what is left can be found."""
    for some in portions(sorted(body_ids)):
        while turns.take(origin_id, partial(_remove_parts, origin_id, some)) == PARTS_REMOVED:
            continue


def bodies_of(connection: Connection, origin_id: UUID) -> list[UUID]:
    """Return the bodies that belong to an origin, also those that no source map names."""
    parts = table(SourceMapPart)
    statement = select(parts.c.body_id).where(parts.c.origin_id == origin_id, parts.c.number == 0)
    return list(connection.execute(statement).scalars())


def _compressed(source: BinaryIO) -> Iterator[bytes]:
    """Give the parts of a file: pieces of one zstd frame with its checksum."""
    stream = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compressobj()
    waiting = bytearray()
    while data := source.read(_READ_BYTES):
        waiting += stream.compress(data)
        while len(waiting) >= PART_BYTES:
            yield bytes(waiting[:PART_BYTES])
            del waiting[:PART_BYTES]
    waiting += stream.flush()
    for start in range(0, len(waiting), PART_BYTES):
        yield bytes(waiting[start : start + PART_BYTES])


def _write_parts(origin_id: UUID, rows: Sequence[dict[str, object]], connection: Connection) -> None:
    check_origin(connection, origin_id)
    connection.execute(insert_into(connection.dialect.name, table(SourceMapPart)).on_conflict_do_nothing(), rows)


def _parts(database: Database, origin_id: UUID, body_id: UUID) -> Iterator[bytes]:
    """Give the parts in their order; nobody holds a connection between two."""
    parts = table(SourceMapPart)
    number = 0
    while True:
        one = select(parts.c.body).where(
            parts.c.origin_id == origin_id, parts.c.body_id == body_id, parts.c.number == number
        )
        with database.read() as connection:
            body: bytes | None = connection.execute(one).scalar_one_or_none()
        if body is None:
            return
        yield body
        number += 1


def _remove_parts(origin_id: UUID, body_ids: Sequence[UUID], connection: Connection) -> int:
    parts = table(SourceMapPart)
    of_bodies = (parts.c.origin_id == origin_id) & parts.c.body_id.in_(body_ids)
    last = select(parts.c.body_id, parts.c.number).where(of_bodies).order_by(parts.c.number.desc()).limit(PARTS_REMOVED)
    found = connection.execute(last).all()
    for body_id, number in found:
        one = (parts.c.origin_id == origin_id) & (parts.c.body_id == body_id) & (parts.c.number == number)
        connection.execute(delete(parts).where(one))
    return len(found)


class _Damaged(Exception):
    """What is there of a body is not what was written."""


def _decompressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Give what parts hold, in pieces.

    Raises:
        _Damaged: They are not all parts of one body.
    """
    stream = zstandard.ZstdDecompressor().decompressobj()
    for part in parts:
        for start in range(0, len(part), _FED_BYTES):
            try:
                piece = stream.decompress(part[start : start + _FED_BYTES])
            except zstandard.ZstdError:
                raise _Damaged from None
            if piece:
                yield piece
    if not stream.eof or stream.unused_data:
        raise _Damaged
