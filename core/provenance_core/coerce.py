"""Read a JSON value as the type it should have, or as nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, cast

import orjson

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC throughout; without a zone it is written without an offset
_MAX_INT = 2**31 - 1
_DECIMAL_BITS = 4096
_WITH_MICROSECONDS = len("2026-01-01T00:00:00.000000Z")


def mapping(value: object) -> dict[str, Any]:
    """Return an object as it is, anything else as an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """Return a list as it is, anything else as an empty one."""
    if isinstance(value, list):
        return cast("list[Any]", value)
    return list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else []


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list, without what else it holds."""
    return [item for item in sequence(value) if isinstance(item, dict)]


def values(value: object) -> list[dict[str, Any]]:
    """Return the objects of an interface that may be a list, `{"values": …}`, or one bare object."""
    raw = mapping(value)
    if not raw:
        return objects(value)
    if "values" not in raw:
        return [raw]
    inner = raw["values"]
    return objects(inner) or objects(list(mapping(inner).values()))


def pairs(value: object) -> list[tuple[Any, Any]]:
    """Return the entries of an object, of a list of pairs, or of a list of `{"key", "value"}`."""
    if isinstance(value, dict):
        return list(mapping(cast("object", value)).items())
    found: list[tuple[Any, Any]] = []
    for entry in sequence(value):
        pair = sequence(entry)
        if len(pair) == 2:
            found.append((pair[0], pair[1]))
        elif isinstance(entry, dict) and "value" in entry:
            item = mapping(cast("object", entry))
            found.append((item.get("key", item.get("name")), item["value"]))
    return found


def whole(value: object) -> int | None:
    """Return a whole number from 1 to what 31 bits hold, as lines, columns and statuses are."""
    if isinstance(value, str):
        value = int(value) if len(value) <= 10 and value.isascii() and value.isdigit() else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) <= _MAX_INT else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value <= _MAX_INT else None


def flag(value: object) -> bool | None:
    """Return a truth value; the words and numbers for it are read too."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
    return bool(value) if isinstance(value, int) and value in {0, 1} else None


def instant(value: object) -> str | None:
    """Return a moment as RFC 3339 in UTC with milliseconds, from seconds since 1970 or from ISO 8601."""
    try:
        if isinstance(value, str):
            return _instant_of_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _instant_of_number(value)
    except (ValueError, OverflowError):
        pass
    return None


@lru_cache(maxsize=256)
def _instant_of_number(seconds: float) -> str:
    return _written(_EPOCH + timedelta(seconds=seconds))


@lru_cache(maxsize=256)
def _is_second(text: str) -> bool:
    """Say whether a text is a moment to the second as it is written here, without its zone."""
    return datetime.fromisoformat(text).isoformat() == text


def _instant_of_text(text: str) -> str:
    if len(text) == _WITH_MICROSECONDS and text[19] == "." and text[26] == "Z":
        digits = text[20:26]
        if digits.isascii() and digits.isdecimal() and _is_second(text[:19]):
            return f"{text[:23]}Z"
    text = text.strip()[:64]
    if "-" not in text and text.replace(".", "", 1).isdecimal():
        return _written(_EPOCH + timedelta(seconds=float(text)))
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:
        return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    return _written(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def as_text(value: object) -> str | None:
    """Return any JSON value as text; null and what is no number are none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() < _DECIMAL_BITS else hex(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return "[...]"


def first(raw: Mapping[str, Any], *names: str) -> Any:
    """Return the first value that is there under one of several names."""
    for name in names:
        value = raw.get(name)
        if value is not None:
            return value
    return None
