"""Identifiers that carry the time of receipt: UUID version 7."""

from __future__ import annotations

import re
from uuid import UUID

_RANDOM_BITS = 62
_SHORT_ID = re.compile(r"([a-z0-9][a-z0-9._-]*)-([1-9][0-9]{0,17})", re.IGNORECASE)


def uuid7(at: int, random: int) -> UUID:
    """Return the UUIDv7 of a moment, ordered as the moments are.

    Args:
        at: Microseconds since 1970, UTC.
        random: Any integer; its low 62 bits make the id unique within one microsecond.

    RFC 9562, 5.7 with the sub-millisecond fraction of 6.2, method 3.
    """
    milliseconds, microseconds = divmod(at, 1000)
    fraction = microseconds * 4096 // 1000
    low = (0b10 << _RANDOM_BITS) | (random & ((1 << _RANDOM_BITS) - 1))
    return UUID(int=(milliseconds << 80) | (7 << 76) | (fraction << 64) | low)


def milliseconds_of(value: UUID) -> int:
    """Return the milliseconds since 1970 that a UUIDv7 carries."""
    return value.int >> 80


def microseconds_of(value: UUID) -> int:
    """Return the microseconds since 1970 that an id of `uuid7` carries."""
    fraction = (value.int >> 64) & 0xFFF
    return milliseconds_of(value) * 1000 + (fraction * 1000 + 4095) // 4096


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID a text names, or None where it names none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def parse_short_id(text: str) -> tuple[str, int] | None:
    """Split a short id such as `my-app-12` into the origin's mnemonic and the issue's number."""
    match = _SHORT_ID.fullmatch(text)
    return (match[1].lower(), int(match[2])) if match else None
