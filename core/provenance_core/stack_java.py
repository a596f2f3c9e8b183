"""Stacks of the Java virtual machine, as `Throwable.printStackTrace` prints them.

https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/Throwable.html#printStackTrace()
"""

from __future__ import annotations

import re

from provenance_core.events import Cause, Frame, Relation
from provenance_core.stack_header import read_number, split_header

_LOADER = re.compile(r"(?:[\w.-]{0,100}(?:@[\w.-]{1,60})?/){1,3}(?=[A-Za-z_])")
_SOURCE = re.compile(
    r"(?P<file>[\w$.-]{1,200}\.(?:java|kt|kts|scala|groovy|clj|aj))(?::(?P<line>\d{1,9}))?$"
    r"|(?P<obfuscated>SourceFile|PG|R8\$\$SyntheticClass)(?::(?P<other>\d{1,9}))?$"
    r"|(?P<native>Native Method)$|(?P<unknown>Unknown Source|<generated>|)(?::\d{1,9})?$"
)
_THREAD = re.compile(r'Exception in thread "[^"]{0,200}" ')
_MARKS = {"Caused by: ": Relation.CAUSE, "Suppressed: ": Relation.CONTEXT}
_MAX_HEADER_LINES = 50


def parse_java(lines: list[str], max_frames: int) -> list[Cause]:
    """Read `at package.Class.method(File.java:1)` lines; a suppressed exception is context, not cause."""
    headers: list[list[str]] = [[]]
    frames: list[list[Frame]] = [[]]
    relations = [Relation.CAUSE]
    for raw in lines:
        line = raw.strip()
        frame = _frame(line)
        mark = None if frame else next((mark for mark in _MARKS if line.startswith(mark)), None)
        if frame is not None:
            if len(frames[-1]) < max_frames:
                frames[-1].append(frame)
        elif mark is not None:
            headers.append([line[len(mark) :]])
            frames.append([])
            relations.append(_MARKS[mark])
        elif not frames[-1] and len(headers[-1]) < _MAX_HEADER_LINES and not _is_elision(line):
            headers[-1].append(raw)
    return [
        _error(header, tuple(found), relation)
        for header, found, relation in zip(headers, frames, relations, strict=True)
    ]


def _error(header: list[str], frames: tuple[Frame, ...], relation: Relation) -> Cause:
    text = "\n".join(header).strip()
    thread = _THREAD.match(text)
    error_type, message = split_header(text[thread.end() :] if thread else text)
    return Cause(error_type=error_type, message=message, frames=frames, relation=relation)


def _is_elision(line: str) -> bool:
    return line.startswith("... ") and line.endswith((" more", " omitted"))


def _frame(line: str) -> Frame | None:
    if not line.startswith("at "):
        return None
    # Logback and Log4j append where the class was loaded from: `~[app.jar:1.2]`.
    name, paren, rest = line[3:].partition("(")
    source, closing, _ = rest.partition(")")
    if not (paren and closing) or " " in name or "." not in name:
        return None
    found = _SOURCE.match(source)
    if found is None:
        return None
    loader = _LOADER.match(name)
    module, _, function = name[loader.end() if loader else 0 :].rpartition(".")
    if not module:
        return None
    file = "native" if found["native"] else found["file"]
    return Frame(file=file, function=function, module=module, line=read_number(found["line"] or found["other"] or ""))
