"""Operations on source maps: list a release's, say which are missing, resolve frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from provenance_core.artifacts import ArtifactKind
from provenance_core.errors import NotFound
from provenance_core.events import Event, Unresolved
from provenance_core.moments import format_moment
from provenance_core.normalize import normalize_interaction
from provenance_core.sourcemaps.resolving import frames_of, resolve_event
from provenance_server.context import Context
from provenance_server.cursors import read_name_cursor, write_name_cursor
from provenance_server.operation import implements
from provenance_server.operations import CHECK_SOURCEMAPS, LIST_SOURCEMAPS, RESOLVE_FRAMES
from provenance_server.sourcemap_answers import (
    Artifact,
    ArtifactList,
    MapWarning,
    MissingSourcemaps,
    ReportedStack,
    ResolvedStack,
)
from provenance_server.sourcemap_arguments import CheckSourcemaps, ListSourcemaps, ResolveFrames
from provenance_server.usable_maps import usable_maps
from provenance_storage.records import ArtifactRecord, ReleaseRecord, SourceMapRecord
from provenance_storage.store import Store

SECONDS_READING = 10.0
"""How long a check reads what is kept to see whether it is as it was written; then it only looks for the parts."""

_NAMES_AT_ONCE = 1_000


@implements(LIST_SOURCEMAPS)
def list_sourcemaps(context: Context, arguments: ListSourcemaps) -> ArtifactList:
    """List the source maps and generated files of a release, by name."""
    store = context.store
    origin = context.origin(arguments.origin)
    release = store.releases.find(origin.id, arguments.release)
    after = read_name_cursor(arguments, arguments.cursor)
    rows, total = store.artifacts.list(origin.id, release.id, arguments.limit + 1, after)
    shown = rows[: arguments.limit]
    known = store.artifacts.known_maps(origin.id, {content for row in shown if (content := _map_of(row)) is not None})
    cursor = None
    if len(rows) > len(shown):
        cursor = write_name_cursor(arguments, shown[-1].name, shown[-1].id)
    return ArtifactList(items=[_artifact(row, known) for row in shown], total=total, next_cursor=cursor)


def _map_of(row: ArtifactRecord) -> bytes | None:
    return row.hash if row.kind is ArtifactKind.SOURCE_MAP else row.map_hash


def _artifact(row: ArtifactRecord, known: dict[bytes, SourceMapRecord]) -> Artifact:
    content = _map_of(row)
    facts = known.get(content) if content is not None else None
    warnings: list[dict[str, Any]] = orjson.loads(facts.warnings) if facts is not None else []
    return Artifact(
        id=str(row.id),
        name=row.name,
        kind=row.kind,
        dist=row.dist or None,
        size=row.size,
        sha256=row.hash.hex(),
        debug_id=row.debug_id,
        source_map=row.reference,
        sources=facts.sources if facts is not None else None,
        mappings=facts.segments if facts is not None else None,
        warnings=[MapWarning.model_validate(warning) for warning in warnings],
        problem=facts.problem if facts is not None else None,
        uploaded_at=format_moment(row.uploaded_at),
    )


@implements(CHECK_SOURCEMAPS)
def check_sourcemaps(context: Context, arguments: CheckSourcemaps) -> MissingSourcemaps:
    """Say which files a release does not have with these bytes: only those need to be uploaded.

    A map that is there but cannot be used counts as missing, and so does a script that holds one: uploading it again
    mends it.
    """
    store = context.store
    origin = context.origin(arguments.origin)
    try:
        release = store.releases.find(origin.id, arguments.release)
    except NotFound:
        return MissingSourcemaps(missing=[file.name for file in arguments.files])
    there = _usable(store, origin.id, _asked_rows(store, release, arguments))
    return MissingSourcemaps(missing=[one.name for one in arguments.files if (one.name, one.sha256) not in there])


def _asked_rows(store: Store, release: ReleaseRecord, arguments: CheckSourcemaps) -> list[ArtifactRecord]:
    """Return the artifacts of a release that are what somebody has."""
    asked = {(file.name, file.sha256) for file in arguments.files}
    names = [file.name for file in arguments.files]
    found: list[ArtifactRecord] = []
    for start in range(0, len(names), _NAMES_AT_ONCE):
        rows = store.artifacts.by_names(release.origin_id, release.id, names[start : start + _NAMES_AT_ONCE])
        found += [row for row in rows if row.dist == arguments.dist and (row.name, row.hash.hex()) in asked]
    return found


def _usable(store: Store, origin_id: UUID, rows: Sequence[ArtifactRecord]) -> set[tuple[str, str]]:
    """Return names and hashes of artifacts, without those whose map cannot be used."""
    maps = {content for row in rows if (content := _map_of(row)) is not None}
    usable = usable_maps(store.artifacts, origin_id, maps, SECONDS_READING)
    return {(row.name, row.hash.hex()) for row in rows if (content := _map_of(row)) is None or content in usable}


@implements(RESOLVE_FRAMES)
def resolve_frames(context: Context, arguments: ResolveFrames) -> ResolvedStack:
    """Resolve frames, or the text of a stack, by the source maps of an origin; each says why not where it could not be.

    Nothing is recorded.
    """
    origin = context.origin(arguments.origin)
    raw: dict[str, Any] = {"release": arguments.release, "dist": arguments.dist, "debugImages": arguments.debug_images}
    raw |= {"stack": arguments.stack} if arguments.frames is None else {"frames": arguments.frames}
    raw["platform"] = "javascript"
    told = normalize_interaction(raw).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    resolve = context.source_maps.resolver(origin.id)
    if resolve is None:  # nothing was ever uploaded
        reason = Unresolved.NO_ARTIFACT if arguments.release else Unresolved.NO_RELEASE
        resolve_event(told, lambda wanted: [reason] * len(wanted))
    resolved = resolve(told) if resolve is not None else 0
    frames = list(frames_of(told))
    event = Event.model_validate(told)
    return ResolvedStack(
        resolved=resolved,
        unresolved=sum("unresolved" in frame for frame in frames),
        reported=ReportedStack(
            error_type=event.error_type, message=event.message, frames=list(event.frames), causes=list(event.causes)
        ),
    )
