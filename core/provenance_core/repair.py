"""Make every text and number of an event storable."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, cast

import orjson

from provenance_core.trim import INT64, Trim, repair_text

_NOTHING: Mapping[str, Any] = {}
_NUL = re.compile(rb"\\u0000")
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_LONG = b"0" * 19
_BEFORE_NUMBER = b":,[-"


def repair(event: dict[str, Any], trim: Trim, stacks: Mapping[str, Any] = _NOTHING) -> tuple[dict[str, Any], bytes]:
    """Return the event with what cannot be stored replaced, and its JSON text.

    NUL and lone surrogates become U+FFFD, non-finite numbers null, integers over 64 bits text. An event that needs
    none of it is returned as it is.

    Args:
        event: Fields bounded in size and depth.
        trim: Counts the repairs.
        stacks: Fields of the event in which what needs no repair is JSON already.
    """
    try:
        text = orjson.dumps({**event, **stacks}, option=orjson.OPT_STRICT_INTEGER)
    except TypeError:
        pass
    else:
        if _NUL.search(text) is None:
            return event, text
    try:
        text = orjson.dumps(event)
    except TypeError:
        pass
    else:
        if _NUL.search(text) is None and not _has_long_number(text):
            return event, text
    repaired = cast("dict[str, Any]", _repaired(event, trim))
    return repaired, orjson.dumps(repaired)


def _has_long_number(text: bytes) -> bool:
    """Say whether compact JSON may hold a number of more digits than 64 bits surely do."""
    zeros = text.translate(_DIGITS_AS_ZERO)
    position = zeros.find(_LONG)
    while position > 0:
        if text[position - 1] in _BEFORE_NUMBER:
            return True
        position = zeros.find(_LONG, position + len(_LONG))
    return False


def _repaired(value: Any, trim: Trim) -> Any:
    """Copy a value of bounded depth."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value).items()
        return {repair_text(key)[0]: _repaired(item, trim) for key, item in entries}
    if isinstance(value, list):
        return [_repaired(item, trim) for item in cast("list[Any]", value)]
    if isinstance(value, str):
        text, count = repair_text(value)
        trim.repaired += count
        return text
    if (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, int) and not -INT64 <= value < INT64
    ):
        trim.repaired += 1
        return None if isinstance(value, float) else str(value)
    return value
