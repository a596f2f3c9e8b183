"""Source maps and artifacts for tests of the store."""

from __future__ import annotations

import hashlib
import random
from io import BytesIO
from uuid import UUID

from provenance_core.artifacts import ArtifactKind
from provenance_storage.artifact_tables import Artifact, SourceMap, SourceMapPart, UploadChunk
from provenance_storage.records import NewArtifact, NewSourceMap, PartKind, ReleaseRecord
from provenance_storage.releases import ReleaseDetails
from provenance_storage.store import Store
from provenance_storage.tables import table

UPLOADED = (Artifact, SourceMap, SourceMapPart, UploadChunk)
DEBUG_ID = "e969f989-a2b3-4c4d-8e5f-0123456789ab"
OTHER_ID = "0b0f9d2e-a2b3-4c4d-8e5f-0123456789ab"


def digest(data: bytes) -> bytes:
    """Return the hash that the store knows bytes by."""
    return hashlib.sha256(data).digest()


def noise(size: int, seed: int = 1) -> bytes:
    """Return bytes that cannot be compressed."""
    return random.Random(seed).randbytes(size)


def a_map(data: bytes, *, index_version: int = 1, problem: str | None = None) -> NewSourceMap:
    """Return what is said of a source map."""
    return NewSourceMap(digest(data), len(data), index_version, None, 3, 40, "[]", problem)


def put(store: Store, origin_id: UUID, data: bytes, index: bytes | None = b"index", *, index_version: int = 1) -> bytes:
    """Keep a source map and return its hash."""
    raw = BytesIO(index) if index is not None else None
    store.artifacts.put_map(origin_id, a_map(data, index_version=index_version), BytesIO(data), raw)
    return digest(data)


def read(store: Store, origin_id: UUID, map_hash: bytes, kind: PartKind = PartKind.MAP) -> bytes:
    """Return what is kept of a source map."""
    return b"".join(store.artifacts.read_part(origin_id, map_hash, kind))


def script(
    name: str, data: bytes = b"code", *, debug_id: str | None = None, inline: bytes | None = None
) -> NewArtifact:
    """Return a script that is to be published; `inline` is the map it holds."""
    reference = None if inline is not None else f"{name.rpartition('/')[2]}.map"
    map_hash = digest(inline) if inline is not None else None
    return NewArtifact(name, ArtifactKind.SCRIPT, digest(data), len(data), debug_id, reference, map_hash)


def source_map(name: str, data: bytes, *, debug_id: str | None = None) -> NewArtifact:
    """Return a source map that is to be published."""
    return NewArtifact(name, ArtifactKind.SOURCE_MAP, digest(data), len(data), debug_id)


def release(store: Store, origin_id: UUID, version: str = "1.0.0") -> ReleaseRecord:
    """Register a release."""
    return store.releases.register(origin_id, version, ReleaseDetails(ref="abc", url="u", notes="n", date_released=1))[
        0
    ]


def rows(store: Store) -> dict[str, int]:
    """Return how many rows there are of what is uploaded."""
    with store.database.read() as connection:
        return {
            one.name: connection.exec_driver_sql(f"select count(*) from {one.name}").scalar_one()
            for one in map(table, UPLOADED)
        }
