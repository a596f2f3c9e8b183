"""What operations on source maps answer: artifacts are the server's facts, what an event told is under `reported`."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from provenance_core.artifacts import ArtifactKind
from provenance_core.events import ErrorValue, Frame, Model, Unresolved, Via
from provenance_server.answers import ReportedVersion


class MapWarning(Model):
    """What a source map lacks, and how often."""

    code: str
    count: int


class Artifact(Model):
    """An uploaded file; of a source map, also what it holds, or why it cannot be used."""

    id: str
    name: str
    kind: ArtifactKind
    dist: str | None = None
    size: int
    sha256: str
    debug_id: str | None = None
    source_map: str | None = None
    sources: int | None = None
    mappings: int | None = None
    warnings: list[MapWarning] = Field(default_factory=list[MapWarning])
    problem: str | None = None
    uploaded_at: str


class ArtifactList(Model):
    """One page of a release's artifacts, by name."""

    items: list[Artifact]
    total: int
    next_cursor: str | None = None


class MissingSourcemaps(Model):
    """The names of the files that a release does not have with these bytes."""

    missing: list[str]


class FileWarning(Model):
    """What is worth knowing of an uploaded file."""

    name: str
    code: str
    message: str


class Upload(Model):
    """What became of an upload; `resolvedIssues` had an event whose frames are resolved now."""

    origin: str
    release: str | None = None
    release_id: str | None = None
    dist: str | None = None
    added: int
    replaced: int
    unchanged: int
    resolved_issues: int
    warnings: list[FileWarning] = Field(default_factory=list[FileWarning])


class DeletedRelease(Model):
    """What became of a release that was to be deleted.

    Its source maps are gone. One that events mention stays, as a release that nobody registered: `deleted` is false.
    """

    id: str
    deleted: bool
    source_maps: int


class ReportedStack(Model):
    """A stack as somebody sent it, its frames resolved where they could be."""

    error_type: str | None = None
    message: str | None = None
    frames: list[Frame]
    causes: list[ErrorValue] = Field(default_factory=list[ErrorValue])


class ResolvedStack(Model):
    """How many frames were resolved, how many could not be, and the frames."""

    resolved: int
    unresolved: int
    reported: ReportedStack


class Step(StrEnum):
    """Name a way to find a frame's source map, in the order they are tried."""

    DEBUG_ID = "debugId"
    URL = "url"
    PATH_END = "pathEnd"


class ReportedLookup(Model):
    """What a frame told, and under which names its file was looked for."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    function: str | None = None
    debug_id: str | None = None
    looked_for: list[str] = Field(default_factory=list[str])
    original: Frame | None = None


class FrameExplanation(Model):
    """What became of one frame.

    `unresolved` says why it is not resolved; with neither that nor a source map it is no frame of generated code.
    `alike` are artifacts of the release that the frame may have meant.
    """

    unresolved: Unresolved | None = None
    found_by: Step | None = None
    artifact: str | None = None
    source_map: str | None = None
    source_map_id: str | None = None
    problem: str | None = None
    alike: list[str] = Field(default_factory=list[str])
    advice: str | None = None
    reported: ReportedLookup


class ReportedBuild(ReportedVersion):
    """What an event told of the build it comes from."""

    dist: str | None = None


class SourceMapExplanation(Model):
    """Why the frames of an event are resolved, or what is missing.

    `artifacts` counts what is uploaded for the event's release, `elsewhere` names releases of the origin that have
    source maps.
    """

    id: str
    issue_id: str | None = None
    origin: str
    via: Via
    release: str | None = None
    artifacts: int
    elsewhere: list[str] = Field(default_factory=list[str])
    advice: str | None = None
    frames: list[FrameExplanation]
    reported: ReportedBuild
