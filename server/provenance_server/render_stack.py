"""Stack traces as text: the root cause first, of each exception the raising frame first, library runs folded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from provenance_core.events import ErrorValue, Event, Frame, Relation
from provenance_core.wording import counted
from provenance_server.fitting import block, cost, line
from provenance_server.render_limits import StackLimits
from provenance_server.render_values import value_text

_JOINED = {
    Relation.CAUSE: "which caused",
    Relation.CONTEXT: "and while handling it",
    Relation.MEMBER: "one of several in",
}

_GROUP = re.compile("group|aggregate|multiple", re.IGNORECASE)
_NAME = re.compile(r"[\w$<>]+")
_VARIABLE_NAME = 24
_WRITES_TEXTS = "sentry.python"
"""How the SDK's name begins that reports variables as the language writes them, texts with their quotation marks."""
_CONTINUED = "\n  | "
"""What begins each further line of a message, which could else pass for a frame."""


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
    `>`; one that no source map resolves says why. The folders of a file are told once: `…/name` is the file above.
    """
    stack = Stack()
    chain: list[tuple[ErrorValue, Relation | None]] = [(event, None)]
    chain += [(cause, cause.relation) for cause in event.causes]
    chain.reverse()
    values = [value for value, _ in chain]
    matters = _frame_that_matters(values)
    telling = _frames_that_tell(values, matters, limits)
    shown = _positions(values, matters, limits)
    writes_texts = event.sdk is not None and (event.sdk.name or "").startswith(_WRITES_TEXTS)
    folded = 0
    for position, (value, relation) in enumerate(chain):
        if position not in shown:
            folded += 1
            if position + 1 in shown:
                stack.lines.append(f"  … {counted(folded, 'exception')}")
                stack.cuts.append(counted(folded, "exception"))
                folded = 0
            continue
        lines = _Shown(limits, stack.cuts, matters, telling, quoted=not writes_texts)
        stack.lines.extend(lines.exception(value, root=position == 0))
        if relation is not None:
            stack.lines.append(f"— {_joined(relation, values[position + 1 :])} —")
    if any(frame.vars and id(frame) not in telling for value in values for frame in value.frames):
        stack.cuts.append("variables of other frames")
    _bound(stack, limits.tokens)
    return stack


def _positions(chain: Sequence[ErrorValue], matters: Frame | None, limits: StackLimits) -> set[int]:
    """Return which exceptions to show: the root causes, the outermost, and the one with the frame that matters."""
    shown = {*range(min(max(limits.exceptions - 1, 1), len(chain))), len(chain) - 1}
    return shown | {place for place, value in enumerate(chain) if any(frame is matters for frame in value.frames)}


def _joined(relation: Relation, outer: Sequence[ErrorValue]) -> str:
    """Return how an exception is joined to the next; a group is named, for its members stand one after another."""
    if relation is not Relation.MEMBER:
        return _JOINED[relation]
    group = next((value.error_type for value in outer if _GROUP.search(value.error_type or "")), None)
    return f"{_JOINED[relation]} {line(group, _VARIABLE_NAME)}" if group else _JOINED[relation]


def _frame_that_matters(chain: Sequence[ErrorValue]) -> Frame | None:
    """Return the frame to show in full; an application's is looked for in the whole chain first."""
    firsts = [next((frame for frame in value.frames if frame.in_app), None) for value in chain]
    firsts += [value.frames[0] if value.frames else None for value in chain]
    candidates = [frame for frame in firsts if frame is not None]
    telling = (frame for frame in candidates if frame.context_line is not None or frame.vars)
    return next(telling, candidates[0] if candidates else None)


def _frames_that_tell(chain: Sequence[ErrorValue], matters: Frame | None, limits: StackLimits) -> set[int]:
    """Return the frames whose variables are shown, by `id`: the one that matters, then the next of the application."""
    frames = [frame for value in chain for frame in value.frames if frame.in_app and frame is not matters]
    telling = [frame for frame in ([matters] if matters else []) + frames if frame.vars]
    return {id(frame) for frame in telling[: limits.frames_with_variables]}


class _Shown:
    """One exception as lines.

    Args:
        limits: How much is shown.
        cuts: Takes what is left out.
        matters: The frame that is shown with its source lines.
        telling: The frames, by `id`, whose variables are shown.
        quoted: Whether texts within variables get quotation marks.
    """

    def __init__(
        self, limits: StackLimits, cuts: list[str], matters: Frame | None, telling: set[int], *, quoted: bool
    ) -> None:
        self._limits = limits
        self._cuts = cuts
        self._matters = matters
        self._telling = telling
        self._quoted = quoted
        self._above: tuple[str | None, ...] | None = None

    def exception(self, value: ErrorValue, *, root: bool) -> Iterator[str]:
        """Yield type and message, then the frames."""
        limits = self._limits
        head = ": ".join(part for part in (value.error_type, value.message) if part) or "(no message)"
        yield _quoted(head, limits.message if root else limits.other_message)
        if not value.frames and value.stack:
            yield "  | " + _quoted(value.stack, limits.tokens // 2)
            return
        yield from self._frames(value.frames)

    def _frames(self, frames: Sequence[Frame]) -> Iterator[str]:
        """Show the raising frame, the one that matters and the application's; fold the others and repetitions."""
        shown = 0
        told = 0
        for run in _runs(frames):
            if shown >= self._limits.frames:
                self._cuts.append(counted(len(frames) - told, "frame"))
                return
            told += len(run)
            if run[0].in_app or len(run) == 1:
                shown += 1
                yield from self._frame(run[0])
                if len(run) > 1:
                    yield f"  … {len(run) - 1} times more"
            else:
                yield f"  … {len(run)} library frames"

    def _frame(self, frame: Frame) -> Iterator[str]:
        limits = self._limits
        where = self._where(frame)
        position = "".join(f":{number}" for number in (frame.line, frame.column) if number is not None)
        name = f" in {line(_function(frame), limits.place)}" if frame.function else ""
        lacks = f" (minified: {frame.unresolved.value})" if frame.unresolved is not None else ""
        yield f"{'>' if frame.in_app else ' '} {where}{position}{name}{lacks}"
        if frame is self._matters:
            yield from self._context(frame)
        elif frame.in_app and frame.context_line is not None and frame.context_line.strip():
            yield f"      {line(frame.context_line.strip(), limits.source)}"
        if id(frame) in self._telling:
            yield from self._variables(frame)

    def _where(self, frame: Frame) -> str:
        """Return a frame's file; of the one that the frame above named, without its folders."""
        whole = frame.file or frame.module or frame.abs_path or "?"
        named_above = (frame.file, frame.module, frame.abs_path) == self._above
        self._above = (frame.file, frame.module, frame.abs_path)
        folders, separator, name = whole.rpartition("/")
        if named_above and separator and folders.count("/") > 1:
            whole = f"…/{name}"
        return line(whole, self._limits.place)

    def _context(self, frame: Frame) -> Iterator[str]:
        if frame.context_line is None:
            return
        limits = self._limits
        before = frame.pre_context[-limits.context :]
        lines = (*before, frame.context_line, *frame.post_context[: limits.context_after])
        for away, text in enumerate(lines, -len(before)):
            number = f"{frame.line + away} " if frame.line is not None and frame.line + away > 0 else ""
            shown = text.rstrip()
            if shown:
                yield f"    {' ' if away else '→'} {number}{line(shown, limits.source)}"

    def _variables(self, frame: Frame) -> Iterator[str]:
        limits = self._limits
        names = list(frame.vars)
        for name in names[: limits.variables]:
            told = value_text(frame.vars[name], quoted=self._quoted)
            yield f"      {line(name, _VARIABLE_NAME)} = {line(told, limits.variable)}"
        if len(names) > limits.variables:
            self._cuts.append(counted(len(names) - limits.variables, "variable"))


def _function(frame: Frame) -> str:
    """Return a frame's function; of languages whose files are named without their folders, with its package."""
    function = frame.function or ""
    bare = frame.file is not None and "/" not in frame.file and "\\" not in frame.file
    packaged = bare and frame.module is not None and "." in frame.module and _NAME.fullmatch(function)
    return f"{frame.module}.{function}" if packaged else function


def _quoted(text: str, tokens: int) -> str:
    """Return a text of several lines, none of which can pass for a line of ours."""
    return block(text.replace("\r\n", "\n").replace("\n", _CONTINUED), tokens)


def _runs(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    """Split a stack into its raising frame, repetitions of one frame of the application, and runs of library frames."""
    first = 0 if frames and frames[0].in_app else 1
    yield from ([frame] for frame in frames[:first])

    def kind(frame: Frame) -> object:
        return (frame.file, frame.module, frame.function, frame.line) if frame.in_app else None

    for _, run in groupby(frames[first:], kind):
        yield list(run)


def _bound(stack: Stack, tokens: int) -> None:
    """Leave out the lines at the end that cost more than the whole may."""
    costs = 0
    for position, text in enumerate(stack.lines):
        costs += cost(text) + 1
        if costs > tokens:
            stack.cuts.append(counted(len(stack.lines) - position, "line") + " of the stack")
            del stack.lines[position:]
            return
