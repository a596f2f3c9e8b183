"""What an origin may be called and how its errors are treated."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, StringConstraints

from provenance_core.events import ErrorAction, Model
from provenance_core.fingerprint import Strategy
from provenance_core.ids import parse_uuid
from provenance_core.lifecycle import Regression

SYSTEM_RESOURCE_TYPE = "ERROR"
SYSTEM_ACTIONS = {
    ErrorAction.UNHANDLED: "Uncaught exception",
    ErrorAction.REJECTION: "Unhandled promise rejection",
    ErrorAction.HTTP_ERROR: "HTTP response of 500 or more",
    ErrorAction.CAUGHT: "Captured by hand",
}
_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_MNEMONIC = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


class Scrubbing(Model):
    """What an origin adds to the rules of what is sensitive.

    Names are compared as the rules' own are: in any case, with any separators.

    Attributes:
        keys: Names whose values are removed as well.
        keep: Names whose values are kept, though a rule would remove them.
    """

    keys: tuple[_Name, ...] = Field(default=(), max_length=100)
    keep: tuple[_Name, ...] = Field(default=(), max_length=100)


class ErrorTracking(Model):
    """How an origin's errors are taken in, grouped and kept, and when they regress.

    Attributes:
        fingerprinting: What decides which events are one issue.
        regression: Which releases regress a resolved issue.
        scrub: What is removed beside what always is.
        rate_limit: The most events a minute that one key may send; None means any number.
        retention_days: Days that events are kept.
        max_events_per_issue: The most events of one issue that are kept; their counts stay.
    """

    fingerprinting: Strategy = Strategy.STACK
    regression: Regression = Regression.DIFFERENT
    scrub: Scrubbing = Field(default_factory=Scrubbing)
    rate_limit: int | None = Field(default=None, ge=1, le=1_000_000)
    retention_days: int = Field(default=90, ge=1, le=3650)
    max_events_per_issue: int = Field(default=1000, ge=10, le=1_000_000)


class OriginConfig(Model):
    """The settings of one origin."""

    error_tracking: ErrorTracking = Field(default_factory=ErrorTracking)


def is_mnemonic(text: str) -> bool:
    """Say whether a text may name an origin, a resource type or an action."""
    return _MNEMONIC.fullmatch(text) is not None and not text.isdigit() and parse_uuid(text) is None
