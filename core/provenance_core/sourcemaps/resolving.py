"""Turn frames of generated code into frames of the original code, as source maps tell.

Frames are read and written as events have them: names of the wire, lines and columns from 1 on. Source maps count from
0 on; the two meet in `_original` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sourcemap.exceptions import SourceMapDecodeError

from provenance_core import limits
from provenance_core.events import FrameSource, Unresolved
from provenance_core.in_app import is_in_app, is_script_runtime, language_of
from provenance_core.sourcemaps.index import Index
from provenance_core.sourcemaps.index import Mapping as Position
from provenance_core.sourcemaps.references import original_path, parse_debug_id

CONTEXT_LINES = 5
"""Lines of original code on each side of a frame's own; what Sentry's SDKs send."""

_SNIP = "{snip}"
_REMEMBERED = 256
"""Positions remembered of one source map: a crash comes again and again at the same few."""

_WEAK_LENGTH = 2
"""Length up to which a name is taken for a minifier's."""

_OUTSIDE = ("<", "native", "[native code]", "eval at ", "eval code", "wasm://", "blob:", "data:")
_EXTENSION = re.compile(r"(?:[\w-]{1,40}-extension|webkit-masked-url|resource):", re.IGNORECASE)
"""What browsers load from extensions, which the application may be itself."""

_NAMELESS = frozenset(
    ("", "?", "<anonymous>", "anonymous", "(anonymous)", "__webpack_require__", "__webpack_modules__")
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A generated file that frames lie in.

    Attributes:
        path: Where it was loaded from.
        debug_id: Its debug id, where the event told it.
        is_near: Whether it may be of the event's own site, and no other's: by its host, where that is known.
    """

    path: str
    debug_id: str | None = None
    is_near: bool = True


@dataclass(frozen=True, slots=True)
class Original:
    """A position in original code, with what is known of its surroundings; line and column from 1 on.

    `function` is empty at the top level of a file, and None where it is not known; `name` is what the source map calls
    the thing at the position, which is not the function that encloses it.
    """

    file: str
    path: str
    line: int
    column: int
    function: str | None
    name: str | None
    is_library: bool
    before: tuple[str, ...] = ()
    code: str | None = None
    after: tuple[str, ...] = ()


class OpenMap:
    """A source map that frames are looked up in.

    Args:
        identity: What a resolved frame calls it.
        index: Its packed index.
        discard: Is called with it where its index turns out to be damaged.

    Attributes:
        is_damaged: Whether it did; no answer that it has given is to be trusted.
    """

    def __init__(self, identity: str, index: Index, discard: Callable[[OpenMap], None] | None = None) -> None:
        self.identity = identity
        self.index = index
        self.is_damaged = False
        self._discard = discard
        self._known: dict[tuple[int, int | None], Original | None] = {}

    def original(self, line: int, column: int | None) -> Original | None:
        """Return where a position of the generated file comes from, or None where it is not mapped.

        Args:
            line: From 1 on.
            column: From 1 on; None where it is not known, which is enough where the whole line is of one original line.
        """
        asked = (line, column)
        if asked not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[asked] = self._look_up(line, column)
        return self._known[asked]

    def _look_up(self, line: int, column: int | None) -> Original | None:
        if self.is_damaged:
            return None
        try:
            return _original(self.index, line, column)
        except SourceMapDecodeError:
            self.is_damaged = True
            if self._discard is not None:
                self._discard(self)
            return None


Found = OpenMap | Unresolved | None
"""What became of looking for a generated file's map; None where nothing was uploaded that it could have come from."""

Finder = Callable[[Sequence[Wanted]], Sequence[Found]]
"""Finds the maps of generated files, in their order."""


def resolve_event(event: dict[str, Any], find: Finder) -> int:
    """Resolve the frames of an event and of its causes in place, and return how many were.

    Args:
        event: An event as it is written; its lists of frames are replaced, the frames themselves stay as they are.
        find: Finds source maps.
    """
    errors = [event, *cast("list[dict[str, Any]]", event.get("causes") or [])]
    build = Build.of(event)
    asked = dict.fromkeys(one for frame in frames_of(event) if (one := build.wanted(frame)))
    if not asked:
        return 0
    found = dict(zip(asked, find(list(asked)), strict=True))
    if not any(found.values()):
        return 0
    stacks = [_resolved_stack(error.get("frames") or [], build, found) for error in errors]
    damaged = [one for one, there in found.items() if isinstance(there, OpenMap) and there.is_damaged]
    if damaged:  # nor is what was found before to be trusted
        found |= dict.fromkeys(damaged, Unresolved.UNREADABLE_MAP)
        stacks = [_resolved_stack(error.get("frames") or [], build, found) for error in errors]
    for error, (frames, _) in zip(errors, stacks, strict=True):
        if frames:
            error["frames"] = frames
    return sum(count for _, count in stacks)


@dataclass(frozen=True, slots=True)
class Build:
    """What an event tells of the code that its frames are of.

    Attributes:
        platform: Its platform.
        debug_ids: Debug ids of generated files by their addresses.
        page: The address of its page; empty where it is not known.
    """

    platform: str | None
    debug_ids: Mapping[str, str]
    page: str

    @classmethod
    def of(cls, event: dict[str, Any]) -> Build:
        """Return what an event as it is written tells."""
        told = (
            (image.get("codeFile"), parse_debug_id(image.get("debugId"))) for image in event.get("debugImages") or ()
        )
        ids = {file: identity for file, identity in told if isinstance(file, str) and identity is not None}
        request: dict[str, Any] = event.get("request") or {}
        return cls(event.get("platform"), ids, request.get("url") or "")

    def wanted(self, frame: dict[str, Any]) -> Wanted | None:
        """Return the generated file of a frame; None where it is of no script, or is original code already."""
        path: str = (frame.get("absPath") or frame.get("file") or "").removeprefix("async ")
        file: str = (frame.get("file") or path).removeprefix("async ")
        if not path or frame.get("source") == FrameSource.ARTIFACT or is_script_runtime(file):
            return None
        if file.startswith(_OUTSIDE) or language_of(file, self.platform) != "javascript":
            return None
        extension = _EXTENSION.match(path)
        if extension is not None and not self.page.startswith(extension[0]):
            return None
        site, own = _site(path), _site(self.page)
        debug_id = self.debug_ids.get(path) or self.debug_ids.get(file)
        return Wanted(path, debug_id, is_near=not (site and own) or site == own)


def _site(url: str) -> str:
    """Return an address's host without subdomains; nothing where it has none."""
    host = url.partition("://")[2].partition("/")[0] if url.startswith(("http://", "https://")) else ""
    return ".".join(host.rpartition("@")[2].split(".")[-2:])


def _resolved_stack(
    frames: list[dict[str, Any]], build: Build, found: dict[Wanted, Found]
) -> tuple[list[dict[str, Any]], int]:
    """Return the frames of one exception, resolved where they can be, and how many are."""
    outcomes = [_outcome(frame, build.wanted(frame), found) for frame in frames]
    room = limits.MAX_DETAILED_FRAMES
    resolved: list[dict[str, Any]] = []
    for position, (frame, outcome) in enumerate(zip(frames, outcomes, strict=True)):
        if isinstance(outcome, tuple):
            original, identity = outcome
            function = original.function
            if function is None:
                function = _called(outcomes[position + 1 :]) or _strong(frame.get("function"))
            resolved.append(_resolved(frame, original, identity, function, with_code=room > 0))
            room -= 1
        else:
            resolved.append(_unresolved(frame, outcome) if outcome is not None else frame)
    return resolved, sum(isinstance(outcome, tuple) for outcome in outcomes)


def _unresolved(frame: dict[str, Any], reason: Unresolved) -> dict[str, Any]:
    """Return a frame that says why it is not resolved; what a map leaves out is code that the bundler made."""
    kept = {name: value for name, value in frame.items() if name != "inApp" or reason is not Unresolved.NO_MAPPING}
    return {**kept, "unresolved": reason.value}


_Outcome = tuple[Original, str] | Unresolved | None


def _outcome(frame: dict[str, Any], wanted: Wanted | None, found: dict[Wanted, Found]) -> _Outcome:
    """Return where a frame comes from and by which map, or why that cannot be said.

    A frame of a library, of which nothing was uploaded, was not to be expected to be resolved.
    """
    if wanted is None:
        return None
    there = found[wanted]
    if not isinstance(there, OpenMap):
        return there if there is not Unresolved.NO_ARTIFACT or wanted.debug_id or frame.get("inApp") else None
    line, column = frame.get("line"), frame.get("column")
    if not line:
        return Unresolved.NO_LINE
    original = there.original(line, column or None)
    if original is not None:
        return original, there.identity
    return Unresolved.NO_MAPPING if column else Unresolved.NO_COLUMN


def _called(callers: Sequence[_Outcome]) -> str | None:
    """Return what the caller's position calls the function it calls, where no original source tells the name.

    Source: Sentry's Symbolicator calls it caller naming.
    """
    if not callers or not isinstance(callers[0], tuple):
        return None
    return _strong(callers[0][0].name)


def _strong(name: str | None) -> str | None:
    """Return a name that people wrote; None of one that a minifier or a bundler made."""
    if name is None or name in _NAMELESS:
        return None
    return name if len(name.rpartition(".")[2]) > _WEAK_LENGTH else None


def _resolved(
    frame: dict[str, Any], original: Original, identity: str, function: str | None, *, with_code: bool
) -> dict[str, Any]:
    """Return a frame in the original code; it keeps its variables and where it was."""
    minified = {name: frame.get(name) for name in ("file", "absPath", "line", "column", "function")}
    fields = {
        "file": original.file,
        "absPath": original.path if original.path != original.file else None,
        "function": function or None,
        "line": original.line,
        "column": original.column,
        "inApp": not original.is_library or None,
        "contextLine": original.code if with_code else None,
        "preContext": [*original.before] if with_code and original.before else None,
        "postContext": [*original.after] if with_code and original.after else None,
        "source": FrameSource.ARTIFACT.value,
        "sourceMapId": identity,
        "minified": {name: value for name, value in minified.items() if value is not None},
        "vars": frame.get("vars"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _original(index: Index, line: int, column: int | None) -> Original | None:
    mapping = index.only_mapping_of(line - 1) if column is None else index.lookup(line - 1, column - 1)
    if mapping is None:
        return None
    source = index.source(mapping.source)
    path = source.name or ""
    file = original_path(path)[: limits.PATH]
    first = max(0, mapping.line - CONTEXT_LINES)
    lines = index.lines(mapping.source, first, mapping.line - first + 1 + CONTEXT_LINES) if source.has_content else []
    own = mapping.line - first
    before, code, after = lines[:own], lines[own : own + 1], lines[own + 1 :]
    return Original(
        file=file or "?",
        path=path[: limits.PATH],
        line=mapping.line + 1,
        column=mapping.column + 1,
        function=_function(index, mapping),
        name=mapping.name,
        is_library=source.ignored or not is_in_app(file=file, abs_path=path, platform="javascript"),
        before=tuple(_cut(text, 0) for text in before),
        code=_cut(code[0], mapping.column) if code else None,
        after=tuple(_cut(text, 0) for text in after),
    )


def _function(index: Index, mapping: Position) -> str | None:
    name = index.function_at(mapping.source, mapping.line, mapping.column)
    return name[: limits.FUNCTION] if name else name


def _cut(text: str, column: int) -> str:
    """Return a line of code cut to the length that is kept, round a column."""
    if len(text) <= limits.CONTEXT_LINE:
        return text
    room = limits.CONTEXT_LINE - 2 * (len(_SNIP) + 1)
    start = max(0, min(column - room // 2, len(text) - room))
    head = f"{_SNIP} " if start else ""
    tail = f" {_SNIP}" if start + room < len(text) else ""
    return f"{head}{text[start : start + room]}{tail}"


def frames_of(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the frames of an event as it is written, then those of its causes."""
    for error in (event, *cast("list[dict[str, Any]]", event.get("causes") or [])):
        yield from error.get("frames") or ()
