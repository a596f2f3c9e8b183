"""Give the files of an upload the debug ids that their pairs have: builds put one into the script alone, or the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from provenance_core.artifacts import ArtifactKind
from provenance_core.sourcemaps.references import joined, url_candidates
from provenance_storage.records import NewArtifact


def with_debug_ids(artifacts: Sequence[NewArtifact], debug_ids: Mapping[bytes, str | None]) -> list[NewArtifact]:
    """Return artifacts with debug ids: their own, else that of the map by its content, else that of their pair.

    Args:
        artifacts: Scripts and source maps of one upload.
        debug_ids: What stands in source maps, by their hashes.
    """
    own = [_with_own(artifact, debug_ids) for artifact in artifacts]
    maps = {one.name: number for number, one in enumerate(own) if one.kind is ArtifactKind.SOURCE_MAP}
    for number, script in enumerate(own):
        if script.kind is not ArtifactKind.SCRIPT or script.map_hash is not None:
            continue
        found = next((maps[name] for name in _map_names(script) if name in maps), None)
        if found is None:
            continue
        if script.debug_id is None:
            own[number] = replace(script, debug_id=own[found].debug_id)
        elif own[found].debug_id is None:
            own[found] = replace(own[found], debug_id=script.debug_id)
    return own


def _with_own(artifact: NewArtifact, debug_ids: Mapping[bytes, str | None]) -> NewArtifact:
    if artifact.debug_id is not None:
        return artifact
    content = artifact.hash if artifact.kind is ArtifactKind.SOURCE_MAP else artifact.map_hash
    return replace(artifact, debug_id=debug_ids.get(content)) if content is not None else artifact


def _map_names(script: NewArtifact) -> list[str]:
    """Return the names that a script's map may have: where the script says it is, else beside it."""
    referred = joined(script.name, script.reference) if script.reference else None
    return [*([referred, *url_candidates(referred)] if referred else []), f"{script.name}.map"]
