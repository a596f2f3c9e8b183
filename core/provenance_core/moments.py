"""Moments in the forms people and clients write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MICROSECOND = timedelta(microseconds=1)


def parse_moment(text: str, now: int) -> int | None:
    """Return the microseconds since 1970 that a text names, or None where it names no moment.

    Args:
        text: An RFC 3339 date or date and time (UTC where it names no zone), or an age such as `24h` or `7d`.
        now: Microseconds since 1970, which ages count back from.
    """
    age = _AGO.fullmatch(text)
    if age is not None:
        return now - int(age[1]) * _UNITS[age[2]] * 1_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) < len("2026-01-01") or "W" in text.upper():
        return None
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        return (zoned.astimezone(UTC) - EPOCH) // _MICROSECOND
    except OverflowError:
        return None


def format_moment(at: int) -> str:
    """Return a moment as RFC 3339 in UTC with milliseconds and `Z`.

    Args:
        at: Microseconds since 1970.
    """
    moment = EPOCH + timedelta(microseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
