"""Pieces of uploads, kept until they are put together or a day has gone by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from sqlalchemy import Connection, delete, func, select

from provenance_core.errors import NotFound, TooLarge, TooManyRequests
from provenance_storage.artifact_tables import UploadChunk
from provenance_storage.clock import Clock
from provenance_storage.columns import Count
from provenance_storage.database import Database, Lock
from provenance_storage.map_removal import CHUNKS_REMOVED
from provenance_storage.statements import insert_into, portions, storable
from provenance_storage.tables import table
from provenance_storage.turns import Turns

CHUNK_BYTES = 8 << 20
"""The largest piece, in bytes."""

STAGED_BYTES = 2 << 30
"""How much may wait to be put together, in bytes."""

STAGED_CHUNKS = 50_000
"""How many pieces may wait, however small: all of them are counted for each that comes."""

RETRY_SECONDS = 60


class Chunks:
    """Keep and give pieces of uploads by their checksums, which the caller has compared with them.

    Args:
        database: The store's database.
        clock: Returns microseconds since 1970.
        turns: The turns in which much is written.
    """

    def __init__(self, database: Database, clock: Clock, turns: Turns) -> None:
        self._database = database
        self._clock = clock
        self._turns = turns

    def missing(self, checksums: Collection[str]) -> list[str]:
        """Return those checksums, each once and in their order, of which there is no piece."""
        chunks = table(UploadChunk)
        wanted = dict.fromkeys(checksums)
        known: set[str] = set()
        with self._database.read() as connection:
            for some in portions([storable(one) for one in wanted]):
                known.update(connection.execute(select(chunks.c.checksum).where(chunks.c.checksum.in_(some))).scalars())
        return [one for one in wanted if one not in known]

    def put(self, checksum: str, body: bytes) -> None:
        """Keep a piece; one that is there stays for another day.

        Raises:
            TooLarge: It is over 8 MiB.
            TooManyRequests: More than 2 GiB wait to be put together.
        """
        if len(body) > CHUNK_BYTES:
            raise TooLarge(f"The piece has more than {CHUNK_BYTES} bytes; send smaller ones.")
        self._turns.take(Lock.CHUNKS, partial(_put, checksum, body, self._clock()))

    def read(self, checksum: str) -> bytes:
        """Return a piece.

        Raises:
            NotFound: It never came, or was removed after a day.
        """
        chunks = table(UploadChunk)
        with self._database.read() as connection:
            statement = select(chunks.c.body).where(chunks.c.checksum == storable(checksum))
            body: bytes | None = connection.execute(statement).scalar_one_or_none()
        if body is None:
            raise NotFound("A piece of the upload is not there any more; send it again.")
        return body

    def remove(self, checksums: Collection[str]) -> None:
        """Remove pieces that are put together."""
        for some in portions(set(checksums), CHUNKS_REMOVED):
            self._turns.take(Lock.CHUNKS, partial(_remove, some))


def _put(checksum: str, body: bytes, now: int, connection: Connection) -> None:
    chunks = table(UploadChunk)
    amounts = select(func.coalesce(func.sum(func.length(chunks.c.body, type_=Count)), 0), func.count())
    staged, count = connection.execute(amounts.where(chunks.c.checksum != checksum)).one()
    if int(staged) + len(body) > STAGED_BYTES or count >= STAGED_CHUNKS:
        raise TooManyRequests(
            "Too many uploads wait to be put together; finish one, or try again when they are removed after a day.",
            RETRY_SECONDS,
        )
    row = insert_into(connection.dialect.name, chunks).values(checksum=checksum, received_at=now, body=body)
    connection.execute(row.on_conflict_do_update(index_elements=[chunks.c.checksum], set_={"received_at": now}))


def _remove(checksums: Sequence[str], connection: Connection) -> None:
    chunks = table(UploadChunk)
    connection.execute(delete(chunks).where(chunks.c.checksum.in_([storable(one) for one in checksums])))
