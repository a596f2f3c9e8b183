"""How long ago something was, in words for people."""

from __future__ import annotations

from datetime import datetime

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))


def age(moment: str, now: datetime) -> str:
    """Return how long before `now` an RFC 3339 moment was, in its largest whole unit."""
    seconds = int((now - datetime.fromisoformat(moment)).total_seconds())
    for size, letter in _UNITS:
        if seconds >= size:
            return f"{seconds // size}{letter} ago"
    return "just now"
