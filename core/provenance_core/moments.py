"""Moments in the forms people and clients write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime(1000, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - EPOCH) // _MICROSECOND


def parse_moment(text: str, now: int) -> int | None:
    """Return the microseconds since 1970 that a text names, or None where it names none of the years 1000 to 9999.

    Args:
        text: An RFC 3339 date or date and time (UTC where it names no zone), or an age such as `24h` or `7d`.
        now: Microseconds since 1970, which ages count back from.
    """
    age = _AGO.fullmatch(text)
    return parse_instant(text) if age is None else _bounded(now - int(age[1]) * _UNITS[age[2]] * 1_000_000)


def parse_instant(text: str) -> int | None:
    """Return the microseconds since 1970 of a date or a date and time as `parse_moment` reads them, but of no age."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) < len("2026-01-01") or "W" in text.upper():
        return None
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        return _bounded((zoned.astimezone(UTC) - EPOCH) // _MICROSECOND)
    except OverflowError:
        return None


def _bounded(at: int) -> int | None:
    return at if _FIRST <= at <= _LAST else None


def format_moment(at: int) -> str:
    """Return a moment as RFC 3339 in UTC with milliseconds and `Z`.

    Args:
        at: Microseconds since 1970.
    """
    moment = EPOCH + timedelta(microseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
