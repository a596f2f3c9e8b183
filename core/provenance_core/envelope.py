"""Take a Sentry envelope apart: a header line, then items of a header line and a payload each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from provenance_core.errors import InvalidInput

MAX_HEADER_BYTES = 8 * 1024
"""Length of a header line. Source: Bugsink."""
MAX_ITEMS = 100
"""Events kept of one envelope, and other items as many; the rest is counted. Ours."""
_MAX_COUNTED = 10_000
_BLANK_LINES = re.compile(rb"[\r\n]*+")

CATEGORIES: Mapping[str, str] = {
    "event": "error",
    "transaction": "transaction",
    "session": "session",
    "sessions": "session",
    "attachment": "attachment",
    "client_report": "internal",
    "check_in": "monitor",
    "profile": "profile",
    "profile_chunk": "profile",
    "replay_event": "replay",
    "replay_recording": "replay",
    "replay_video": "replay",
    "log": "log_item",
    "otel_log": "log_item",
    "span": "span",
    "otel_span": "span",
    "statsd": "metric_bucket",
    "metric_buckets": "metric_bucket",
    "metric": "metric",
    "trace_metric": "metric",
    "feedback": "feedback",
    "user_report": "default",
    "raw_security": "security",
    "security": "security",
}
"""Rate-limit category of each item type. Source: ITEM_TYPE_TO_DATA_CATEGORY_MAP of sentry-javascript."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing an envelope carries."""

    type: str
    header: dict[str, Any]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope; `truncated` where its end is missing or not understood, `skipped` the items over the limit."""

    header: dict[str, Any]
    items: tuple[Item, ...]
    truncated: bool
    skipped: int


def category(item_type: str) -> str:
    """Return the rate-limit category an item is counted under."""
    return CATEGORIES.get(item_type, "other")


def read_header(data: bytes) -> dict[str, Any]:
    """Read an envelope's header from its beginning: `MAX_HEADER_BYTES` and a line break are enough of it.

    Raises:
        InvalidInput: The first line is no header.
    """
    return _header(data)[0]


def parse_envelope(data: bytes) -> Envelope:
    """Take an envelope apart, keeping every complete item of one that was cut.

    Raises:
        InvalidInput: The first line is no header, or the header of the first item is not understood.
    """
    header, position = _header(data)
    items: list[Item] = []
    kept = [0, 0]
    skipped = 0
    while (position := _past_blank_lines(data, position)) < len(data):
        read = _read_item(data, position)
        if read is None or skipped == _MAX_COUNTED:
            if not items and b"\n" in data[position : position + MAX_HEADER_BYTES] and _header_broken(data, position):
                raise InvalidInput("The first item's header must be a JSON object with `type` and a right `length`.")
            return Envelope(header, tuple(items), truncated=True, skipped=skipped)
        item, position = read
        if kept[item.type == "event"] < MAX_ITEMS:
            kept[item.type == "event"] += 1
            items.append(item)
        else:
            skipped += 1
    return Envelope(header, tuple(items), truncated=False, skipped=skipped)


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    line, position = _line(data, 0)
    header = _object(line)
    if header is None:
        raise InvalidInput("The envelope must begin with a line that is a JSON object of at most 8 KiB.")
    return header, position


def _read_item(data: bytes, position: int) -> tuple[Item, int] | None:
    """Return the item at a position and where the next one starts; None where it is broken or cut."""
    line, start = _line(data, position)
    header = _item_header(line)
    if header is None or data[start - 1 : start] != b"\n":
        return None
    length = header.get("length")
    if length is None:
        payload, following = _rest_of_line(data, start)
    else:
        following = start + length
        if following > len(data) or not _line_ends(data, following):
            return None
        payload = data[start:following]
    return Item(header["type"], header, payload), following


def _item_header(line: bytes) -> dict[str, Any] | None:
    header = _object(line)
    if header is None or not isinstance(header.get("type"), str):
        return None
    length = header.get("length")
    if length is not None and (type(length) is not int or length < 0):
        return None
    return header


def _header_broken(data: bytes, position: int) -> bool:
    """Say whether an item is not understood, rather than cut at the end of the data."""
    line, start = _line(data, position)
    header = _item_header(line)
    return header is None or start + (header.get("length") or 0) <= len(data)


def _line(data: bytes, position: int) -> tuple[bytes, int]:
    """Return the line at a position and where the next one starts; an overlong one is returned empty."""
    end = data.find(b"\n", position, position + MAX_HEADER_BYTES + 2)
    if end >= 0:
        return data[position:end], end + 1
    if len(data) - position > MAX_HEADER_BYTES:
        return b"", len(data)
    return data[position:], len(data)


def _rest_of_line(data: bytes, position: int) -> tuple[bytes, int]:
    end = data.find(b"\n", position)
    return (data[position:], len(data)) if end < 0 else (data[position:end], end)


def _line_ends(data: bytes, position: int) -> bool:
    return data[position : position + 2].startswith((b"\n", b"\r\n")) or position == len(data)


def _past_blank_lines(data: bytes, position: int) -> int:
    blank = _BLANK_LINES.match(data, position)
    return blank.end() if blank else position


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
