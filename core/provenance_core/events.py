"""What arrived, normalised: the frozen models every later step reads."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Give every wire model frozen values and camelCase keys."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )


class Level(StrEnum):
    """Name how severe an event is, most severe first."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"


class Via(StrEnum):
    """Name how an event was reported: a fact of the server, never of the event."""

    PUBLIC = "public"
    SERVER = "server"
    LOCAL = "local"


class Trust(IntEnum):
    """Order how far it is known where an event comes from: facts of the server, never of the event."""

    REPORTED = 0
    MATCHED = 1
    AUTHENTICATED = 2


def trust_of(via: Via, *, matched: bool) -> Trust:
    """Return how far it is known where an event comes from.

    Args:
        via: How it was reported.
        matched: Whether all frames of its exceptions come from uploaded artifacts.
    """
    if via is not Via.PUBLIC:
        return Trust.AUTHENTICATED
    return Trust.MATCHED if matched else Trust.REPORTED


class ErrorAction(StrEnum):
    """Name the four system actions of an ERROR interaction."""

    UNHANDLED = "UNHANDLED"
    REJECTION = "REJECTION"
    HTTP_ERROR = "HTTP_ERROR"
    CAUGHT = "CAUGHT"


class Relation(StrEnum):
    """Name how a chained exception belongs to the one before it."""

    CAUSE = "cause"
    CONTEXT = "context"
    MEMBER = "member"


class FrameSource(StrEnum):
    """Name whose word a frame's source is: a fact of the server, never of the event."""

    REPORTED = "reported"
    ARTIFACT = "artifact"


class Unresolved(StrEnum):
    """Name why a frame of generated code could not be turned into one of the original code."""

    NO_LINE = "no_line"
    NO_COLUMN = "no_column"
    NO_RELEASE = "no_release"
    NO_ARTIFACT = "no_artifact"
    NO_SOURCE_MAP = "no_source_map"
    MALFORMED_MAP = "malformed_map"
    NO_MAPPING = "no_mapping"
    UNREADABLE_MAP = "unreadable_map"


class Minified(Model):
    """Where a frame was in the generated code, before it was turned into one of the original code."""

    file: str | None = None
    abs_path: str | None = None
    line: int | None = None
    column: int | None = None
    function: str | None = None


class Frame(Model):
    """One call of a stack; lines and columns are 1-based.

    Where a source map was uploaded, what a frame tells is of the original code, and `minified` keeps what was reported;
    where that was to be expected and failed, `unresolved` says why. Nothing inside an event can set these.
    """

    file: str | None = None
    abs_path: str | None = None
    function: str | None = None
    module: str | None = None
    line: int | None = None
    column: int | None = None
    in_app: bool = False
    context_line: str | None = None
    pre_context: tuple[str, ...] = ()
    post_context: tuple[str, ...] = ()
    source: FrameSource = FrameSource.REPORTED
    source_map_id: str | None = None
    minified: Minified | None = None
    unresolved: Unresolved | None = None
    vars: dict[str, Any] = Field(default_factory=dict)


class ErrorValue(Model):
    """One exception of a chain: its type, message and frames, the raising frame first."""

    error_type: str | None = None
    message: str | None = None
    module: str | None = None
    stack: str | None = None
    frames: tuple[Frame, ...] = ()
    handled: bool | None = None
    mechanism: str | None = None
    synthetic: bool = False


class Cause(ErrorValue):
    """A chained exception: why, or during what, the one before it was raised."""

    relation: Relation = Relation.CAUSE


class Runtime(Model):
    """The language runtime that reported."""

    name: str | None = None
    version: str | None = None


class User(Model):
    """Who met the error, as the application told it."""

    id: str | None = None
    email: str | None = None
    username: str | None = None
    ip: str | None = None


class Request(Model):
    """The HTTP request during which the error happened."""

    method: str | None = None
    url: str | None = None
    query: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    data: Any = None
    status_code: int | None = None


class Breadcrumb(Model):
    """One thing that happened before the error."""

    timestamp: str | None = None
    type: str | None = None
    category: str | None = None
    level: str | None = None
    message: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class DebugImage(Model):
    """A generated file and the debug id of its source map."""

    code_file: str
    debug_id: str


class Sdk(Model):
    """The library that reported."""

    name: str | None = None
    version: str | None = None


class Marks(Model):
    """What the server did to the event before it was stored; paths are `.`-joined keys.

    `trimmed` maps a path to the original length (characters, items or bytes), `scrubbed` lists paths whose value was
    removed as sensitive, `repaired` counts characters and numbers that could not be stored as sent.
    """

    trimmed: dict[str, int] = Field(default_factory=dict)
    scrubbed: tuple[str, ...] = ()
    repaired: int = 0


class Event(ErrorValue):
    """One occurrence of one error; the outermost exception's values stand at the top, its causes nearest first."""

    level: Level = Level.ERROR
    causes: tuple[Cause, ...] = ()
    fingerprint: tuple[str, ...] | None = None
    logger: str | None = None
    message_template: str | None = None
    release: str | None = None
    dist: str | None = None
    environment: str | None = None
    platform: str | None = None
    runtime: Runtime | None = None
    server_name: str | None = None
    transaction: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    user: User | None = None
    request: Request | None = None
    breadcrumbs: tuple[Breadcrumb, ...] = ()
    contexts: dict[str, Any] = Field(default_factory=dict)
    extra: dict[str, Any] = Field(default_factory=dict)
    debug_images: tuple[DebugImage, ...] = ()
    sdk: Sdk | None = None
    timestamp: str | None = None
    event_id: str | None = None
    marks: Marks = Field(default_factory=Marks)


def is_matched(event: Event) -> bool:
    """Say whether everything that an event tells of its stacks comes from uploaded artifacts.

    Every exception must have frames, and every frame must be resolved: what counts as the application's is the
    sender's word, and one copied frame must not vouch for others.
    """
    return all(
        error.frames and all(frame.source is FrameSource.ARTIFACT for frame in error.frames)
        for error in (event, *event.causes)
    )


def matched_frames(event: Event) -> tuple[int, int]:
    """Return how many of the application's frames of an event come from uploaded artifacts, and how many there are."""
    frames = [frame for error in (event, *event.causes) for frame in error.frames if frame.in_app]
    return sum(1 for frame in frames if frame.source is FrameSource.ARTIFACT), len(frames)
