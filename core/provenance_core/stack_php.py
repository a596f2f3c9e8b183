"""Stacks of PHP, as an uncaught exception prints them: https://www.php.net/manual/en/throwable.gettraceasstring.php."""

from __future__ import annotations

import re

from provenance_core.events import Cause, Frame
from provenance_core.stack_header import read_number

MARK = "#0 "
_ENTRY = re.compile(r"#\d{1,5} (.{1,900})$")
_CALL = re.compile(r"(?:(?P<file>[^()]{1,500})\((?P<line>\d{1,9})\)|\[internal function\]): (?P<call>.{1,900})$")
_THROWN = re.compile(r"^(?P<header>.*) in (?P<file>\S{1,500}):(?P<line>\d{1,9})$", re.DOTALL)
_PREFIX = re.compile(r"(?:.{0,100}\b)?(?:Uncaught |Next )|PHP Fatal error: {1,4}")
_NAMED = re.compile(r"(?P<type>\\?[A-Za-z_]\w{0,100}(?:\\\w{1,100}){0,9})(?:: (?P<message>.*))?$", re.DOTALL)
_TRACE = "Stack trace:"
_MAX_HEADER_LINES = 50


def parse_php(lines: list[str], max_frames: int) -> list[Cause]:
    """Read `#0 file(1): function()` lines: each says where a function was called, not where it failed."""
    errors: list[Cause] = []
    header: list[str] = []
    calls: list[Frame] = []
    for raw in [*lines, "Next "]:
        line = raw.strip()
        entry = _ENTRY.match(line)
        if entry is not None:
            if len(calls) < max_frames and (call := _call(entry[1])) is not None:
                calls.append(call)
        elif calls:
            if line.startswith("Next"):
                # The exception that was wrapped is printed first.
                errors.insert(0, _error(header, calls, max_frames))
                header, calls = [raw], []
        elif line != _TRACE and len(header) < _MAX_HEADER_LINES:
            header.append(raw)
    return errors


def _call(text: str) -> Frame | None:
    if text == "{main}":
        return Frame(function=text)
    found = _CALL.match(text)
    if found is None:
        return None
    function = found["call"].partition("(")[0].replace("->", "::")
    return Frame(file=found["file"], abs_path=found["file"], function=function, line=read_number(found["line"] or ""))


def _error(header: list[str], calls: list[Frame], max_frames: int) -> Cause:
    """Join each place with the function it is in: that of the call below it."""
    text = "\n".join(header).strip()
    thrown = _THROWN.match(text)
    places = [Frame(file=thrown["file"], line=int(thrown["line"]))] if thrown else [Frame()]
    places += calls
    text = thrown["header"] if thrown else text
    prefix = _PREFIX.match(text)
    named = _NAMED.match(text[prefix.end() if prefix else 0 :])
    frames = [
        Frame(file=place.file, abs_path=place.file, function=call.function, line=place.line)
        for place, call in zip(places, calls, strict=False)
    ]
    error_type, message = (named["type"], named["message"] or None) if named else (None, text or None)
    return Cause(error_type=error_type, message=message, frames=tuple(frames[:max_frames]))
