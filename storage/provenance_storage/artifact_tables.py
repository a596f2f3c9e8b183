# pyright: reportAssignmentType=false, reportIncompatibleVariableOverride=false
# (SQLModel wants a plain `__tablename__` and `metadata`, which its own types do not foresee)
"""The tables of what is uploaded: artifacts of releases, source maps, and pieces of uploads on their way."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Index, Text
from sqlmodel import Field

from provenance_core.artifacts import ArtifactKind
from provenance_storage.columns import Blob, Count, Micros, UuidBytes
from provenance_storage.declarations import CLUSTERED, PLAIN, StoreTable, of_origin, of_release, one_of, only


class Artifact(StoreTable, table=True):
    """An uploaded file of an origin: of a release, or known by its debug id alone."""

    __tablename__ = "artifact"
    __table_args__ = (
        Index("ix_artifact_release", "origin_id", "release_id", "name", "id"),
        Index("ix_artifact_debug_id", "origin_id", "debug_id"),
        Index("ix_artifact_hash", "origin_id", "hash"),
        Index("ix_artifact_map_hash", "origin_id", "map_hash", **only("map_hash is not null")),
        one_of("kind", ArtifactKind),
        of_release(),
        of_origin(),
        PLAIN,
    )
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    release_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    dist: str = Field(sa_type=Text)
    name: str = Field(
        sa_type=Text().with_variant(Text(collation="C"), "postgresql"),  # type: ignore[arg-type]  # a type instance is accepted
    )
    kind: str = Field(sa_type=Text)
    debug_id: str | None = Field(default=None, sa_type=Text)
    hash: bytes = Field(sa_type=Blob)
    map_hash: bytes | None = Field(default=None, sa_type=Blob)
    reference: str | None = Field(default=None, sa_type=Text)
    size: int = Field(sa_type=Count)
    uploaded_at: int = Field(sa_type=Micros)


class ArtifactVersion(StoreTable, table=True):
    """A number that grows whenever the artifacts of an origin change."""

    __tablename__ = "artifact_version"
    __table_args__ = (of_origin(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    version: int = Field(sa_type=Count)


class SourceMap(StoreTable, table=True):
    """A source map by the hash of its bytes, once for an origin however many artifacts are the same.

    `map_body` and `index_body` name the parts that hold the map and its index.
    """

    __tablename__ = "source_map"
    __table_args__ = (of_origin(), PLAIN)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    hash: bytes = Field(primary_key=True, sa_type=Blob)
    size: int = Field(sa_type=Count)
    index_version: int = Field(sa_type=Count)
    debug_id: str | None = Field(default=None, sa_type=Text)
    sources: int = Field(sa_type=Count)
    segments: int = Field(sa_type=Count)
    warnings: str = Field(sa_type=Text)
    problem: str | None = Field(default=None, sa_type=Text)
    created_at: int = Field(sa_type=Micros)
    map_body: UUID | None = Field(default=None, sa_type=UuidBytes)
    index_body: UUID | None = Field(default=None, sa_type=UuidBytes)


class SourceMapPart(StoreTable, table=True):
    """A part of a compressed body. It is written before the source map that names the body, and refers to nothing."""

    __tablename__ = "source_map_part"
    __table_args__ = (PLAIN,)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    body_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    number: int = Field(primary_key=True, sa_type=Count)
    body: bytes = Field(sa_type=Blob)


class UploadChunk(StoreTable, table=True):
    """A piece of an upload that is not put together yet, by its checksum."""

    __tablename__ = "upload_chunk"
    __table_args__ = (PLAIN,)
    checksum: str = Field(primary_key=True, sa_type=Text)
    received_at: int = Field(sa_type=Micros)
    body: bytes = Field(sa_type=Blob)
