"""Faults of ours: told in the log without the text of any event."""

from __future__ import annotations

import traceback

_MOST_TRACED = 10


def trace(error: BaseException) -> str:
    """Return where an error and those behind it came from, without their messages, which may quote an event."""
    told: list[str] = []
    behind: BaseException | None = error
    while behind is not None and len(told) < _MOST_TRACED:
        lines = "".join(traceback.format_tb(behind.__traceback__))
        told.append(f"Traceback (most recent call last):\n{lines}{type(behind).__module__}.{type(behind).__qualname__}")
        behind = behind.__cause__ or (None if behind.__suppress_context__ else behind.__context__)
    return "\n\nwhich led to:\n\n".join(reversed(told))
