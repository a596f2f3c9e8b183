"""What the store takes and gives: values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from provenance_core.access import Scope
from provenance_core.artifacts import ArtifactKind
from provenance_core.events import Level, Trust, Via, trust_of
from provenance_core.lifecycle import Status
from provenance_core.origins import OriginConfig


@dataclass(frozen=True, slots=True)
class OriginRecord:
    """An origin with its public key."""

    id: UUID
    number: int
    mnemonic: str
    name: str
    description: str | None
    config: OriginConfig
    created_at: int
    public_key: str


@dataclass(frozen=True, slots=True)
class NamedRecord:
    """A resource type or an action."""

    id: UUID
    mnemonic: str
    name: str
    description: str | None
    system: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What an ERROR interaction means to its issue.

    `user_hash` identifies the affected user without naming them; `tags` are counted on the issue. Where no issue has
    the fingerprint, one that has an older one, by an earlier algorithm, is its issue.
    """

    fingerprint: str
    fingerprint_version: str
    title: str
    level: Level
    event_id: str | None = None
    culprit: str | None = None
    handled: bool | None = None
    platform: str | None = None
    release: str | None = None
    user_hash: bytes | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    older_fingerprints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """An interaction ready to be recorded.

    Attributes:
        body: Its compressed payload.
        matched: Whether all frames of an event come from uploaded artifacts; None of what is no event.
        sender_hash: Who sent it, as a keyed hash of the address; None where nobody was asked.
    """

    origin_id: UUID
    resource_type_id: UUID
    action_id: UUID
    via: Via
    body: bytes
    resource_id: str | None = None
    uow_id: str | None = None
    user_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    interaction_at: int | None = None
    external_reference: str | None = None
    matched: bool | None = None
    sender_hash: bytes | None = None
    event: NewEvent | None = None

    @property
    def trust(self) -> Trust:
        """Return how far it is known where this comes from."""
        return trust_of(self.via, matched=bool(self.matched))


@dataclass(frozen=True, slots=True)
class Taken:
    """A new interaction with the id and moment it will be written with; `position` is its place in the batch."""

    position: int
    new: NewInteraction
    id: UUID
    received_at: int

    @property
    def event_id(self) -> str | None:
        """Return the sender's id of the event, if it is one and has one."""
        return self.new.event.event_id if self.new.event is not None else None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a new interaction; a duplicate carries what was recorded the first time."""

    id: UUID
    received_at: int
    issue_id: UUID | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class InteractionRecord:
    """An interaction without its payload."""

    origin_id: UUID
    received_at: int
    id: UUID
    resource_type_id: UUID
    action_id: UUID
    resource_id: str | None
    issue_id: UUID | None
    release_id: UUID | None
    event_id: str | None
    level: Level | None
    via: Via
    uow_id: str | None
    user_id: str | None
    span_id: str | None
    parent_span_id: str | None
    interaction_at: int | None
    external_reference: str | None
    matched: bool | None
    sender_hash: bytes | None

    @property
    def trust(self) -> Trust:
        """Return how far it is known where this comes from."""
        return trust_of(self.via, matched=bool(self.matched))


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """A release of an origin."""

    origin_id: UUID
    id: UUID
    version: str
    registered: bool
    ref: str | None
    url: str | None
    notes: str | None
    date_released: int | None
    created_at: int


@dataclass(frozen=True, slots=True)
class ReleaseStatistics:
    """How many issues a release brought, brought back, and has, and how many source maps were uploaded for it."""

    new_issues: int
    regressed_issues: int
    total_issues: int
    source_maps: int = 0


@dataclass(frozen=True, slots=True)
class ReleasePosition:
    """Where a page of releases begins, and the order of the walk it belongs to, which stays that of its first page."""

    by_version: bool
    created_at: int
    id: UUID


class PartKind(StrEnum):
    """What is kept of a source map: the map as it was uploaded, and the index that is made of it."""

    MAP = "map"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """An uploaded file that is to be published.

    Attributes:
        name: Its URL or path, as `~/static/app.min.js`.
        hash: The SHA-256 of its bytes; of a source map the store has it by this.
        size: Its bytes.
        debug_id: In canonical form.
        reference: Where a script says that its map is, but for an inline one.
        map_hash: The SHA-256 of the map that a script holds inline.
    """

    name: str
    kind: ArtifactKind
    hash: bytes
    size: int
    debug_id: str | None = None
    reference: str | None = None
    map_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """A published artifact; one without a release is found by its debug id only."""

    origin_id: UUID
    id: UUID
    release_id: UUID | None
    dist: str
    name: str
    kind: ArtifactKind
    debug_id: str | None
    hash: bytes
    map_hash: bytes | None
    reference: str | None
    size: int
    uploaded_at: int


@dataclass(frozen=True, slots=True)
class NewSourceMap:
    """A source map that is to be kept, with what its index says of it.

    Attributes:
        hash: The SHA-256 of the map's bytes.
        size: Its bytes.
        index_version: The version of what made the index, also where it failed.
        warnings: JSON.
        problem: Why there is no index; None where there is one.
    """

    hash: bytes
    size: int
    index_version: int
    debug_id: str | None
    sources: int
    segments: int
    warnings: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class SourceMapRecord:
    """A source map that is kept; `created_at` is when it was last uploaded."""

    origin_id: UUID
    hash: bytes
    size: int
    index_version: int
    debug_id: str | None
    sources: int
    segments: int
    warnings: str
    problem: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Published:
    """How many artifacts of an upload were new, took the place of another, or were there just so."""

    added: int
    replaced: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class IssueRecord:
    """An issue with the facts every answer shows.

    `authenticated_count` events came with a key that is secret, or from this machine; `matched_count` others match
    uploaded artifacts.
    """

    origin_id: UUID
    id: UUID
    number: int
    fingerprint: str
    fingerprint_version: str
    status: Status
    status_changed_at: int
    resolved_release_id: UUID | None
    regression_count: int
    level: Level
    handled: bool | None
    platform: str | None
    title: str
    culprit: str | None
    first_seen: int
    last_seen: int
    first_event_id: UUID
    last_event_id: UUID
    first_release_id: UUID | None
    last_release_id: UUID | None
    event_count: int
    user_count: int
    stored_count: int
    authenticated_count: int
    matched_count: int

    @property
    def trust(self) -> Trust:
        """Return the most that is known of where its events come from."""
        if self.authenticated_count:
            return Trust.AUTHENTICATED
        return Trust.MATCHED if self.matched_count else Trust.REPORTED

    @classmethod
    def from_row(cls, values: Mapping[str, Any]) -> Self:
        """Make the record of a row's columns."""
        columns: dict[str, Any] = dict(values)
        columns |= {"status": Status(values["status"]), "level": Level(values["level"])}
        return cls(**columns)


@dataclass(frozen=True, slots=True)
class StatusChangeRecord:
    """One change of an issue's status."""

    id: UUID
    issue_id: UUID
    changed_at: int
    actor: str
    client: str | None
    from_status: Status
    to_status: Status
    release_id: UUID | None
    event_id: UUID | None
    note: str | None


@dataclass(frozen=True, slots=True)
class IssueReleaseRecord:
    """How often an issue was met in one release."""

    release_id: UUID
    event_count: int
    first_seen: int
    last_seen: int


@dataclass(frozen=True, slots=True)
class TagRecord:
    """How many events of an issue carried a tag, and its most frequent values with theirs."""

    key: str
    event_count: int
    values: dict[str, int]


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key of the API, without the key; one with an origin is good for that one only."""

    id: UUID
    prefix: str
    label: str
    scopes: tuple[Scope, ...]
    origin_id: UUID | None
    created_at: int
    last_used_at: int | None
    revoked_at: int | None
