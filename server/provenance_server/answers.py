"""What operations answer: facts of the server at the top, what came out of an event under `reported` only."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from provenance_core.events import ErrorAction, Event, Level, Marks, Model, Via
from provenance_core.lifecycle import Status
from provenance_core.origins import OriginConfig


class TrustCounts(Model):
    """How many events came with a secret key or from this machine, and how many others match uploaded artifacts."""

    authenticated: int
    matched: int


class ReportedIssue(Model):
    """What events said of an issue; releases stand here while no authenticated call registered them.

    It is empty where it is withheld; else there are a title and a level.
    """

    title: str | None = None
    culprit: str | None = None
    level: Level | None = None
    handled: bool | None = None
    platform: str | None = None
    first_release: str | None = None
    last_release: str | None = None
    resolved_in: str | None = None


class Issue(Model):
    """An issue as lists show it.

    `trend` counts its events per hour, the oldest hour first and the present one last; `withheld` says that a lockdown
    hides what was reported.
    """

    id: str
    short_id: str
    origin: str
    status: Status
    event_count: int
    user_count: int
    first_seen: str
    last_seen: str
    status_changed_at: str
    regression_count: int
    resolved_in: str | None = None
    first_release: str | None = None
    last_release: str | None = None
    trust: TrustCounts
    trend: list[int] = Field(default_factory=list[int])
    withheld: bool | None = None
    reported: ReportedIssue


class IssueList(Model):
    """One page of issues."""

    items: list[Issue]
    total: int
    next_cursor: str | None = None


class ChangedIssue(Issue):
    """An issue after a change of status was asked for."""

    previous_status: Status
    changed: bool


class Refusal(Model):
    """Why an operation was refused."""

    code: str
    message: str
    details: dict[str, Any] = Field(default_factory=dict)


class StatusOutcome(Model):
    """What became of one issue of a list update: the changed issue, or the refusal."""

    issue_id: str
    issue: ChangedIssue | None = None
    error: Refusal | None = None


class StatusOutcomes(Model):
    """What became of each issue of a list update."""

    items: list[StatusOutcome]
    changed: int
    refused: int


class ReportedVersion(Model):
    """The version of a release that only events mention."""

    version: str | None = None


class IssueRelease(Model):
    """How often an issue was met in one release."""

    registered: bool
    version: str | None = None
    withheld: bool | None = None
    event_count: int
    first_seen: str
    last_seen: str
    reported: ReportedVersion = Field(default_factory=ReportedVersion)


class StatusChange(Model):
    """One entry of an issue's history.

    `actor` is what was authenticated, `client` the program in its own word, `eventId` the event that made it regress.
    """

    at: str
    actor: str
    client: str | None = None
    from_status: Status
    to_status: Status
    withheld: bool | None = None
    release: str | None = None
    note: str | None = None
    event_id: str | None = None
    reported: ReportedVersion = Field(default_factory=ReportedVersion)


class HourCount(Model):
    """How many events were received in the hour that begins then."""

    hour: str
    event_count: int


class TagValue(Model):
    """How many events carried a value of a tag."""

    value: str
    event_count: int


class Tag(Model):
    """How many events carry a tag, and its most frequent values."""

    key: str
    event_count: int
    values: list[TagValue]


class ReportedEventSummary(Model):
    """What an event said of itself, as lists show it."""

    event_id: str | None = None
    release: str | None = None


class EventSummary(Model):
    """An event as lists show it."""

    id: str
    issue_id: str
    received_at: str
    action: ErrorAction
    via: Via
    matched: bool | None = None
    withheld: bool | None = None
    release: str | None = None
    reported: ReportedEventSummary


class EventList(Model):
    """One page of an issue's events, newest first."""

    items: list[EventSummary]
    total: int
    next_cursor: str | None = None


class EventDetail(Model):
    """One event, with everything that was reported.

    `framesMatched` of its `frames` of the application come from uploaded artifacts; `matched` says that all do.
    """

    id: str
    received_at: str
    action: ErrorAction
    via: Via
    matched: bool | None = None
    withheld: bool | None = None
    frames: int = 0
    frames_matched: int = 0
    release: str | None = None
    reported: Event | None = None


class Outlier(Model):
    """A value of a tag that stands out: the share of the issue's events that carry it, and of other issues' events."""

    key: str
    value: str
    share: float
    elsewhere: float


class ReportedDetail(ReportedIssue):
    """What events said of an issue, with how its tags are spread, which stand out, and what it is grouped by."""

    fingerprint: str | None = None
    tags: list[Tag] = Field(default_factory=list[Tag])
    stands_out: list[Outlier] = Field(default_factory=list[Outlier])


class Senders(Model):
    """How many addresses sent the newest events of an issue that are stored, and how many of them the busiest sent."""

    events: int
    addresses: int
    most_from_one: int


class IssueDetail(Issue):
    """An issue with one of its events.

    Retention removes events and not what was counted: `storedEventCount` is there where fewer are stored than were
    counted, and at 0 there is no `event`. Under a lockdown there is none either where none that may be shown is stored.
    """

    fingerprint_version: str
    stored_event_count: int | None = None
    senders: Senders | None = None
    releases: list[IssueRelease]
    history: list[StatusChange]
    counts_per_hour: list[HourCount]
    event: EventDetail | None = None
    reported: ReportedDetail  # type: ignore[assignment]  # the detail of a list row's field


class Release(Model):
    """A release with what it did to the origin's issues."""

    id: str
    origin: str
    registered: bool
    withheld: bool | None = None
    version: str | None = None
    ref: str | None = None
    url: str | None = None
    notes: str | None = None
    date_released: str | None = None
    created_at: str
    new_issues: int
    regressed_issues: int
    total_issues: int
    source_maps: int
    reported: ReportedVersion = Field(default_factory=ReportedVersion)


class CreatedRelease(Release):
    """A release after it was registered; `created` is false where it was registered before."""

    created: bool


class ReleaseList(Model):
    """One page of releases, newest first."""

    items: list[Release]
    total: int
    next_cursor: str | None = None


class Origin(Model):
    """An application or service that sends errors."""

    id: str
    number: int
    mnemonic: str
    name: str
    description: str | None = None
    config: OriginConfig
    public_key: str
    created_at: str


class Discard(Model):
    """How many items of a category were taken from senders and not kept, and why."""

    category: str
    reason: str
    items: int


class ReportedOrigin(Model):
    """What the senders of an origin say of themselves: events that their SDKs dropped."""

    discarded: list[Discard] = Field(default_factory=list[Discard])


class OriginDetail(Origin):
    """An origin with what it sent that was not kept."""

    discarded: list[Discard]
    reported: ReportedOrigin


class OriginList(Model):
    """One page of origins."""

    items: list[Origin]
    total: int
    next_cursor: str | None = None


class Word(Model):
    """A resource type or an action."""

    id: str
    mnemonic: str
    name: str
    description: str | None = None
    system: bool
    created_at: str


class WordList(Model):
    """One page of resource types or actions."""

    items: list[Word]
    total: int
    next_cursor: str | None = None


class Deleted(Model):
    """What was removed."""

    id: str
    deleted: bool = True


class ReportedInteraction(Model):
    """What the sender of an interaction said."""

    event_id: str | None = None
    resource_id: str | None = None
    external_reference: str | None = None
    uow_id: str | None = None
    user_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    interaction_timestamp: str | None = None
    interaction: Any = None
    external_response: Any = None
    marks: Marks | None = None


class Interaction(Model):
    """One immutable record of something that happened; of an error, with its issue."""

    id: str
    origin: str
    resource_type: str
    action: str
    via: Via
    matched: bool | None = None
    withheld: bool | None = None
    received_at: str
    issue_id: str | None = None
    duplicate: bool | None = None
    reported: ReportedInteraction


class InteractionList(Model):
    """One page of interactions, newest first, without what they carried."""

    items: list[Interaction]
    total: int
    next_cursor: str | None = None
