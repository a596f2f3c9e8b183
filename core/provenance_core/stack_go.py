"""Stacks of Go, as its runtime prints them when a program panics: https://pkg.go.dev/runtime#hdr-Environment_Variables."""

from __future__ import annotations

from provenance_core.events import Cause, Frame
from provenance_core.stack_header import read_number

_PANIC = "panic: "
_FATAL = "fatal error: "
_GOROUTINE = "goroutine "
_CREATED = "created by "


def parse_go(lines: list[str], max_frames: int) -> list[Cause]:
    """Read the first goroutine: the function with its arguments on one line, its file on the next."""
    message: str | None = None
    frames: list[Frame] = []
    name: str | None = None
    in_goroutine = False
    for raw in lines:
        line = raw.strip()
        if message is None and line.startswith((_PANIC, _FATAL)):
            message = line.partition(": ")[2]
        elif line.startswith(_GOROUTINE) and line.endswith("]:"):
            if frames:
                break  # the others were only running at that time
            in_goroutine = True
        elif in_goroutine and (not line or line.startswith(_CREATED)):
            in_goroutine = False
        elif in_goroutine and raw[:1].isspace() and name is not None:
            frame = _frame(name, line)
            if frame is not None and len(frames) < max_frames:
                frames.append(frame)
            name = None
        elif in_goroutine and line.endswith(")"):
            name = line.rpartition("(")[0]
    return [Cause(error_type="panic" if message is not None else None, message=message, frames=tuple(frames))]


def _frame(name: str, place: str) -> Frame | None:
    file, _, number = place.partition(" +0x")[0].rpartition(":")
    line = read_number(number)
    if line is None or not file:
        return None
    # `github.com/acme/shop/orders.(*Store).Load`: the package ends at the first dot after its path.
    path = name.partition("[")[0].rfind("/") + 1
    package, dot, function = name[path:].partition(".")
    module = name[:path] + package if dot else "runtime"
    return Frame(file=file, abs_path=file, function=function if dot else package, module=module, line=line)
