"""Keep a source map: its bodies first, then the row that names them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import Connection, select, update

from provenance_core.errors import ProvenanceError
from provenance_storage.artifact_rows import grow_version, is_referred_to
from provenance_storage.artifact_tables import SourceMap
from provenance_storage.map_bodies import check_origin, new_body_id, remove_bodies, write_body
from provenance_storage.records import NewSourceMap
from provenance_storage.tables import table
from provenance_storage.turns import Turns

RENEWED_AFTER = 3_600_000_000
"""How old, in microseconds, a source map is when uploading it again begins another day of its own."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of a source map, or is about to be."""

    index_version: int
    map_body: UUID | None
    index_body: UUID | None
    created_at: int = 0

    @property
    def bodies(self) -> set[UUID]:
        return {body for body in (self.map_body, self.index_body) if body is not None}

    def has(self, more: _Kept) -> bool:
        """Say whether nothing would be gained by something more."""
        has_map = self.map_body is not None or more.map_body is None
        return has_map and not self.outdated_by(more)

    def outdated_by(self, more: _Kept) -> bool:
        """Say whether the index of something more is to be preferred."""
        if self.index_version != more.index_version:
            return more.index_version > self.index_version
        return self.index_body is None and more.index_body is not None


def put_map(  # noqa: PLR0917  # who, when, and the three things that are put
    turns: Turns,
    origin_id: UUID,
    now: int,
    new: NewSourceMap,
    raw: BinaryIO | None,
    index: BinaryIO | None,
    *,
    renew: bool = False,
) -> None:
    """Keep a source map and its index; see `Artifacts.put_map`."""
    map_body, index_body = (new_body_id(now) if source is not None else None for source in (raw, index))
    wanted = _Kept(new.index_version, map_body, index_body)
    if not renew and _is_kept(turns, origin_id, new.hash, now, wanted):
        return
    try:
        for body_id, source in ((wanted.map_body, raw), (wanted.index_body, index)):
            if body_id is not None and source is not None:
                write_body(turns, origin_id, body_id, source)
        outdated = turns.take(origin_id, partial(_settle, origin_id, new, now, wanted, renew))
    except BaseException:
        with suppress(ProvenanceError):
            remove_bodies(turns, origin_id, wanted.bodies)
        raise
    remove_bodies(turns, origin_id, outdated)


def _is_kept(turns: Turns, origin_id: UUID, map_hash: bytes, now: int, wanted: _Kept) -> bool:
    """Say whether all of a source map is kept already, and will be for hours though no artifact refers to it."""
    with turns.database.read() as connection:
        there = _read(connection, origin_id, map_hash)
    if there is None or not there.has(wanted):
        return False
    recent = now - there.created_at < RENEWED_AFTER
    return recent or turns.take(origin_id, partial(_renew, origin_id, map_hash, now, wanted))


def _renew(origin_id: UUID, map_hash: bytes, now: int, wanted: _Kept, connection: Connection) -> bool:
    """Let a source map stay another day where all of it is kept, and say whether it is."""
    there = _read(connection, origin_id, map_hash)
    if there is None or not there.has(wanted):
        return False
    maps = table(SourceMap)
    one = (maps.c.origin_id == origin_id) & (maps.c.hash == map_hash)
    connection.execute(update(maps).where(one).values(created_at=now))
    return True


def _settle(  # noqa: PLR0917  # what is to be settled, and where
    origin_id: UUID, new: NewSourceMap, now: int, wanted: _Kept, renew: bool, connection: Connection
) -> set[UUID]:
    """Name the bodies in the source map and return those that nobody names then: another may have been first."""
    check_origin(connection, origin_id)
    maps = table(SourceMap)
    values = asdict(new) | {"created_at": now}
    there = _read(connection, origin_id, new.hash)
    if there is None:
        bodies = {"map_body": wanted.map_body, "index_body": wanted.index_body}
        connection.execute(maps.insert().values(origin_id=origin_id, **values, **bodies))
        if is_referred_to(connection, origin_id, new.hash):  # it had been lost
            grow_version(connection, origin_id)
        return set()
    renewed = renew and there.index_version <= wanted.index_version
    later = renewed or there.outdated_by(wanted)
    first, second = (wanted, there) if renewed else (there, wanted)
    after = _Kept(
        max(there.index_version, wanted.index_version),
        first.map_body or second.map_body,
        wanted.index_body if later else there.index_body,
    )
    changes = values if later else {"created_at": now}
    one = (maps.c.origin_id == origin_id) & (maps.c.hash == new.hash)
    bodies = {"map_body": after.map_body, "index_body": after.index_body}
    connection.execute(update(maps).where(one).values(**changes, **bodies))
    if later:
        grow_version(connection, origin_id)
    return (there.bodies | wanted.bodies) - after.bodies


def _read(connection: Connection, origin_id: UUID, map_hash: bytes) -> _Kept | None:
    maps = table(SourceMap)
    statement = select(maps.c.index_version, maps.c.map_body, maps.c.index_body, maps.c.created_at).where(
        maps.c.origin_id == origin_id, maps.c.hash == map_hash
    )
    row = connection.execute(statement).one_or_none()
    return _Kept(*row) if row else None
