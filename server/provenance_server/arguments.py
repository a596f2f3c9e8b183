"""What operations take: one model each, the same for every door."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from provenance_core.events import Level
from provenance_core.lifecycle import Status
from provenance_core.listing import Order, Sort
from provenance_core.moments import parse_instant, parse_moment
from provenance_core.origins import OriginConfig, is_mnemonic

DEFAULT_LIMIT = 25
LARGEST_LIMIT = 100
LARGEST_BULK = 500
NOW_AND_THEN = "a date like `2026-11-23`, a time like `2026-11-23T10:00:00Z`, or an age like `24h` or `7d`"


class Arguments(BaseModel):
    """Refuse what is unknown; take camelCase and snake_case."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)
    path_arguments: ClassVar[frozenset[str]] = frozenset()


class Least(StrEnum):
    """Name how far it must be known where an issue's events come from."""

    AUTHENTICATED = "authenticated"
    MATCHED = "matched"


class Detail(StrEnum):
    """Name how much of an event an answer holds."""

    CONCISE = "concise"
    FULL = "full"


def listed(value: object) -> object:
    """Take one value, a comma list, or several of either."""
    parts = list(cast("list[object]", value)) if isinstance(value, list | tuple) else [value]
    split: list[object] = []
    for part in parts:
        split.extend([piece.strip() for piece in part.split(",")] if isinstance(part, str) else [part])
    return tuple(split)


def _moment(text: str) -> str:
    if parse_moment(text, 0) is None:
        raise ValueError(f"must be {NOW_AND_THEN}")
    return text


def _instant(text: str) -> str:
    if parse_instant(text) is None:
        raise ValueError("must be a date like `2026-11-23` or a time like `2026-11-23T10:00:00Z`")
    return text


def _mnemonic(text: str) -> str:
    if not is_mnemonic(text):
        raise ValueError(
            "must be 1 to 64 letters, digits, `-`, `_`, `.`, with a letter or digit at both ends, and no number or id"
        )
    return text


def _whole(value: object) -> object:
    """Take a number, or digits as a query has them; `true` and `2_5` are none."""
    if isinstance(value, bool) or (isinstance(value, str) and not (value.isascii() and value.isdigit())):
        raise ValueError("must be a whole number")
    return value


def _reference(text: str) -> str:
    if "/" in text:
        raise ValueError("must not contain `/`")
    return text


def is_path_step(text: str) -> bool:
    """Say whether a text leads elsewhere where it is part of a path: clients and proxies resolve it."""
    return text in {".", ".."}


def _version(text: str) -> str:
    if is_path_step(text):
        raise ValueError("must not be `.` or `..`: no address leads to such a release")
    return text


def _url(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise ValueError("must begin with `https://` or `http://`")
    return text


def _object(value: object) -> object:
    """Take an object as it is: what is inside was sent by a program and is repaired later, not refused."""
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return value  # pyright: ignore[reportUnknownVariableType]  # any JSON object


Text = Annotated[str, Field(min_length=1, max_length=200)]
LongText = Annotated[str, Field(min_length=1, max_length=10_000)]
Moment = Annotated[str, Field(max_length=64), AfterValidator(_moment)]
Instant = Annotated[str, Field(max_length=64), AfterValidator(_instant)]
Mnemonic = Annotated[str, AfterValidator(_mnemonic)]
Url = Annotated[str, Field(max_length=2_000), AfterValidator(_url)]
Reference = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_reference)]
OriginName = Annotated[Reference, Field(description="Mnemonic, number or id")]
IssueReference = Annotated[Reference, Field(description="Id or shortId")]
Asked = Annotated[Status, Field(json_schema_extra={"enum": [status for status in Status if status != "regressed"]})]
Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT), BeforeValidator(_whole)]
Cursor = Annotated[str, Field(min_length=1, max_length=1_000, description="nextCursor of the page before")]


class ListIssues(Arguments):
    """Which issues, in which order."""

    origin: OriginName | None = None
    status: Annotated[tuple[Status, ...], BeforeValidator(listed)] = Field(default=(), description="Default: all")
    level: Annotated[tuple[Level, ...], BeforeValidator(listed)] = ()
    environment: Text | None = None
    release: Text | None = Field(default=None, description="Seen in this version")
    query: Text | None = Field(default=None, description="Words in title or culprit")
    since: Moment | None = Field(default=None, description="On lastSeen: date or 24h, 7d")
    until: Moment | None = None
    trust: Least | None = Field(
        default=None, description="Only with events from a secret key (authenticated), or also matching artifacts"
    )
    sort: Sort = Sort.LAST_SEEN
    order: Order = Order.DESC
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class GetIssue(Arguments):
    """Which issue, with which of its events."""

    path_arguments = frozenset({"issueId"})
    issue_id: IssueReference
    event: Text = Field(default="latest", description="latest, first or an event id")


class ReadIssue(GetIssue):
    """The same, and how much of the event a reader is shown."""

    detail: Detail = Detail.CONCISE


class ListEvents(Arguments):
    """Which issue's events."""

    path_arguments = frozenset({"issueId"})
    issue_id: IssueReference
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class UpdateStatus(Arguments):
    """Which issue becomes what."""

    path_arguments = frozenset({"issueId"})
    issue_id: IssueReference
    status: Asked
    release: Text | None = Field(default=None, description="With resolved: version that fixes it; default newest")
    note: LongText | None = Field(default=None, description="Why, for the history")


class UpdateStatuses(UpdateStatus):
    """Which issues become what; each has its own outcome."""

    issue_id: Reference | Annotated[tuple[Reference, ...], Field(min_length=1, max_length=LARGEST_BULK)] = Field(  # type: ignore[assignment]  # one issue, or several
        description="Id or shortId, or up to 500; above 50 a person is asked"
    )


class ListReleases(Arguments):
    """Which origin's releases."""

    path_arguments = frozenset({"origin"})
    origin: OriginName
    query: Text | None = Field(default=None, description="Part of the version")
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class CreateRelease(Arguments):
    """What is known of a release."""

    path_arguments = frozenset({"origin"})
    origin: OriginName
    version: Annotated[
        Text, Field(pattern=r"^[^\s\x00-\x1f](?:[^\x00-\x1f]*[^\s\x00-\x1f])?$"), AfterValidator(_version)
    ] = Field(description="As events carry it")
    ref: Text | None = Field(default=None, description="Commit or tag")
    url: Url | None = None
    date_released: Instant | None = None
    notes: LongText | None = None


class RecordInteraction(Arguments):
    """Something that happened, to be recorded."""

    resource_id: Text | None = None
    resource_type: Text | None = None
    resource_type_id: Text | None = None
    action: Text | None = None
    action_id: Text | None = None
    origin: OriginName | None = None
    origin_id: Text | None = None
    interaction: Annotated[Any, BeforeValidator(_object)] = Field(
        default_factory=dict, json_schema_extra={"type": "object"}
    )
    external_reference: Text | None = None
    external_response: Any = None
    uow_id: Text | None = None
    user_id: Text | None = None
    span_id: Text | None = None
    parent_span_id: Text | None = None
    interaction_timestamp: Instant | None = None


class ListInteractions(Arguments):
    """Which interactions."""

    origin: OriginName | None = None
    resource_type: Text | None = None
    action: Text | None = None
    resource_id: Text | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class GetById(Arguments):
    """Which one, by id or mnemonic."""

    path_arguments = frozenset({"id"})
    id: Reference


class ExplainGrouping(Arguments):
    """Which event, by its id or by its sender's."""

    path_arguments = frozenset({"id"})
    id: Reference = Field(description="Id, or the sender's own eventId")
    origin: OriginName | None = Field(default=None, description="Where several origins have that eventId")


class ListAll(Arguments):
    """All of them, page by page."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class CreateOrigin(Arguments):
    """A new origin."""

    mnemonic: Mnemonic
    name: Text | None = None
    description: LongText | None = None
    config: OriginConfig = Field(default_factory=OriginConfig)


class UpdateOrigin(Arguments):
    """Changes to an origin; what is left out stays."""

    path_arguments = frozenset({"id"})
    id: Reference
    mnemonic: Mnemonic | None = None
    name: Text | None = None
    description: LongText | None = None
    config: OriginConfig | None = None


class CreateWord(Arguments):
    """A new resource type or action."""

    mnemonic: Mnemonic
    name: Text | None = None
    description: LongText | None = None


class UpdateWord(Arguments):
    """Changes to a resource type or an action; what is left out stays."""

    path_arguments = frozenset({"id"})
    id: Reference
    mnemonic: Mnemonic | None = None
    name: Text | None = None
    description: LongText | None = None
