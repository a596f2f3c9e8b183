"""Look at what is uploaded: is every source map there that an artifact refers to, with all its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, FromClause, exists, func, select, union_all

from provenance_core.artifacts import ArtifactKind
from provenance_storage.artifact_tables import Artifact, SourceMap, SourceMapPart
from provenance_storage.database import Database
from provenance_storage.findings import Finding, problem, well
from provenance_storage.tables import table

_AGAIN = "Upload the files of the releases again: `provenance sourcemaps upload`; or restore a backup."


@dataclass(frozen=True, slots=True)
class KeptMaps:
    """How much is kept of what was uploaded, and how much of it is of no use.

    Attributes:
        lost: Artifacts whose source map is not there.
        incomplete: Source maps, or indexes of them, of which a part is not there.
    """

    artifacts: int
    maps: int
    lost: int
    incomplete: int


def kept_maps(connection: Connection) -> KeptMaps:
    """Count what is kept of what was uploaded, without reading what it holds."""
    artifacts, maps = table(Artifact), table(SourceMap)
    counted = (select(func.count()).select_from(rows) for rows in (artifacts, maps, _lost(), _incomplete()))
    return KeptMaps(*(connection.execute(statement).scalar_one() for statement in counted))


def inspect_maps(database: Database) -> Iterator[Finding]:
    """Look at artifacts and source maps."""
    with database.read() as connection:
        found = kept_maps(connection)
    if found.lost:
        yield problem("source maps", f"{found.lost} artifacts refer to source maps that are not there.", _AGAIN)
    if found.incomplete:
        yield problem("source maps", f"{found.incomplete} source maps or indexes lack a part.", _AGAIN)
    if not found.lost and not found.incomplete:
        yield well(
            "source maps", f"{found.artifacts} artifacts find their source maps, of which {found.maps} are kept."
        )


def _lost() -> FromClause:
    artifacts, maps = table(Artifact), table(SourceMap)
    by_file, inline = (
        ~exists().where(maps.c.origin_id == artifacts.c.origin_id, maps.c.hash == column)
        for column in (artifacts.c.hash, artifacts.c.map_hash)
    )
    is_map = artifacts.c.kind == ArtifactKind.SOURCE_MAP.value
    lost = (is_map & by_file) | (artifacts.c.map_hash.is_not(None) & inline)
    return select(artifacts.c.id).where(lost).subquery()


def _incomplete() -> FromClause:
    """Return the bodies that source maps name and that have no parts, or not all up to the last that is there."""
    maps, parts = table(SourceMap), table(SourceMapPart)
    named = union_all(
        *(
            select(maps.c.origin_id, column.label("body_id")).where(column.is_not(None))
            for column in (maps.c.map_body, maps.c.index_body)
        )
    ).subquery()
    whole = (
        select(parts.c.origin_id, parts.c.body_id)
        .group_by(parts.c.origin_id, parts.c.body_id)
        .having(func.count() == func.max(parts.c.number) + 1)
        .subquery()
    )
    same = (named.c.origin_id == whole.c.origin_id) & (named.c.body_id == whole.c.body_id)
    return (
        select(named.c.body_id).select_from(named.join(whole, same, isouter=True)).where(whole.c.body_id.is_(None))
    ).subquery()
