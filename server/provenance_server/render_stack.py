"""Stack traces as text: the root cause first, of each exception the raising frame first, library runs folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from provenance_core.events import ErrorValue, Event, Frame, Relation
from provenance_server.fitting import block, cost, json_text, line
from provenance_server.render_limits import StackLimits

_JOINED = {
    Relation.CAUSE: "which caused",
    Relation.CONTEXT: "and while handling it",
    Relation.MEMBER: "one of several in",
}

_VARIABLE_NAME = 24


@dataclass(slots=True)
class Stack:
    """A stack as lines, what was left out of it, and how much that was."""

    lines: list[str] = field(default_factory=list[str])
    cuts: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """Return the stack as one text."""
        return "\n".join(self.lines)


def render_stack(event: Event, limits: StackLimits) -> Stack:
    """Return an event's exceptions as text, and what was left out.

    The root cause stands first. The frame that matters is the application's raising frame of the root cause, or of the
    nearest exception after it that has source lines or variables; it is shown with both. In-app frames are marked
    `>`; one that no source map resolves says why.
    """
    stack = Stack()
    chain: list[tuple[ErrorValue, Relation | None]] = [(event, None)]
    chain += [(cause, cause.relation) for cause in event.causes]
    chain.reverse()
    matters = _frame_that_matters([value for value, _ in chain])
    left_out = len(chain) - limits.exceptions
    for position, (value, relation) in enumerate(chain):
        if left_out > 0 and limits.exceptions - 1 <= position < len(chain) - 1:
            if position == limits.exceptions - 1:
                stack.cuts.append(_counted(left_out, "exception"))
                stack.lines.append(f"  … {_counted(left_out, 'exception')}")
            continue
        stack.lines.extend(_exception(value, limits, stack.cuts, matters, root=position == 0))
        if relation is not None:
            stack.lines.append(f"— {_JOINED[relation]} —")
    _bound(stack, limits.tokens)
    return stack


def _frame_that_matters(chain: Sequence[ErrorValue]) -> Frame | None:
    """Return the frame to show in full; an application's is looked for in the whole chain first."""
    firsts = [next((frame for frame in value.frames if frame.in_app), None) for value in chain]
    firsts += [value.frames[0] if value.frames else None for value in chain]
    candidates = [frame for frame in firsts if frame is not None]
    telling = (frame for frame in candidates if frame.context_line is not None or frame.vars)
    return next(telling, candidates[0] if candidates else None)


def _exception(
    value: ErrorValue, limits: StackLimits, cuts: list[str], matters: Frame | None, *, root: bool
) -> Iterator[str]:
    head = ": ".join(part for part in (value.error_type, value.message) if part) or "(no message)"
    yield block(head, limits.message if root else limits.other_message)
    if not value.frames and value.stack:
        yield block(value.stack, limits.tokens // 2)
        return
    yield from _frames(value.frames, limits, cuts, matters)


def _frames(frames: Sequence[Frame], limits: StackLimits, cuts: list[str], matters: Frame | None) -> Iterator[str]:
    """Show the raising frame, the one that matters and the application's; fold the others and repetitions."""
    shown = 0
    told = 0
    for run in _runs(frames):
        if shown >= limits.frames:
            cuts.append(_counted(len(frames) - told, "frame"))
            return
        told += len(run)
        if run[0].in_app or len(run) == 1:
            shown += 1
            yield from _frame(run[0], limits, cuts, full=run[0] is matters)
            if len(run) > 1:
                yield f"  … {len(run) - 1} times more"
        else:
            yield f"  … {len(run)} library frames"


def _runs(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    """Split a stack into its raising frame, repetitions of one frame of the application, and runs of library frames."""
    first = 0 if frames and frames[0].in_app else 1
    yield from ([frame] for frame in frames[:first])

    def kind(frame: Frame) -> object:
        return (frame.file, frame.module, frame.function, frame.line) if frame.in_app else None

    for _, run in groupby(frames[first:], kind):
        yield list(run)


def _frame(frame: Frame, limits: StackLimits, cuts: list[str], *, full: bool) -> Iterator[str]:
    where = line(frame.file or frame.module or frame.abs_path or "?", limits.place)
    position = "".join(f":{number}" for number in (frame.line, frame.column) if number is not None)
    name = f" in {line(frame.function, limits.place)}" if frame.function else ""
    lacks = f" (minified: {frame.unresolved.value})" if frame.unresolved is not None else ""
    yield f"{'>' if frame.in_app else ' '} {where}{position}{name}{lacks}"
    if full:
        yield from _context(frame, limits)
        yield from _variables(frame, limits, cuts)
    elif frame.in_app and frame.context_line is not None and frame.context_line.strip():
        yield f"      {line(frame.context_line.strip(), limits.source)}"


def _context(frame: Frame, limits: StackLimits) -> Iterator[str]:
    if frame.context_line is None:
        return
    before = frame.pre_context[-limits.context :]
    first = (frame.line or len(before) + 1) - len(before)
    for number, text in enumerate((*before, frame.context_line, *frame.post_context[: limits.context]), first):
        mark = "→" if number == first + len(before) else " "
        shown = text.rstrip()
        if shown:
            yield f"    {mark} {number} {line(shown, limits.source)}"


def _variables(frame: Frame, limits: StackLimits, cuts: list[str]) -> Iterator[str]:
    names = list(frame.vars)
    for name in names[: limits.variables]:
        yield f"      {line(name, _VARIABLE_NAME)} = {json_text(frame.vars[name], limits.variable)}"
    if len(names) > limits.variables:
        cuts.append(_counted(len(names) - limits.variables, "variable"))


def _bound(stack: Stack, tokens: int) -> None:
    """Leave out the lines at the end that cost more than the whole may."""
    costs = 0
    for position, text in enumerate(stack.lines):
        costs += cost(text) + 1
        if costs > tokens:
            stack.cuts.append(_counted(len(stack.lines) - position, "line") + " of the stack")
            del stack.lines[position:]
            return


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
