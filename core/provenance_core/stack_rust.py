"""Stacks of Rust, as its standard library prints them: https://doc.rust-lang.org/std/backtrace/."""

from __future__ import annotations

import re

from provenance_core.events import Cause, Frame
from provenance_core.stack_header import read_number

MARK = "stack backtrace:"
_PANIC = re.compile(r"thread '[^']{0,200}'(?: \(\d{1,20}\))? panicked at (.*)$")
_QUOTED = re.compile(r"'(.*)', [^,]{1,500}:\d{1,9}:\d{1,9}$")
_NAME = re.compile(r"\d{1,5}: {1,20}(?:0x[0-9a-f]{1,16} - )?(.{1,500})$")
_AT = "at "


def parse_rust(lines: list[str], max_frames: int) -> list[Cause]:
    """Read `0: function` lines with `at file:line:column` below each; a panic's message stands before or after."""
    message: str | None = None
    after_panic = in_stack = False
    frames: list[Frame] = []
    for raw in lines:
        line = raw.strip()
        if after_panic:
            message, after_panic = line or None, False
        elif message is None and (panic := _PANIC.search(line)) is not None:
            quoted = _QUOTED.match(panic[1])
            # Since Rust 1.73 the message stands on the next line.
            message, after_panic = (quoted[1], False) if quoted else (None, True)
        elif line == MARK:
            in_stack = True
        elif in_stack and (found := _NAME.match(line)) is not None:
            if len(frames) < max_frames:
                frames.append(Frame(function=found[1]))
        elif in_stack and frames and frames[-1].file is None and line.startswith(_AT):
            frames[-1] = _placed(frames[-1], line[len(_AT) :])
    return [Cause(error_type="panic" if message is not None else None, message=message, frames=tuple(frames))]


def _placed(frame: Frame, place: str) -> Frame:
    head, _, column = place.rpartition(":")
    file, _, line = head.rpartition(":")
    if not file or read_number(line) is None:
        return frame
    return frame.model_copy(
        update={"file": file, "abs_path": file, "line": read_number(line), "column": read_number(column)}
    )
