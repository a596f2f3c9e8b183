"""Stacks of JavaScript engines: V8 (Chrome, Node), Hermes, SpiderMonkey (Firefox), JavaScriptCore (Safari).

V8's format: https://v8.dev/docs/stack-trace-api; the others print `function@location`, see
https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/Error/stack. Lines are cut apart with
string methods, not with one expression, so that the time is linear whatever the line holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from provenance_core.events import Cause, Frame, Relation
from provenance_core.stack_header import is_header, read_number, split_header

_NATIVE = ("native", "[native code]", "[wasm code]", "native code", "<anonymous>")
_CAUSE_MARKS = ("[cause]: ", "Caused by: ", "caused by: ")
_ERRORS_MARK = "[errors]: ["
_MAX_HEADER_LINES = 50
_SCRIPT_ENDINGS = (
    ".js",
    ".mjs",
    ".cjs",
    ".ts",
    ".tsx",
    ".jsx",
    ".html",
    ".wasm",
    ".bundle",
    ".vue",
    ".svelte",
)
_GLOBAL_NAMES = ("global code", "module code", "eval code")


@dataclass
class _Draft:
    header: list[str] = field(default_factory=list[str])
    frames: list[Frame] = field(default_factory=list[Frame])
    relation: Relation = Relation.CAUSE

    def finish(self) -> Cause:
        header = "\n".join(_without_source_excerpt(self.header))
        error_type, message = split_header(_without_brackets(header.strip()))
        return Cause(error_type=error_type, message=message, frames=tuple(self.frames), relation=self.relation)


def parse_v8(lines: list[str], max_frames: int) -> list[Cause]:
    """Read `at function (file:line:column)` lines, with `[cause]` and `[errors]` as Node prints them."""
    drafts = [_Draft()]
    in_group = False
    for raw in lines:
        line = raw.strip()
        frame = _v8_frame(line)
        if frame is not None:
            if len(drafts[-1].frames) < max_frames:
                drafts[-1].frames.append(frame)
            continue
        mark = next((mark for mark in _CAUSE_MARKS if line.startswith(mark)), None)
        if mark is not None:
            drafts.append(_Draft([line[len(mark) :]], relation=Relation.CAUSE))
        elif line.startswith(_ERRORS_MARK):
            in_group = True
            rest = line[len(_ERRORS_MARK) :]
            if is_header(_without_brackets(rest)):
                drafts.append(_Draft([rest], relation=Relation.MEMBER))
        elif in_group and is_header(_without_brackets(line)):
            drafts.append(_Draft([line], relation=Relation.MEMBER))
        elif not drafts[-1].frames and len(drafts[-1].header) < _MAX_HEADER_LINES:
            drafts[-1].header.append(raw)
    return [draft.finish() for draft in drafts]


def parse_gecko(lines: list[str], max_frames: int) -> list[Cause]:
    """Read `function@file:line:column` lines of Firefox and Safari."""
    draft = _Draft()
    for raw in lines:
        frame = _gecko_frame(raw.strip())
        if frame is not None:
            if len(draft.frames) < max_frames:
                draft.frames.append(frame)
        elif not draft.frames and len(draft.header) < _MAX_HEADER_LINES:
            draft.header.append(raw)
    return [draft.finish()]


def _without_source_excerpt(header: list[str]) -> list[str]:
    # Node prints the throwing line and a caret above the error of a crash.
    for index, line in enumerate(header):
        if line.strip() and not line.strip(" ^~"):
            return header[index + 1 :]
    return header


def _without_brackets(text: str) -> str:
    # Node prints an error without frames as `[Error: message]`.
    bare = text.rstrip("{, ")
    return bare[1:-1] if bare.startswith("[") and bare.endswith("]") else text


def _v8_frame(line: str) -> Frame | None:
    if not line.startswith("at "):
        return None
    body = line[3:].removesuffix(",").removesuffix(" {").strip().removeprefix("async ")
    if not body.endswith(")"):
        return _located(None, body)
    function, paren, location = body.partition(" (")
    if not paren:
        return None
    return _located(function, location[:-1])


def _located(function: str | None, location: str) -> Frame | None:
    location = location.removeprefix("address at ").strip()
    if location.startswith("eval at "):
        return _eval_frame(function, location)
    if location in _NATIVE:
        return Frame(file="<anonymous>" if location == "<anonymous>" else "native", function=function)
    if location.startswith("index ") and read_number(location[6:]) is not None:
        return Frame(file="native", function=function)
    file, line, column = _position(location)
    if line is None:
        is_wasm = location.startswith("wasm://")
        return Frame(file=location, function=function) if is_wasm else None
    return Frame(file=file or None, abs_path=file or None, function=function, line=line, column=column)


def _eval_frame(function: str | None, location: str) -> Frame:
    # `eval at outer (file:1:2), <anonymous>:3:4`: the code is generated; who generated it is in a file.
    while location.startswith("eval at "):
        location = location.partition(" (")[2]
    file, line, column = _position(location.partition(")")[0])
    if line is None:
        return Frame(file="<anonymous>", function=function)
    return Frame(file=file, abs_path=file, function=function or "eval", line=line, column=column)


def _position(location: str) -> tuple[str, int | None, int | None]:
    """Split `file:line:column` or `file:line`; without a line the location is all file."""
    head, _, last = location.rpartition(":")
    second = read_number(last)
    if second is None:
        return location, None, None
    file, _, middle = head.rpartition(":")
    first = read_number(middle)
    if first is None:
        return head, second, None
    return file, first, second


def _gecko_frame(line: str) -> Frame | None:
    if line in _NATIVE:
        return Frame(file="native") if line == "[native code]" else None
    if "://" in line and line.partition("://")[0].replace("-", "").isalnum():
        function, location = "", line
    else:
        function, at, location = line.partition("@")
        if not at:
            return Frame(function=function) if function in _GLOBAL_NAMES else None
        function = function.rpartition("*")[2]  # `async*load`, `setTimeout handler*load`
    if location in _NATIVE:
        return Frame(file="native", function=function or None)
    if " > " in location and " line " in location:
        file, _, rest = location.partition(" line ")
        number = read_number(rest.partition(" ")[0])
        return Frame(file=file, abs_path=file, function=function or None, line=number)
    file, number, column = _position(location)
    if not _is_script(file) or (number is None and function not in _GLOBAL_NAMES):
        return None
    return Frame(file=file, abs_path=file, function=function or None, line=number, column=column)


def _is_script(file: str) -> bool:
    path = file.partition("?")[0]
    return "://" in file or file.startswith(("/", "blob:", "<")) or path.endswith(_SCRIPT_ENDINGS)
