"""Read a source map's JSON into what it says, with its sections flattened.

ECMA-426 lets one refuse more than one must. Refused here are values of the wrong type. What tools are known to write is
taken: null for an absent value, a version as text, an ignore list that leads nowhere; a strict reading refuses those.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import orjson
from sourcemap.exceptions import SourceMapDecodeError

from provenance_core.sourcemaps.limits import (
    MAX_BRACKETS,
    MAX_LINES,
    MAX_MAP_BYTES,
    MAX_NAMES,
    MAX_POSITION,
    MAX_SECTION_DEPTH,
    MAX_SECTIONS,
    MAX_SOURCES,
)
from provenance_core.sourcemaps.mappings import Part
from provenance_core.sourcemaps.references import map_debug_id

_BOM = b"\xef\xbb\xbf"
_PREFIX = b")]}'"


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """An original file as a map tells of it; `content` is None where the map does not carry it."""

    name: str | None
    content: str | None
    ignored: bool


@dataclass(slots=True)
class Document:
    """What a map says: its parts in order, and the sources and names of all of them in one list each."""

    file: str | None = None
    debug_id: str | None = None
    sources: list[OriginalFile] = field(default_factory=list[OriginalFile])
    names: list[str] = field(default_factory=list[str])
    parts: list[Part] = field(default_factory=list[Part])


def read_document(data: str | bytes, *, strict: bool) -> Document:
    """Read a map.

    Args:
        data: Its JSON; a byte order mark and a first line that begins with `)]}'` are skipped.
        strict: Whether to refuse what ECMA-426 lets one refuse.

    Raises:
        SourceMapDecodeError: It is no source map, or too large.
    """
    root = _object(_parse(data), "the source map")
    document = Document(debug_id=map_debug_id(root))
    _Reader(document, strict).read(root)
    return document


def _refuse(problem: str) -> NoReturn:
    raise SourceMapDecodeError(problem)


def _parse(data: str | bytes) -> object:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_MAP_BYTES:
        _refuse(f"the source map has more than {MAX_MAP_BYTES} bytes")
    if raw.count(b"[") + raw.count(b"{") > MAX_BRACKETS:
        _refuse(f"the source map has more than {MAX_BRACKETS} brackets")
    raw = raw.removeprefix(_BOM)
    if raw.startswith(_PREFIX):
        raw = raw.partition(b"\n")[2]
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _parse_again(raw, "surrogatepass" if isinstance(data, str) else "strict")


def _parse_again(raw: bytes, errors: str) -> object:
    """Parse with the standard library, which takes a lone surrogate: texts with one are shipped."""
    try:
        return json.loads(raw.decode("utf-8", errors), parse_constant=_constant)
    except RecursionError:
        _refuse("the source map is nested too deeply")
    except UnicodeDecodeError as error:
        raise SourceMapDecodeError(f"the source map is not UTF-8: see byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise SourceMapDecodeError(f"the source map is not valid JSON: see position {error.pos}") from None
    except ValueError:
        raise SourceMapDecodeError("the source map is not valid JSON") from None


def _constant(_literal: str) -> NoReturn:
    raise ValueError


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(f"{what} is not a JSON object")
    return cast("dict[str, Any]", value)


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        _refuse(f"{what} is not a list")
    return cast("list[Any]", value)


class _Reader:
    """Read maps into a document."""

    def __init__(self, document: Document, strict: bool) -> None:
        self._document = document
        self._strict = strict

    def read(self, root: dict[str, Any], depth: int = 0, line: int = 0, column: int = 0) -> None:
        """Read a map that stands at an offset of the generated code."""
        self._check_version(root)
        file = self._text(root, "file")
        if depth == 0:
            self._document.file = file
        if root.get("sections") is None and not (self._strict and "sections" in root):
            self._read_flat(root, line, column)
        elif depth >= MAX_SECTION_DEPTH:
            _refuse("a section of the source map has sections of its own")
        else:
            self._read_sections(root, depth)

    def _check_version(self, root: dict[str, Any]) -> None:
        version = root.get("version")
        if (isinstance(version, bool) or version != 3) and (self._strict or version != "3"):
            _refuse("`version` of the source map is not 3")

    def _text(self, root: dict[str, Any], key: str) -> str | None:
        value = root.get(key)
        if not (isinstance(value, str) or (value is None and not (self._strict and key in root))):
            _refuse(f"`{key}` of the source map is not a string")
        return value

    def _texts(self, root: dict[str, Any], key: str, limit: int, *, nullable: bool) -> list[str | None]:
        """Return a list of strings that may be absent."""
        value = root.get(key)
        if value is None and not (self._strict and key in root):
            return []
        texts = _list(value, f"`{key}` of the source map")
        if len(texts) > limit:
            _refuse(f"`{key}` of the source map has more than {limit} entries")
        allowed = {str, type(None)} if nullable else {str}
        if not set(map(type, texts)) <= allowed:
            _refuse(f"`{key}` of the source map has an entry that is not a string{' or null' if nullable else ''}")
        return texts

    def _read_flat(self, root: dict[str, Any], line: int, column: int) -> None:
        mappings = root.get("mappings")
        if not isinstance(mappings, str):
            _refuse("`mappings` of the source map is missing or not a string")
        if not isinstance(root.get("sources"), list):
            _refuse("`sources` of the source map is missing or not a list")
        sources = self._texts(root, "sources", MAX_SOURCES, nullable=True)
        names = cast("list[str]", self._texts(root, "names", MAX_NAMES, nullable=False))
        contents = self._texts(root, "sourcesContent", MAX_SOURCES, nullable=True)
        ignored = self._ignored(root, len(sources))
        prefix = self._text(root, "sourceRoot")
        document = self._document
        document.parts.append(
            Part(mappings, line, column, len(document.sources), len(sources), len(document.names), len(names))
        )
        contents.extend([None] * (len(sources) - len(contents)))
        document.sources.extend(
            OriginalFile(_joined(prefix, name), content, number in ignored)
            for number, (name, content) in enumerate(zip(sources, contents, strict=False))
        )
        document.names.extend(names)
        if len(document.sources) > MAX_SOURCES:
            _refuse(f"the source map has more than {MAX_SOURCES} sources")
        if len(document.names) > MAX_NAMES:
            _refuse(f"the source map has more than {MAX_NAMES} names")

    def _ignored(self, root: dict[str, Any], sources: int) -> frozenset[int]:
        key = "ignoreList" if "ignoreList" in root else "x_google_ignoreList"
        value = root.get(key)
        if value is None and not (self._strict and key in root):
            return frozenset()
        numbers = _list(value, f"`{key}` of the source map")
        if not set(map(type, numbers)) <= {int}:
            _refuse(f"`{key}` of the source map has an entry that is not a whole number")
        if self._strict and not all(0 <= number < sources for number in numbers):
            _refuse(f"`{key}` of the source map has an entry that is no source's number")
        return frozenset(numbers)

    def _read_sections(self, root: dict[str, Any], depth: int) -> None:
        if self._strict and "mappings" in root:
            _refuse("the source map has both `sections` and `mappings`")
        sections = _list(root["sections"], "`sections` of the source map")
        if len(sections) > MAX_SECTIONS:
            _refuse(f"the source map has more than {MAX_SECTIONS} sections")
        offsets = [_offset(_object(section, "a section of the source map")) for section in sections]
        if offsets != sorted(offsets) or (self._strict and len(set(offsets)) < len(offsets)):
            _refuse("the sections of the source map overlap, or are not in the order of their offsets")
        for section, (line, column) in zip(cast("Sequence[dict[str, Any]]", sections), offsets, strict=True):
            if "map" not in section and "url" in section:
                _refuse("a section of the source map refers to another file; embed its map as `map`")
            self.read(_object(section.get("map"), "`map` of a section of the source map"), depth + 1, line, column)


def _offset(section: dict[str, Any]) -> tuple[int, int]:
    offset = _object(section.get("offset"), "`offset` of a section of the source map")
    line, column = offset.get("line"), offset.get("column")
    if type(line) is not int or type(column) is not int:
        _refuse("`line` or `column` of a section's offset is missing or not a whole number")
    if not 0 <= line < MAX_LINES or not 0 <= column <= MAX_POSITION:
        _refuse(f"`line` or `column` of a section's offset is negative, or the line is over {MAX_LINES}")
    return line, column


def _joined(prefix: str | None, name: str | None) -> str | None:
    """Put the source root before a source; one that is an address or an absolute path needs none."""
    if not prefix or name is None or name.startswith("/") or "://" in name:
        return name
    return prefix + name if prefix.endswith("/") else f"{prefix}/{name}"
