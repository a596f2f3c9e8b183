"""What operations on releases and their source maps take."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from provenance_core import limits
from provenance_server.arguments import DEFAULT_LIMIT, Arguments, Limit, OriginName, Reference, Text, is_path_step

MOST_FILES = 10_000
"""Files of one upload. Ours: the largest front ends have some thousand chunks."""

LONGEST_STACK = limits.STACK
_SHA256 = r"^[0-9a-f]{64}$"


def _release(text: str) -> str:
    if is_path_step(text):
        raise ValueError("must not be `.` or `..`, which lead elsewhere in a path; name that release by its id")
    return text


ReleaseReference = Annotated[Reference, AfterValidator(_release), Field(description="Version or id")]
Dist = Annotated[str, Field(max_length=limits.DIST, description="Build of the release, as events carry it")]
NameCursor = Annotated[str, Field(min_length=1, max_length=8_000, description="nextCursor of the page before")]
"""A cursor that holds the longest name of an artifact."""
ArtifactName = Annotated[str, Field(min_length=1, max_length=limits.PATH)]


def _objects(value: object) -> object:
    """Take a list of objects as it is: what is inside was sent by a program and is repaired later, not refused."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):  # pyright: ignore[reportUnknownVariableType]  # any JSON list
        raise ValueError("must be a list of objects")
    return value  # pyright: ignore[reportUnknownVariableType]  # a JSON list of objects


Objects = Annotated[
    list[dict[str, Any]],
    BeforeValidator(_objects),
    Field(json_schema_extra={"type": "array", "items": {"type": "object"}}),
]


class ReleaseOf(Arguments):
    """Which release of which origin."""

    path_arguments = frozenset({"origin", "release"})
    origin: OriginName
    release: ReleaseReference


class ListSourcemaps(ReleaseOf):
    """Which release's artifacts."""

    limit: Limit = DEFAULT_LIMIT
    cursor: NameCursor | None = None


class FileFacts(BaseModel):
    """A file that somebody would upload: its name and the SHA-256 of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)
    name: ArtifactName
    sha256: Annotated[str, Field(pattern=_SHA256)]


class CheckSourcemaps(ReleaseOf):
    """Which files somebody has for a release."""

    dist: Dist = ""
    files: Annotated[tuple[FileFacts, ...], Field(max_length=MOST_FILES)]


class ResolveFrames(Arguments):
    """Frames, or the text of a stack, and whose they are."""

    origin: OriginName
    release: Text | None = Field(default=None, description="As events carry it")
    dist: Dist | None = None
    frames: Objects | None = Field(default=None, description="As an event's: file, line, column, function")
    stack: Annotated[str, Field(min_length=1, max_length=LONGEST_STACK)] | None = Field(
        default=None, description="The text of a stack, instead of frames"
    )
    debug_images: Objects | None = Field(default=None, description="codeFile and debugId of generated files")

    @model_validator(mode="after")
    def _one_of_both(self) -> ResolveFrames:
        if (self.frames is None) == (self.stack is None):
            raise ValueError("give either `frames` or `stack`")
        return self


class ExplainSourcemaps(Arguments):
    """Which event, by its id or by its sender's."""

    path_arguments = frozenset({"id"})
    id: Reference = Field(description="Id, or the sender's own eventId")
    origin: OriginName | None = Field(default=None, description="Where several origins have that eventId")
