# pyright: reportAssignmentType=false, reportIncompatibleVariableOverride=false
# (SQLModel wants a plain `__tablename__` and `metadata`, which its own types do not foresee)
"""The tables. Every key but the directory's starts with the origin, so that the schema can be distributed by it.

The directory is `origin`, `resource_type` and `action`, and the keys and secrets of `access_tables`; `upload_chunk`
belongs to no origin yet. What is uploaded has its tables in `artifact_tables`. Times are microseconds since 1970, UTC.
Tables never validate (SQLModel does not, for tables): what reaches them was parsed before, and CHECK constraints stand
behind.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Table, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from provenance_core.events import Level, Via
from provenance_core.lifecycle import Status
from provenance_storage import access_tables, artifact_tables  # noqa: F401  # pyright: ignore[reportUnusedImport]
from provenance_storage.columns import Blob, Count, Flag, Micros, UuidBytes
from provenance_storage.declarations import (
    BY_MONTH,
    CLUSTERED,
    PLAIN,
    StoreTable,
    among,
    of_issue,
    of_origin,
    of_release,
    one_of,
    only,
)
from provenance_storage.tag_names import ENVIRONMENT_TAG

METADATA = StoreTable.metadata
"""What is known of every table, those of the two modules imported for it included."""

MANY = 16
"""Events, or users, from which on an issue is in the index that lists are sorted by: every event changes such a number,
and issues with few of them are nearly all."""

_GROUP = ("origin_id", "status", "level")
"""What every list of issues walks through, one group after the other, each in its order."""

_PLAIN_ONLY = only("issue_id is null")
"""An index over interactions that are no events: those alone use words that can be deleted."""

IS_ENVIRONMENT = f"key || '' = '{ENVIRONMENT_TAG}'"
"""Says that a tag is the environment. Of a bare `key` SQLite would ask whether each value a statement is given makes an
index of environments useful, and would prepare the statement that counts tags again for every row."""


class Origin(StoreTable, table=True):
    """An application or service that sends errors."""

    __tablename__ = "origin"
    __table_args__ = (UniqueConstraint("mnemonic"), UniqueConstraint("number"), PLAIN)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    number: int = Field(sa_type=Count)
    mnemonic: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    config: str = Field(sa_type=Text)
    created_at: int = Field(sa_type=Micros)


class ResourceType(StoreTable, table=True):
    """A kind of thing that interactions are about."""

    __tablename__ = "resource_type"
    __table_args__ = (UniqueConstraint("mnemonic"), PLAIN)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    mnemonic: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    system: bool = Field(sa_type=Flag)
    created_at: int = Field(sa_type=Micros)


class Action(StoreTable, table=True):
    """What an interaction did to its resource."""

    __tablename__ = "action"
    __table_args__ = (UniqueConstraint("mnemonic"), PLAIN)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    mnemonic: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    system: bool = Field(sa_type=Flag)
    created_at: int = Field(sa_type=Micros)


class OriginKey(StoreTable, table=True):
    """A key of an origin's DSN; a public one can only write."""

    __tablename__ = "origin_key"
    __table_args__ = (
        CheckConstraint("kind in ('public', 'server')", name="kind"),
        of_origin(),
        CLUSTERED,
    )
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    key: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    created_at: int = Field(sa_type=Micros)


class Release(StoreTable, table=True):
    """A version of an origin; registered once an authenticated call created it, else only seen in events."""

    __tablename__ = "release"
    __table_args__ = (
        UniqueConstraint("origin_id", "version"),
        Index("ix_release_newest", "origin_id", "created_at", "id"),
        Index("ix_release_order", "origin_id", "version_order"),
        of_origin(),
        PLAIN,
    )
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    version: str = Field(sa_type=Text)
    version_order: str | None = Field(
        default=None,
        sa_type=Text().with_variant(Text(collation="C"), "postgresql"),  # type: ignore[arg-type]  # a type instance is accepted
    )
    registered: bool = Field(sa_type=Flag)
    ref: str | None = Field(default=None, sa_type=Text)
    url: str | None = Field(default=None, sa_type=Text)
    notes: str | None = Field(default=None, sa_type=Text)
    date_released: int | None = Field(default=None, sa_type=Micros)
    created_at: int = Field(sa_type=Micros)


class ErrorIssue(StoreTable, table=True):
    """All events of one origin that share a fingerprint, with what lists show of them."""

    __tablename__ = "error_issue"
    __table_args__ = (
        UniqueConstraint("origin_id", "number"),
        Index("ix_error_issue_last_seen", *_GROUP, "last_seen", "id"),
        Index("ix_error_issue_first_seen", *_GROUP, "first_seen", "id"),
        Index("ix_error_issue_event_count", *_GROUP, "event_count", "id", **only(f"event_count >= {MANY}")),
        Index("ix_error_issue_user_count", *_GROUP, "user_count", "id", **only(f"user_count >= {MANY}")),
        one_of("status", Status),
        one_of("level", Level),
        CheckConstraint("event_count > 0", name="event_count"),
        of_origin(),
        PLAIN,
    )
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    number: int = Field(sa_type=Count)
    fingerprint: str = Field(sa_type=Text)
    fingerprint_version: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    status_changed_at: int = Field(sa_type=Micros)
    resolved_release_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    regression_count: int = Field(sa_type=Count)
    level: str = Field(sa_type=Text)
    handled: bool | None = Field(default=None, sa_type=Flag)
    platform: str | None = Field(default=None, sa_type=Text)
    title: str = Field(sa_type=Text)
    culprit: str | None = Field(default=None, sa_type=Text)
    first_seen: int = Field(sa_type=Micros)
    last_seen: int = Field(sa_type=Micros)
    first_event_id: UUID = Field(sa_type=UuidBytes)
    last_event_id: UUID = Field(sa_type=UuidBytes)
    first_release_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    last_release_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    event_count: int = Field(sa_type=Count)
    user_count: int = Field(sa_type=Count)
    stored_count: int = Field(sa_type=Count)
    authenticated_count: int = Field(sa_type=Count)
    matched_count: int = Field(sa_type=Count)


class IssueNumber(StoreTable, table=True):
    """The last short number an origin gave to an issue, and when it had its last event."""

    __tablename__ = "issue_number"
    __table_args__ = (of_origin(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    last: int = Field(sa_type=Count)
    last_seen: int = Field(sa_type=Micros)


class IssueCount(StoreTable, table=True):
    """How many issues of an origin have a status and a level: of all, or of those met in one environment."""

    __tablename__ = "issue_count"
    __table_args__ = (of_origin(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    environment: str = Field(primary_key=True, sa_type=Text)
    status: str = Field(primary_key=True, sa_type=Text)
    level: str = Field(primary_key=True, sa_type=Text)
    issue_count: int = Field(sa_type=Count)


class IssueFingerprint(StoreTable, table=True):
    """Which issue a fingerprint leads to; the version of its algorithm stays beside it."""

    __tablename__ = "issue_fingerprint"
    __table_args__ = (of_issue(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    fingerprint: str = Field(primary_key=True, sa_type=Text)
    version: str = Field(sa_type=Text)
    issue_id: UUID = Field(sa_type=UuidBytes)


class Interaction(StoreTable, table=True):
    """One immutable record of something that happened; of an error it is an event and belongs to an issue."""

    __tablename__ = "interaction"
    __table_args__ = (
        Index("ix_interaction_issue", "origin_id", "issue_id", "received_at", "id"),
        Index("ix_interaction_resource_type", "resource_type_id", **_PLAIN_ONLY),
        Index("ix_interaction_action", "action_id", **_PLAIN_ONLY),
        one_of("via", Via),
        CheckConstraint(f"level is null or {among('level', Level)}", name="level"),
        of_issue(),
        CLUSTERED | BY_MONTH,
    )
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    received_at: int = Field(primary_key=True, sa_type=Micros)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    resource_type_id: UUID = Field(sa_type=UuidBytes)
    action_id: UUID = Field(sa_type=UuidBytes)
    resource_id: str | None = Field(default=None, sa_type=Text)
    issue_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    release_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    event_id: str | None = Field(default=None, sa_type=Text)
    level: str | None = Field(default=None, sa_type=Text)
    via: str = Field(sa_type=Text)
    uow_id: str | None = Field(default=None, sa_type=Text)
    user_id: str | None = Field(default=None, sa_type=Text)
    span_id: str | None = Field(default=None, sa_type=Text)
    parent_span_id: str | None = Field(default=None, sa_type=Text)
    interaction_at: int | None = Field(default=None, sa_type=Micros)
    external_reference: str | None = Field(default=None, sa_type=Text)
    matched: bool | None = Field(default=None, sa_type=Flag)
    sender_hash: bytes | None = Field(default=None, sa_type=Blob)


class InteractionPayload(StoreTable, table=True):
    """What an interaction carried, compressed; lists never read it.

    It does not refer to its interaction: on PostgreSQL the partition of a month could not be dropped then.
    """

    __tablename__ = "interaction_payload"
    __table_args__ = (PLAIN | BY_MONTH,)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    received_at: int = Field(primary_key=True, sa_type=Micros)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    body: bytes = Field(sa_type=Blob)


class EventKey(StoreTable, table=True):
    """The sender's id of an event, so that sending it again changes nothing."""

    __tablename__ = "event_key"
    __table_args__ = (of_origin(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    event_id: str = Field(primary_key=True, sa_type=Text)
    received_at: int = Field(sa_type=Micros)
    interaction_id: UUID = Field(sa_type=UuidBytes)


class IssueHour(StoreTable, table=True):
    """How many events of an issue were received in one hour (hours since 1970, UTC)."""

    __tablename__ = "issue_hour"
    __table_args__ = (of_issue(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    issue_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    hour: int = Field(primary_key=True, sa_type=Count)
    event_count: int = Field(sa_type=Count)


class IssueRelease(StoreTable, table=True):
    """How many events of an issue came from one release."""

    __tablename__ = "issue_release"
    __table_args__ = (
        Index("ix_issue_release_release", "origin_id", "release_id", "issue_id"),
        of_issue(),
        of_release(),
        CLUSTERED,
    )
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    issue_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    release_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    event_count: int = Field(sa_type=Count)
    first_seen: int = Field(sa_type=Micros)
    last_seen: int = Field(sa_type=Micros)


class IssueTagKey(StoreTable, table=True):
    """How many events of an issue carried a tag, whatever its value; only so many tags are counted."""

    __tablename__ = "issue_tag_key"
    __table_args__ = (of_issue(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    issue_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    key: str = Field(primary_key=True, sa_type=Text)
    event_count: int = Field(sa_type=Count)


class IssueTag(StoreTable, table=True):
    """How many events of an issue carried one value of one tag; only so many values of a tag are counted."""

    __tablename__ = "issue_tag"
    __table_args__ = (
        Index("ix_issue_tag_environment", "origin_id", "value", "issue_id", **only(IS_ENVIRONMENT)),
        of_issue(),
        CLUSTERED,
    )
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    issue_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(primary_key=True, sa_type=Text)
    event_count: int = Field(sa_type=Count)


class IssueUser(StoreTable, table=True):
    """A user, as a hash, who met an issue."""

    __tablename__ = "issue_user"
    __table_args__ = (of_issue(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    issue_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    user_hash: bytes = Field(primary_key=True, sa_type=Blob)
    first_seen: int = Field(sa_type=Micros)


class StatusChange(StoreTable, table=True):
    """One change of an issue's status: who, when, from, to, and what for; never changed afterwards."""

    __tablename__ = "status_change"
    __table_args__ = (
        Index("ix_status_change_issue", "origin_id", "issue_id", "id"),
        Index("ix_status_change_release", "origin_id", "release_id", "to_status"),
        of_issue(),
        PLAIN,
    )
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    issue_id: UUID = Field(sa_type=UuidBytes)
    changed_at: int = Field(sa_type=Micros)
    actor: str = Field(sa_type=Text)
    client: str | None = Field(default=None, sa_type=Text)
    from_status: str = Field(sa_type=Text)
    to_status: str = Field(sa_type=Text)
    release_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    event_id: UUID | None = Field(default=None, sa_type=UuidBytes)
    note: str | None = Field(default=None, sa_type=Text)


class Discard(StoreTable, table=True):
    """How many envelope items of one category were taken and not kept in one hour, and why."""

    __tablename__ = "discard"
    __table_args__ = (of_origin(), CLUSTERED)
    origin_id: UUID = Field(primary_key=True, sa_type=UuidBytes)
    hour: int = Field(primary_key=True, sa_type=Count)
    category: str = Field(primary_key=True, sa_type=Text)
    reason: str = Field(primary_key=True, sa_type=Text)
    item_count: int = Field(sa_type=Count)


def table(model: type[SQLModel]) -> Table:
    """Return the Core table of a model, for statements on the hot path."""
    return METADATA.tables[str(getattr(model, "__tablename__"))]  # noqa: B009  # its declared type is not a text
