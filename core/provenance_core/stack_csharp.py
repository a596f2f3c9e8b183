"""Stacks of .NET, as `Exception.ToString` prints them.

https://learn.microsoft.com/dotnet/api/system.exception.tostring; the words before a frame and its line are translated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from provenance_core.events import Cause, Frame, Relation
from provenance_core.stack_header import read_number, split_header

_AT = ("at ", "bei ", "à ", "en ", "em ", "w ", "vid ", "в ", "在 ", "場所 ")
_INNER = "---> "
_MEMBER_END = "<---"
_UNHANDLED = "Unhandled exception. "
_MEMBER = re.compile(r"\(Inner Exception #\d{1,6}\) ")
_INNER_END = "--- "  # `--- End of inner exception stack trace ---`, translated; `previous location` is no end
_PLACE = re.compile(r"\) \w{1,8} (?P<file>.{1,500}):\w{1,12} (?P<line>\d{1,9})\.?$")
_MARK = re.compile(
    r"\) \w{1,8} [^\n]{1,500}:\w{1,12} \d{1,9}\.?\r?(?:\n|$)|\n *--- \w|\([A-Z][\w.`\[\]&*]{1,80} \w{1,80}[,)]"
)
_MAX_HEADER_LINES = 50


@dataclass
class _Draft:
    header: list[str]
    relation: Relation = Relation.CAUSE
    frames: list[Frame] = field(default_factory=list[Frame])

    def finish(self) -> Cause:
        error_type, message = split_header("\n".join(self.header).removeprefix(_UNHANDLED))
        return Cause(error_type=error_type, message=message, frames=tuple(self.frames), relation=self.relation)


def is_csharp(text: str) -> bool:
    """Tell whether a text shows a file's line, a parameter or an end as only .NET writes them."""
    return _MARK.search(text) is not None


def parse_csharp(lines: list[str], max_frames: int) -> list[Cause]:
    """Read `at Namespace.Class.Method(Type name) in file:line 1` lines; inner exceptions stand within outer ones."""
    drafts = [_Draft([])]
    open_drafts = [drafts[0]]
    for raw in lines:
        line = raw.strip().removesuffix(_MEMBER_END)
        frame = _frame(line)
        if frame is not None:
            if len(open_drafts[-1].frames) < max_frames:
                open_drafts[-1].frames.append(frame)
        elif line.startswith(_INNER):
            text = line[len(_INNER) :]
            member = _MEMBER.match(text)
            relation = Relation.MEMBER if member else Relation.CAUSE
            drafts.append(_Draft([text[member.end() if member else 0 :]], relation))
            open_drafts.append(drafts[-1])
        elif line.startswith(_INNER_END) and line.endswith(" ---"):
            # Where an exception was thrown again, its own frames go on.
            if len(open_drafts) > 1:
                open_drafts.pop()
        elif not open_drafts[-1].frames and len(open_drafts[-1].header) < _MAX_HEADER_LINES:
            _add_header(drafts, open_drafts, raw)
    return [draft.finish() for draft in drafts]


def _add_header(drafts: list[_Draft], open_drafts: list[_Draft], line: str) -> None:
    """Take a line of a header; .NET Framework writes inner exceptions behind the outer ones, on one line."""
    first, *inner = line.split(f" {_INNER}")
    open_drafts[-1].header.append(first)
    for text in inner[:_MAX_HEADER_LINES]:
        drafts.append(_Draft([text]))
        open_drafts.append(drafts[-1])


def _frame(line: str) -> Frame | None:
    start = next((word for word in _AT if line.startswith(word)), None)
    name, paren, rest = line[len(start or "") :].partition("(")
    if start is None or not paren or " " in name.partition("<")[0] or "." not in name or ")" not in rest:
        return None
    place = _PLACE.search(rest)
    if place is None and not rest.endswith(")"):
        return None
    # A constructor is `.ctor`: its name begins with the dot.
    module, _, function = name.rpartition("..") if "..c" in name else name.rpartition(".")
    if not module:
        return None
    file = place["file"] if place else None
    return Frame(
        file=file,
        abs_path=file,
        function=f".{function}" if "..c" in name else function.partition("[")[0],
        module=module,
        line=read_number(place["line"]) if place else None,
    )
