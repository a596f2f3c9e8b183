"""The rows of artifacts inside somebody else's transaction, which holds the origin's lock."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, select

from provenance_core.artifacts import ArtifactKind
from provenance_core.errors import Conflict
from provenance_core.ids import uuid7
from provenance_storage.artifact_tables import Artifact, ArtifactVersion, SourceMap
from provenance_storage.prepared import RowStatement, inserted
from provenance_storage.records import ArtifactRecord, NewArtifact, Published
from provenance_storage.statements import insert_into, portions
from provenance_storage.tables import table

_COLUMNS = tuple(ArtifactRecord.__dataclass_fields__)
_GIVEN = ("dist", "name", "kind", "debug_id", "hash", "map_hash", "reference", "size")
"""What an upload says of an artifact."""

Key = tuple[object, ...]


def select_artifacts(*conditions: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    """Return the statement that reads artifacts, for `artifact_record`."""
    rows = table(Artifact)
    return select(*(rows.c[name] for name in _COLUMNS)).where(*conditions)


def artifact_record(row: Sequence[object]) -> ArtifactRecord:
    """Make the record of a row."""
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    values["kind"] = ArtifactKind(values["kind"])
    return ArtifactRecord(**values)


def write_artifacts(
    connection: Connection, origin_id: UUID, release_id: UUID | None, now: int, artifacts: Iterable[dict[str, object]]
) -> Published:
    """Write artifacts in the place of those that they replace, and say what became of them.

    Args:
        connection: One in a write transaction that holds the origin's lock.
        origin_id: The origin.
        release_id: The release; without one an artifact replaces that of the same debug id, name and kind.
        now: Microseconds since 1970.
        artifacts: What `given` returns; of several with one key the last counts.
    """
    wanted = {_key(release_id, one): one for one in artifacts}
    there = _there(connection, origin_id, release_id, list(wanted.values()))
    changed = {key: one for key, one in wanted.items() if key not in there or _differ(there[key], one)}
    outdated = [there[key].id for key in changed if key in there]
    rows = table(Artifact)
    for some in portions(outdated):
        connection.execute(delete(rows).where(rows.c.origin_id == origin_id, rows.c.id.in_(some)))
    common = {"origin_id": origin_id, "release_id": release_id, "uploaded_at": now}
    new = [common | {"id": uuid7(now, secrets.randbits(62))} | one for one in changed.values()]
    if new:
        _add_artifacts(connection.dialect.name).run(
            connection, [[one[column.name] for column in rows.c] for one in new]
        )
        grow_version(connection, origin_id)
    return Published(len(new) - len(outdated), len(outdated), len(wanted) - len(new))


@cache
def _add_artifacts(dialect: str) -> RowStatement:
    return inserted(dialect, table(Artifact))


def given(dist: str, artifact: NewArtifact) -> dict[str, object]:
    """Return what an upload says of an artifact, by column."""
    values: dict[str, object] = {name: getattr(artifact, name) for name in _GIVEN if name != "dist"}
    return values | {"dist": dist, "kind": artifact.kind.value}


def check_maps(connection: Connection, origin_id: UUID, artifacts: Iterable[NewArtifact]) -> None:
    """Refuse artifacts that refer to a source map that is not kept.

    Raises:
        Conflict: They do.
    """
    hashes = {one.hash for one in artifacts if one.kind is ArtifactKind.SOURCE_MAP}
    hashes |= {one.map_hash for one in artifacts if one.map_hash is not None}
    maps = table(SourceMap)
    for some in portions(hashes):
        found = select(maps.c.hash).where(maps.c.origin_id == origin_id, maps.c.hash.in_(some))
        hashes -= set(connection.execute(found).scalars())
    if hashes:
        raise Conflict(f"{len(hashes)} source maps of the upload are not kept any more; upload the files again.")


def grow_version(connection: Connection, origin_id: UUID) -> None:
    """Say that the artifacts of an origin are others by now."""
    versions = table(ArtifactVersion)
    first = insert_into(connection.dialect.name, versions).values(origin_id=origin_id, version=1)
    more = {"version": versions.c.version + 1}
    connection.execute(first.on_conflict_do_update(index_elements=[versions.c.origin_id], set_=more))


def is_referred_to(connection: Connection, origin_id: UUID, map_hash: bytes) -> bool:
    """Say whether an artifact of an origin is a source map, or has it inline."""
    rows = table(Artifact)
    of_origin = rows.c.origin_id == origin_id
    by_file, inline = (exists().where(of_origin, column == map_hash) for column in (rows.c.hash, rows.c.map_hash))
    return connection.execute(select(by_file | inline)).scalar_one()


def unreferred(origin_id: UUID, *conditions: ColumnElement[bool]) -> Select[bytes, UUID | None, UUID | None]:
    """Return the statement that reads the hashes and bodies of source maps that no artifact refers to."""
    maps, rows = table(SourceMap), table(Artifact)
    by_file, inline = (
        exists().where(rows.c.origin_id == maps.c.origin_id, column == maps.c.hash)
        for column in (rows.c.hash, rows.c.map_hash)
    )
    return select(maps.c.hash, maps.c.map_body, maps.c.index_body).where(
        maps.c.origin_id == origin_id, ~by_file, ~inline, *conditions
    )


def remove_unreferred(
    origin_id: UUID, hashes: Collection[bytes], before: int | None, connection: Connection
) -> tuple[int, list[UUID]]:
    """Remove those source maps that no artifact refers to.

    Args:
        origin_id: The origin.
        hashes: The source maps.
        before: Only those uploaded before a moment, in microseconds since 1970; None for all.
        connection: One in a write transaction that holds the origin's lock.

    Returns:
        How many they were, and their bodies, which nobody names any more.
    """
    maps = table(SourceMap)
    old = () if before is None else (maps.c.created_at < before,)
    found = connection.execute(unreferred(origin_id, maps.c.hash.in_(hashes), *old)).all()
    gone = [hash_ for hash_, _, _ in found]
    connection.execute(delete(maps).where(maps.c.origin_id == origin_id, maps.c.hash.in_(gone)))
    return len(gone), [body for _, *bodies in found for body in bodies if body is not None]


def count_maps(connection: Connection, origin_id: UUID, release_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how many source maps releases have: files, and those that scripts hold inline."""
    rows = table(Artifact)
    is_map = (rows.c.kind == ArtifactKind.SOURCE_MAP.value) | rows.c.map_hash.is_not(None)
    counts = dict.fromkeys(release_ids, 0)
    for some in portions(release_ids):
        counted = (
            select(rows.c.release_id, func.count())
            .where(rows.c.origin_id == origin_id, rows.c.release_id.in_(some), is_map)
            .group_by(rows.c.release_id)
        )
        counts |= {release_id: int(count) for release_id, count in connection.execute(counted)}
    return counts


def _key(release_id: UUID | None, one: dict[str, object]) -> Key:
    """Return what no two artifacts have in common: of a release the name, else the debug id with it.

    Files of several builds may have one debug id, and each finds its map by its own name.
    """
    if release_id is not None:
        return (one["dist"], one["name"])
    if one["debug_id"] is not None:
        return (one["debug_id"], one["name"], one["kind"])
    return (None, one["dist"], one["name"], one["kind"])


def _there(
    connection: Connection, origin_id: UUID, release_id: UUID | None, wanted: Sequence[dict[str, object]]
) -> dict[Key, ArtifactRecord]:
    """Return the artifacts that those wanted may replace, by their keys."""
    rows = table(Artifact)
    found: dict[Key, ArtifactRecord] = {}
    for some in portions({one["name"] for one in wanted}):
        there = select_artifacts(rows.c.origin_id == origin_id, rows.c.release_id == release_id, rows.c.name.in_(some))
        for record in map(artifact_record, connection.execute(there)):
            found[_key(release_id, {name: getattr(record, name) for name in _GIVEN})] = record
    return found


def _differ(record: ArtifactRecord, one: dict[str, object]) -> bool:
    return any(getattr(record, name) != value for name, value in one.items())
