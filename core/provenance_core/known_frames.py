"""Remember the frames of applications: they come again and again, and reading one costs more than knowing it.

A frame is known by all that is read of it but its variables. What is remembered holds no secret and needed no cut, so
that a known frame needs no second look. Memory is bounded by the number of frames and the length of each.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from provenance_core import limits
from provenance_core.coerce import flag, sequence, whole
from provenance_core.event_writing import ReadFrame
from provenance_core.in_app import is_in_app
from provenance_core.shapes import Shapes
from provenance_core.trim import Trim

_MOST = 704
_LONGEST = 1536
"""Bytes, as JSON, of the longest frame that is remembered: seven lines of code have some 700."""
_FIELDS = (
    "filename",
    "abs_path",
    "function",
    "module",
    "lineno",
    "colno",
    "in_app",
    "package",
    "platform",
    "context_line",
    "pre_context",
    "post_context",
)
_CONTEXT = limits.CONTEXT_LINE * limits.CONTEXT_LINES


def read_known(raw: dict[str, Any], platform: str | None) -> ReadFrame | None:
    """Return a frame, or None where something of it has to be cut or repaired.

    Args:
        raw: The frame, with the names Sentry gives its fields.
        platform: The event's platform.
    """
    get = raw.get
    try:
        key = orjson.dumps((platform, *map(get, _FIELDS)))
    except TypeError:
        return None
    known = _known(key) if len(key) <= _LONGEST else _read(key)
    return known.again() if known else None


def _read(key: bytes) -> ReadFrame | None:
    if b"\\u0000" in key:
        return None
    platform, *values = orjson.loads(key)
    raw: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
    trim = Trim()
    frame = read_names(trim, raw, "", platform)
    add_source(trim, frame, raw, "")
    if trim.trimmed:
        return None
    return ReadFrame.read(frame, is_clean=not Shapes(key))


_known = lru_cache(maxsize=_MOST)(_read)


def read_names(trim: Trim, raw: dict[str, Any], prefix: str, platform: str | None) -> dict[str, Any]:
    """Return where a frame is and whose it is."""
    get = raw.get
    file = trim.text(get("filename"), limits.PATH, f"{prefix}file")
    abs_path = trim.text(get("abs_path"), limits.PATH, f"{prefix}absPath")
    function = trim.text(get("function"), limits.FUNCTION, f"{prefix}function")
    module = trim.text(get("module"), limits.MODULE, f"{prefix}module")
    if not file:
        file = abs_path or trim.text(get("package"), limits.PATH, f"{prefix}file")
    line = get("lineno")
    in_app = flag(get("in_app"))
    if in_app is None:
        own = trim.text(get("platform"), limits.PLATFORM, "platform")
        in_app = is_in_app(file=file, abs_path=abs_path, module=module, function=function, platform=own or platform)
    frame = {
        "file": file,
        "absPath": abs_path,
        "function": function,
        "module": module,
        "line": whole(line),
        "column": None if line is None else whole(get("colno")),
        "inApp": in_app or None,
    }
    return {name: value for name, value in frame.items() if value is not None}


def add_source(trim: Trim, frame: dict[str, Any], raw: dict[str, Any], prefix: str) -> None:
    """Add a frame's lines of code."""
    line = trim.text(raw.get("context_line"), limits.CONTEXT_LINE, f"{prefix}contextLine")
    if line is not None:
        frame["contextLine"] = line
    before, after = raw.get("pre_context"), raw.get("post_context")
    if before:
        path = f"{prefix}preContext"
        _add_lines(trim, frame, "preContext", trim.last(sequence(before), limits.CONTEXT_LINES, path), path)
    if after:
        path = f"{prefix}postContext"
        _add_lines(trim, frame, "postContext", trim.first(sequence(after), limits.CONTEXT_LINES, path), path)


def _add_lines(trim: Trim, frame: dict[str, Any], name: str, lines: list[Any], path: str) -> None:
    try:
        is_short = len("".join(lines)) <= _CONTEXT
    except TypeError:
        is_short = False
    if lines:
        frame[name] = [*lines] if is_short else [trim.text(line, limits.CONTEXT_LINE, path) or "" for line in lines]
