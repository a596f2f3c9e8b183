"""Stack traces as text: the root cause first, of each exception the raising frame first, library runs folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from provenance_core.clean import clean, clean_line, cut
from provenance_core.events import ErrorValue, Event, Frame, Relation

LINE = 160

_JOINED = {
    Relation.CAUSE: "which caused",
    Relation.CONTEXT: "and while handling it",
    Relation.MEMBER: "one of several in",
}


@dataclass(frozen=True, slots=True)
class StackBudget:
    """How much of a stack is shown.

    `characters` bounds the whole text; `context` is the number of source lines either side of the frame that matters.
    """

    characters: int
    exceptions: int
    frames: int
    message: int
    context: int
    variables: int
    variable: int


def render_stack(event: Event, budget: StackBudget) -> tuple[str, list[str]]:
    """Return an event's exceptions as text, and what was left out.

    The root cause stands first with the source lines and variables of its frame that matters: the raising frame of
    the application. In-app frames are marked `>`; one that no source map resolves says why.
    """
    cuts: list[str] = []
    chain: list[tuple[ErrorValue, Relation | None]] = [(event, None)]
    chain += [(cause, cause.relation) for cause in event.causes]
    chain.reverse()
    if len(chain) > budget.exceptions:
        cuts.append(f"{len(chain) - budget.exceptions} outer exceptions")
        chain = chain[: budget.exceptions]
    lines: list[str] = []
    for position, (value, relation) in enumerate(chain):
        lines.extend(_exception(value, budget, cuts, root=position == 0))
        if relation is not None and position + 1 < len(chain):
            lines.append(f"— {_JOINED[relation]} —")
    return _bounded(lines, budget.characters, cuts), cuts


def _exception(value: ErrorValue, budget: StackBudget, cuts: list[str], *, root: bool) -> Iterator[str]:
    head = ": ".join(part for part in (value.error_type, value.message) if part) or "(no message)"
    if len(head) > budget.message:
        cuts.append(f"{len(head) - budget.message} characters of a message")
    yield cut(clean(head), budget.message)
    if not value.frames and value.stack:
        yield cut(clean(value.stack), budget.message * 2)
        return
    matters = next((frame for frame in value.frames if frame.in_app), value.frames[0] if value.frames else None)
    shown = 0
    for run in _runs(value.frames):
        if shown >= budget.frames:
            cuts.append(f"{len(value.frames) - shown} frames")
            return
        if not run[0].in_app and matters is not run[0] and len(run) > 1:
            yield f"  … {len(run)} library frames"
            shown += len(run)
            continue
        for frame in run[: budget.frames - shown]:
            yield from _frame(frame, budget, full=frame is matters, variables=frame is matters and root)
            shown += 1


def _runs(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    """Split a stack into runs of library frames and single frames of the application."""
    run: list[Frame] = []
    for frame in frames:
        if frame.in_app:
            if run:
                yield run
            yield [frame]
            run = []
        else:
            run.append(frame)
    if run:
        yield run


def _frame(frame: Frame, budget: StackBudget, *, full: bool, variables: bool) -> Iterator[str]:
    where = clean_line(frame.file or frame.module or frame.abs_path or "?", 120)
    position = "".join(f":{number}" for number in (frame.line, frame.column) if number is not None)
    name = f" in {clean_line(frame.function, 80)}" if frame.function else ""
    lacks = f" (minified: {frame.unresolved.value})" if frame.unresolved is not None else ""
    yield f"{'>' if frame.in_app else ' '} {where}{position}{name}{lacks}"
    if full:
        yield from _context(frame, budget.context)
    elif frame.in_app and frame.context_line is not None:
        yield f"      {clean_line(frame.context_line.strip(), LINE)}"
    if variables:
        for key, value in list(frame.vars.items())[: budget.variables]:
            text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
            yield f"      {clean_line(key, 60)} = {clean_line(text, budget.variable)}"


def _context(frame: Frame, width: int) -> Iterator[str]:
    if frame.context_line is None:
        return
    before = frame.pre_context[-width:]
    first = (frame.line or len(before) + 1) - len(before)
    for number, line in enumerate((*before, frame.context_line, *frame.post_context[:width]), first):
        mark = "→" if number == first + len(before) else " "
        yield f"    {mark} {number} {clean_line(line.rstrip(), LINE)}"


def _bounded(lines: list[str], limit: int, cuts: list[str]) -> str:
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > limit:
            cuts.append(f"{len(lines) - len(kept)} lines of the stack")
            break
        kept.append(line)
    return "\n".join(kept)
