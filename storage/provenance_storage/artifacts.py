"""Artifacts of origins: publish them, find them by what a frame says, and keep the source maps they refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, literal, select, tuple_

from provenance_core.access import SYSTEM_ACTOR, Actor
from provenance_core.errors import Busy, NotFound, Unavailable
from provenance_storage.activity import Deed, Entry, note, told
from provenance_storage.artifact_rows import (
    artifact_record,
    check_maps,
    count_maps,
    given,
    select_artifacts,
    write_artifacts,
)
from provenance_storage.artifact_tables import Artifact, ArtifactVersion, SourceMap
from provenance_storage.clock import Clock
from provenance_storage.columns import UuidBytes
from provenance_storage.database import Database
from provenance_storage.map_bodies import check_origin, read_body
from provenance_storage.map_removal import sweep
from provenance_storage.map_soundness import damaged_maps
from provenance_storage.map_writing import put_map
from provenance_storage.records import (
    ArtifactRecord,
    NewArtifact,
    NewSourceMap,
    PartKind,
    Published,
    SourceMapRecord,
)
from provenance_storage.statements import portions, storable
from provenance_storage.tables import Release, table
from provenance_storage.turns import Turns

_MAP_COLUMNS = tuple(SourceMapRecord.__dataclass_fields__)


class Artifacts:
    """Read and change the artifacts and source maps of a store.

    Args:
        database: The store's database.
        clock: Returns microseconds since 1970.
        turns: The turns in which much is written, one after the other for the whole store.
    """

    def __init__(self, database: Database, clock: Clock, turns: Turns) -> None:
        self._database = database
        self._clock = clock
        self._turns = turns

    def version(self, origin_id: UUID) -> int:
        """Return a number that grows whenever the artifacts of an origin change; 0 where there never were any."""
        versions = table(ArtifactVersion)
        statement = select(versions.c.version).where(versions.c.origin_id == origin_id)
        with self._database.read() as connection:
            return connection.execute(statement).scalar_one_or_none() or 0

    def known_maps(self, origin_id: UUID, hashes: Collection[bytes]) -> dict[bytes, SourceMapRecord]:
        """Return those source maps that are kept, by hash.

        One that no artifact refers to may be gone a moment later; `put_map` keeps it for another day.
        """
        maps = table(SourceMap)
        columns = [maps.c[name] for name in _MAP_COLUMNS]
        found: dict[bytes, SourceMapRecord] = {}
        with self._database.read() as connection:
            for some in portions(hashes):
                statement = select(*columns).where(maps.c.origin_id == origin_id, maps.c.hash.in_(some))
                for record in (SourceMapRecord(*row) for row in connection.execute(statement)):
                    found[record.hash] = record
        return found

    def damaged_maps(self, origin_id: UUID, hashes: Collection[bytes], seconds: float | None = None) -> set[bytes]:
        """Return those source maps of which the map or the index is not there, not whole, or cannot be read.

        Args:
            origin_id: The origin.
            hashes: The source maps.
            seconds: How long they may be read, the indexes first; of the rest it is seen only whether the parts are
                there. None reads all.
        """
        return damaged_maps(self._database, origin_id, hashes, seconds)

    def outdated_maps(
        self, index_version: int, limit: int, after: tuple[UUID, bytes] | None = None
    ) -> list[SourceMapRecord]:
        """Return source maps of any origin that are kept, but whose index is of an earlier version, or none is.

        Args:
            index_version: The version that indexes should have.
            limit: The most to return.
            after: Origin and hash of the last one returned before.
        """
        maps = table(SourceMap)
        outdated = select(*(maps.c[name] for name in _MAP_COLUMNS)).where(
            maps.c.index_version < index_version, maps.c.map_body.is_not(None)
        )
        if after is not None:
            origin_id, map_hash = after
            later = (maps.c.origin_id == origin_id) & (maps.c.hash > map_hash)
            outdated = outdated.where((maps.c.origin_id > origin_id) | later)
        with self._database.read() as connection:
            rows = connection.execute(outdated.order_by(maps.c.origin_id, maps.c.hash).limit(limit))
            return [SourceMapRecord(*row) for row in rows]

    def put_map(
        self,
        origin_id: UUID,
        new: NewSourceMap,
        raw: BinaryIO | None,
        index: BinaryIO | None,
        *,
        renew: bool = False,
    ) -> None:
        """Keep a source map and its index, compressed; a later index takes the place of an earlier one.

        It is written in many short transactions, and is there after the last of them. Doing it again changes nothing.

        Args:
            origin_id: The origin.
            new: What the map is.
            raw: The map as it was uploaded, at its beginning; None where it is kept already.
            index: The index, at its beginning; None where there is none.
            renew: Write both though they are kept, because what is kept is of no use; a later index stays.

        Raises:
            NotFound: The origin was deleted.
            Unavailable: The store cannot be written.
        """
        put_map(self._turns, origin_id, self._clock(), new, raw, index, renew=renew)

    def read_part(self, origin_id: UUID, map_hash: bytes, kind: PartKind) -> Iterator[bytes]:
        """Return what is kept of a source map, in pieces.

        Raises:
            NotFound: It is not kept.
            Busy: While it was read, it was removed or a later index took its place; what was read is of no use.
            Unavailable: It is damaged.
        """
        body_id = self._body(origin_id, map_hash, kind)
        if body_id is None:
            raise NotFound("That source map, or an index of it, is not kept; upload it again.")
        return self._pieces(origin_id, map_hash, kind, body_id)

    def publish(
        self,
        origin_id: UUID,
        release_id: UUID | None,
        dist: str,
        artifacts: Sequence[NewArtifact],
        *,
        by: Actor = SYSTEM_ACTOR,
    ) -> Published:
        """Make artifacts known, all or none, in the place of those with the same name.

        Args:
            origin_id: The origin.
            release_id: The release; without one, an artifact replaces that of the same debug id, name and kind.
            dist: The distribution of the release; empty for none.
            artifacts: The artifacts; the source maps they refer to are kept already.
            by: Who uploaded them.

        Raises:
            NotFound: The origin or the release was deleted.
            Conflict: A source map is not kept.
        """
        with self._database.write() as connection:
            self._database.lock(connection, origin_id)
            check_origin(connection, origin_id)
            releases = table(Release)
            there = exists().where(releases.c.origin_id == origin_id, releases.c.id == release_id)
            if release_id is not None and not connection.execute(select(there)).scalar_one():
                raise NotFound("The release was deleted in the meantime; create it again.")
            check_maps(connection, origin_id, artifacts)
            wanted = [given(dist, one) for one in artifacts]
            now = self._clock()
            done = write_artifacts(connection, origin_id, release_id, now, wanted)
            if done.added or done.replaced:
                facts = told({"added": done.added, "replaced": done.replaced, "dist": dist or None})
                subject = release_id or origin_id
                note(connection, Entry(now, by, Deed.SOURCEMAPS_UPLOAD, subject, origin_id, after=facts))
            return done

    def list(
        self, origin_id: UUID, release_id: UUID | None, limit: int, after: tuple[str, UUID] | None
    ) -> tuple[list[ArtifactRecord], int]:
        """Return one page of a release's artifacts by name, or of those without a release, and how many there are.

        Args:
            origin_id: The origin.
            release_id: The release; None for artifacts without one.
            limit: The most rows to return.
            after: Name and id of the last row of the page before.
        """
        rows = table(Artifact)
        of_release = self._of_release(origin_id, release_id)
        page = select_artifacts(of_release).order_by(rows.c.name, rows.c.id).limit(limit)
        if after is not None:
            mark = tuple_(literal(storable(after[0])), literal(after[1], UuidBytes))
            page = page.where(tuple_(rows.c.name, rows.c.id) > mark)
        with self._database.read() as connection:
            total: int = connection.execute(select(func.count()).select_from(rows).where(of_release)).scalar_one()
            return [artifact_record(row) for row in connection.execute(page)], total

    def by_debug_ids(self, origin_id: UUID, debug_ids: Collection[str]) -> list[ArtifactRecord]:
        """Return the artifacts of an origin that have one of these debug ids, the newest first."""
        rows = table(Artifact)
        return self._newest(rows.c.origin_id == origin_id, rows.c.debug_id, debug_ids)

    def by_names(self, origin_id: UUID, release_id: UUID, names: Collection[str]) -> list[ArtifactRecord]:
        """Return the artifacts of a release that have one of these names, whatever their dist, the newest first."""
        return self._newest(self._of_release(origin_id, release_id), table(Artifact).c.name, names)

    def names(self, origin_id: UUID, release_id: UUID, limit: int) -> list[str]:
        """Return names of a release's artifacts, each once, in their order."""
        rows = table(Artifact)
        statement = select(rows.c.name).where(self._of_release(origin_id, release_id)).distinct()
        with self._database.read() as connection:
            return [name for (name,) in connection.execute(statement.order_by(rows.c.name).limit(limit))]

    def count(self, origin_id: UUID, release_ids: Collection[UUID]) -> dict[UUID, int]:
        """Return how many source maps releases have: files, and those that scripts hold inline."""
        with self._database.read() as connection:
            return count_maps(connection, origin_id, release_ids)

    def sweep(self, now: int, turns: Turns | None = None) -> int:
        """Remove what nobody needs a day after it came, and return how much it was.

        That is source maps no artifact refers to, what is left of interrupted uploads, and pieces of uploads.

        Args:
            now: Microseconds since 1970.
            turns: The turns to do it in; when they are over, what is left stays for the next time.
        """
        return sweep(turns or self._turns, now)

    def _of_release(self, origin_id: UUID, release_id: UUID | None) -> ColumnElement[bool]:
        rows = table(Artifact)
        return (rows.c.origin_id == origin_id) & (rows.c.release_id == release_id)

    def _newest(
        self, condition: ColumnElement[bool], column: ColumnElement[str], values: Collection[str]
    ) -> list[ArtifactRecord]:
        found: list[ArtifactRecord] = []
        with self._database.read() as connection:
            for some in portions({storable(value) for value in values}):
                statement = select_artifacts(condition, column.in_(some))
                found += [artifact_record(row) for row in connection.execute(statement)]
        return sorted(found, key=lambda record: (record.uploaded_at, record.id), reverse=True)

    def _body(self, origin_id: UUID, map_hash: bytes, kind: PartKind) -> UUID | None:
        maps = table(SourceMap)
        column = maps.c.map_body if kind is PartKind.MAP else maps.c.index_body
        statement = select(column).where(maps.c.origin_id == origin_id, maps.c.hash == map_hash)
        with self._database.read() as connection:
            return connection.execute(statement).scalar_one_or_none()

    def _pieces(self, origin_id: UUID, map_hash: bytes, kind: PartKind, body_id: UUID) -> Iterator[bytes]:
        try:
            yield from read_body(self._database, origin_id, body_id)
        except Busy:
            raise
        except Unavailable:
            if self._body(origin_id, map_hash, kind) == body_id:
                raise
            raise Busy("The source map was removed or replaced while it was read; read it again.") from None
