"""What is answered to the question why an event is in its issue."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from provenance_core.events import Model
from provenance_core.fingerprint import Basis, Strategy
from provenance_core.frame_roles import Role


class Agreement(StrEnum):
    """Name how the key an event was stored with stands to what is computed today."""

    CURRENT = "current"
    OTHER_STRATEGY = "otherStrategy"
    OLDER_VERSION = "olderVersion"
    UNKNOWN = "unknown"


class GroupedFrame(Model):
    """A frame, what it does for the key, and what it counts as where it counts."""

    role: Role
    file: str | None = None
    module: str | None = None
    function: str | None = None
    line: int | None = None
    place: str | None = None
    name: str | None = None


class GroupedError(Model):
    """An exception of the chain with its frames, the raising one first."""

    error_type: str | None = None
    frames: list[GroupedFrame]


class ReportedGrouping(Model):
    """What of an event makes its key: the stored, the computed and the issue's one, and the parts of the computed."""

    event_id: str | None = None
    fingerprint: str | None = None
    computed: str | None = None
    issue_fingerprint: str | None = None
    parts: list[str] = Field(default_factory=list[str])
    errors: list[GroupedError] = Field(default_factory=list[GroupedError])


class Grouping(Model):
    """Why an event is in its issue."""

    id: str
    origin: str
    issue_id: str
    short_id: str
    strategy: Strategy
    version: str
    issue_version: str
    decided_by: Basis
    agreement: Agreement
    reported: ReportedGrouping
