# pyright: reportAssignmentType=false, reportIncompatibleVariableOverride=false
# (SQLModel wants a plain `__tablename__` and `metadata`, which its own types do not foresee)
"""The tables of who may do what, and of what everybody did."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint
from sqlmodel import Field

from provenance_storage.columns import Blob, Micros, UuidBytes
from provenance_storage.declarations import CLUSTERED, PLAIN, StoreTable


class ApiKey(StoreTable, table=True):
    """A key of the API, as a hash; one that is revoked stays, so that what it did can be told."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("hash"), Index("ix_api_key_prefix", "prefix"), PLAIN)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    prefix: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=Blob)
    label: str = Field(sa_type=Text)
    scopes: str = Field(sa_type=Text)
    origin_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    created_at: int = Field(sa_type=Micros)
    last_used_at: int | None = Field(default=None, sa_type=Micros)
    revoked_at: int | None = Field(default=None, sa_type=Micros)


class StoreSecret(StoreTable, table=True):
    """A secret of the store, made with it: what hashes are keyed by."""

    __tablename__ = "store_secret"
    __table_args__ = (PLAIN,)
    name: str = Field(primary_key=True, sa_type=Text)
    value: bytes = Field(sa_type=Blob)


class Activity(StoreTable, table=True):
    """What somebody changed: written with the change, and never changed or removed, which triggers see to.

    `origin_id` is zero where what was changed belongs to no origin; it refers to nothing, for it outlives its origin.
    """

    __tablename__ = "activity"
    __table_args__ = (Index("ix_activity_subject", "origin_id", "subject_id", "id"), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    at: int = Field(sa_type=Micros)
    action: str = Field(sa_type=Text)
    subject_id: UUID = Field(sa_type=UuidBytes)
    actor_kind: str = Field(sa_type=Text)
    actor_name: str = Field(sa_type=Text)
    actor_id: str | None = Field(default=None, sa_type=Text)
    client: str | None = Field(default=None, sa_type=Text)
    door: str = Field(sa_type=Text)
    before: str | None = Field(default=None, sa_type=Text)
    after: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
