"""Which source maps can be used: their index is there, whole and of this version, and nothing is wrong with them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from provenance_core.sourcemaps.index import INDEX_VERSION
from provenance_storage.artifacts import Artifacts
from provenance_storage.records import SourceMapRecord


def usable_maps(
    artifacts: Artifacts, origin_id: UUID, hashes: Collection[bytes], seconds: float | None = None
) -> dict[bytes, SourceMapRecord]:
    """Return those source maps that frames can be resolved by, and that can be built again from what is kept.

    Args:
        artifacts: Where they are kept.
        origin_id: Whose they are.
        hashes: The source maps.
        seconds: How long they may be read to see whether they are as they were written; None reads all.
    """
    known = artifacts.known_maps(origin_id, hashes) if hashes else {}
    current = {
        content: one for content, one in known.items() if one.index_version == INDEX_VERSION and one.problem is None
    }
    damaged = artifacts.damaged_maps(origin_id, current, seconds) if current else set[bytes]()
    return {content: one for content, one in current.items() if content not in damaged}
