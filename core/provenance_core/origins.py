"""What an origin may be called and how its errors are treated."""

from __future__ import annotations

import re

from pydantic import Field

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
_MNEMONIC = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


class ErrorTracking(Model):
    """How an origin's errors are grouped and when they regress."""

    fingerprinting: Strategy = Strategy.STACK
    regression: Regression = Regression.DIFFERENT


class OriginConfig(Model):
    """The settings of one origin."""

    error_tracking: ErrorTracking = Field(default_factory=ErrorTracking)


def is_mnemonic(text: str) -> bool:
    """Say whether a text may name an origin, a resource type or an action."""
    return _MNEMONIC.fullmatch(text) is not None and not text.isdigit() and parse_uuid(text) is None
