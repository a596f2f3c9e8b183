"""Stacks of Ruby, as `Exception#full_message` prints them: https://docs.ruby-lang.org/en/master/Exception.html."""

from __future__ import annotations

import re

from provenance_core.events import Cause, Frame
from provenance_core.stack_header import read_number

MARK = ":in "
_HEADER = re.compile(r": (?P<message>.{0,900}) \((?P<type>[A-Z]\w{0,100}(?:::\w{1,100}){0,9})\)$")
_SOURCE = re.compile(r"\.(?:rb|erb|rake|ru|haml|slim|jbuilder|builder)$|^\(e|^-e$|^<internal:|/bin/[\w-]{1,60}$")


def parse_ruby(lines: list[str], max_frames: int) -> list[Cause]:
    """Read `file:1:in 'method'` lines; the first of an exception also has its message and, in brackets, its type."""
    errors: list[tuple[str | None, str | None, list[Frame]]] = []
    for raw in lines:
        found = _frame(raw.strip().removeprefix("from "))
        if found is None:
            continue
        frame, rest = found
        header = _HEADER.match(rest)
        if header is not None or not errors:
            # Below the frames of an exception stands, with a header of its own, what caused it.
            errors.append((header["type"] if header else None, header["message"] if header else None, []))
        if len(errors[-1][2]) < max_frames:
            errors[-1][2].append(frame)
    return [Cause(error_type=kind, message=message, frames=tuple(frames)) for kind, message, frames in errors]


def _frame(line: str) -> tuple[Frame, str] | None:
    """Return the frame of a line and what stands behind it."""
    place, mark, rest = line.partition(MARK)
    file, _, number = place.rpartition(":")
    if not mark or rest[:1] not in ("'", "`") or read_number(number) is None or not _SOURCE.search(file):
        return None
    function, _, behind = rest[1:].partition("'")
    return Frame(file=file, abs_path=file, function=function, line=read_number(number)), behind
