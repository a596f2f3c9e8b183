"""What is kept of a source map beside its bodies, and what it lacks in words for whoever uploads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from provenance_core.sourcemaps.index import INDEX_VERSION
from provenance_core.sourcemaps.map_warnings import MapWarning, WarningCode
from provenance_server.index_building import BuiltFile, NotBuilt
from provenance_server.sourcemap_answers import FileWarning
from provenance_storage.records import NewSourceMap

_WORDS: Mapping[WarningCode, str] = {
    WarningCode.MISSING_SOURCES_CONTENT: "{count} original files come without their text: their frames have no lines "
    "of code and no names of functions. Let the build embed the sources (`sourcesContent`).",
    WarningCode.NO_MAPPINGS: "No position is mapped: no frame can be resolved by it.",
    WarningCode.NO_SOURCES: "It names no original file: no frame can be resolved by it.",
    WarningCode.OUT_OF_RANGE: "{count} of its segments lead nowhere and map nothing.",
    WarningCode.UNSORTED: "{count} of its segments were out of order and have been sorted.",
    WarningCode.MISSING_FILE: "It does not name the script that it is of.",
}
_KNOWN = frozenset(_WORDS)


def map_facts(content: bytes, size: int, built: BuiltFile) -> NewSourceMap:
    """Return what is kept of a map that was indexed."""
    warnings = orjson.dumps([{"code": told.code.value, "count": told.count} for told in built.warnings]).decode()
    return NewSourceMap(content, size, INDEX_VERSION, built.debug_id, built.sources, built.segments, warnings, None)


def problem_facts(content: bytes, size: int, refused: NotBuilt) -> NewSourceMap:
    """Return what is kept of a malformed map."""
    return NewSourceMap(content, size, INDEX_VERSION, None, 0, 0, "[]", refused.problem)


def built_warnings(name: str, built: BuiltFile | NotBuilt) -> Iterator[FileWarning]:
    """Yield what is worth knowing of a map that was read."""
    if isinstance(built, NotBuilt):
        yield FileWarning(name=name, code="malformed_map", message=built.problem)
        return
    for told in built.warnings:
        yield _warning(name, told)


def kept_warnings(name: str, kept: str) -> Iterator[FileWarning]:
    """Yield what is worth knowing of a map, from what is kept of it."""
    for told in orjson.loads(kept):
        if told["code"] in _KNOWN:
            yield _warning(name, MapWarning(WarningCode(told["code"]), int(told["count"])))


def _warning(name: str, told: MapWarning) -> FileWarning:
    return FileWarning(name=name, code=told.code.value, message=_WORDS[told.code].format(count=told.count))
