"""Stacks of Python, as the `traceback` module prints them, with chains and exception groups.

https://docs.python.org/3/library/traceback.html; the boxes of groups: https://peps.python.org/pep-0654/
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from provenance_core.events import Cause, Frame, Relation
from provenance_core.stack_header import split_header

_FILE = re.compile(r'File "([^"]{1,900})", line (\d{1,9})(?:, in (.{1,300}))?$')
_START = "Traceback (most recent call last):"
_DIRECT = "The above exception was the direct cause of the following exception:"
_DURING = "During handling of the above exception, another exception occurred:"
_MEMBER = re.compile(r"(?:\+-)?\+-{3,40} (?:\d{1,6}|\.\.\.) -{3,40}$")
_GROUP = re.compile(r"\| \S.{0,900} \(\d{1,6} sub-exceptions?\)$")
_BOX_END = re.compile(r"\+-{3,80}$")
_MAX_MESSAGE_LINES = 50


@dataclass
class _Draft:
    frames: deque[Frame]
    message: list[str] = field(default_factory=list[str])
    relation: Relation = Relation.CAUSE

    def finish(self) -> Cause:
        error_type, message = split_header("\n".join(self.message))
        return Cause(
            error_type=error_type,
            message=message,
            frames=tuple(reversed(self.frames)),
            relation=self.relation,
        )


class _Reader:
    """Collects chains: the first is the outermost exception's, the others are the members' of its groups."""

    def __init__(self, max_frames: int) -> None:
        self._max_frames = max_frames
        self._chains: list[list[_Draft]] = [[]]
        self._boxed_chain = 0
        self._has_boxes = False
        self._boxed = False
        self._is_related = False
        self._draft: _Draft | None = None

    def read(self, raw: str) -> None:
        """Take one line."""
        line = self._unboxed(raw)
        if line is None:
            return
        text = line.strip()
        if text.endswith(_START):
            self._open()
        elif text in (_DIRECT, _DURING):
            self._relate(Relation.CAUSE if text == _DIRECT else Relation.CONTEXT)
        elif (found := _FILE.match(text)) is not None:
            self._add_frame(found)
        else:
            self._add_text(line, text)

    def finish(self) -> list[Cause]:
        """Return the outermost exception, its causes nearest first, then each member with its own."""
        errors: list[Cause] = []
        for index, chain in enumerate(self._chains):
            found = [draft.finish() for draft in reversed(chain)]
            if index and found:
                found[0] = found[0].model_copy(update={"relation": Relation.MEMBER})
            errors.extend(found)
        return errors

    def _unboxed(self, raw: str) -> str | None:
        text = raw.strip()
        if self._has_boxes and _MEMBER.match(text):
            self._chains.append([])
            self._boxed_chain = len(self._chains) - 1
            self._draft = None
            return None
        if _BOX_END.match(text):
            self._boxed_chain = 0
            self._draft = None
            return None
        opens = (text.startswith("+ ") and text.endswith(_START)) or _GROUP.match(text) is not None
        self._has_boxes = self._has_boxes or opens
        # Without a box, `|` and `+` begin lines of source.
        if (opens or (self._has_boxes and text.startswith("|"))) != self._boxed:
            self._boxed = not self._boxed
            self._draft = None
        return text[2:] if self._boxed else raw

    def _chain(self) -> list[_Draft]:
        return self._chains[self._boxed_chain if self._boxed else 0]

    def _open(self) -> _Draft:
        draft = _Draft(deque(maxlen=self._max_frames))
        self._chain().append(draft)
        self._draft = draft
        self._is_related = False
        return draft

    def _relate(self, relation: Relation) -> None:
        if self._chain():
            self._chain()[-1].relation = relation
        self._draft = None
        self._is_related = True

    def _add_frame(self, found: re.Match[str]) -> None:
        draft = self._draft if self._draft and not self._draft.message else self._open()
        path, line, function = found[1], int(found[2]), found[3]
        draft.frames.append(Frame(file=path, abs_path=path, function=function, line=line))

    def _add_text(self, line: str, text: str) -> None:
        draft = self._draft
        if draft is None:
            # An exception that was never raised has no traceback, only its line.
            if not text or not (self._is_related or (self._boxed and not self._chain())):
                return
            draft = self._open()
        if draft.message:
            # A blank line ends a message: what follows is the next traceback or the log's next record.
            if text and len(draft.message) < _MAX_MESSAGE_LINES:
                draft.message.append(line)
            else:
                self._draft = None
        elif not text or text.startswith("[Previous line repeated "):
            return
        elif line[:1] == " " and draft.frames:
            self._add_source(draft, text)
        else:
            draft.message.append(line)

    @staticmethod
    def _add_source(draft: _Draft, text: str) -> None:
        if text.strip("~^ ") and draft.frames[-1].context_line is None:
            draft.frames[-1] = draft.frames[-1].model_copy(update={"context_line": text})


def parse_python(lines: list[str], max_frames: int) -> list[Cause]:
    """Read tracebacks, the outermost exception first."""
    reader = _Reader(max_frames)
    for line in lines:
        reader.read(line)
    return reader.finish()
