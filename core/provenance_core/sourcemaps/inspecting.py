"""What a lint wants to know of a script and of a source map."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from provenance_core.sourcemaps.document import read_document
from provenance_core.sourcemaps.mappings import NONE, Segments, decode
from provenance_core.sourcemaps.references import inline_map, read_script

_MACHINE_PATH = re.compile(r"file:|[A-Za-z]:[\\/]|\\\\|/(?:home|Users|root|tmp|var|opt|builds?|workspace)/")
"""Paths from the root of a disk, in the folders where people and builders keep projects."""

_OTHER_LINE_ENDS = re.compile("\r(?!\n)|[\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """What a script tells of itself.

    Args:
        reference: Where it says that its map is; None also where that is inside it.
        has_map: Whether its map is inside it.
        debug_id: Its debug id.
        line_lengths: UTF-16 units of each line, None where programs count its lines in different ways.
    """

    reference: str | None
    has_map: bool
    debug_id: str | None
    line_lengths: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class MapFacts:
    """What a source map tells of itself.

    Args:
        file: The script it says it is of.
        debug_id: Its debug id.
        sources: How many original files it names.
        without_content: How many of them are not in it.
        names: How many names it has.
        machine_paths: How many of its paths are those of one machine.
        maps_anything: Whether it leads anywhere.
        last_columns: The last column of each generated line that it speaks of, from 0 on; -1 where it speaks of none.
    """

    file: str | None
    debug_id: str | None
    sources: int
    without_content: int
    names: int
    machine_paths: int
    maps_anything: bool
    last_columns: tuple[int, ...]


def script_facts(text: str) -> tuple[ScriptFacts, bytes | None]:
    """Return what a script tells of itself, and the map inside it."""
    found = read_script(text)
    inline = inline_map(found.source_map_url) if found.source_map_url else None
    reference = None if inline is not None else found.source_map_url
    return ScriptFacts(reference, inline is not None, found.debug_id, _line_lengths(text)), inline


def map_facts(data: bytes) -> MapFacts:
    """Return what a source map tells of itself.

    Raises:
        SourceMapDecodeError: It is none.
    """
    document = read_document(data, strict=False)
    segments = decode(document.parts, strict=False)
    return MapFacts(
        document.file,
        document.debug_id,
        len(document.sources),
        sum(source.content is None for source in document.sources),
        len(document.names),
        sum(source.name is not None and _MACHINE_PATH.match(source.name) is not None for source in document.sources),
        any(source != NONE for source in segments.sources),
        _last_columns(segments),
    )


def _last_columns(segments: Segments) -> tuple[int, ...]:
    columns = segments.columns
    found = [columns[end - 1] if end > start else -1 for start, end in pairwise(segments.starts)]
    while found and found[-1] < 0:
        found.pop()
    return tuple(found)


def _line_lengths(text: str) -> tuple[int, ...] | None:
    if _OTHER_LINE_ENDS.search(text):
        return None
    if text.isascii():
        return tuple(map(len, text.split("\n")))
    return tuple(len(line) + sum(character > "\uffff" for character in line) for line in text.split("\n"))
