"""Build the packed index of a source map when it is uploaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sourcemap
from sourcemap.exceptions import SourceMapDecodeError

from provenance_core.sourcemaps.decoder import PackedDecoder, PackedMap, StrictPackedDecoder
from provenance_core.sourcemaps.map_warnings import MapWarning, WarningCode
from provenance_core.sourcemaps.mappings import NONE


@dataclass(frozen=True, slots=True)
class Built:
    """A packed index and what was found while it was built."""

    index: bytes
    debug_id: str | None
    file: str | None
    sources: int
    segments: int
    lines: int
    warnings: tuple[MapWarning, ...]


def build_index(data: bytes, *, strict: bool = False) -> Built:
    """Build the index of a map.

    Args:
        data: The map as it was uploaded.
        strict: Whether to refuse what ECMA-426 lets one refuse; for checks, as real maps have some of it.

    Raises:
        SourceMapDecodeError: It is no source map, or more than is taken; the message has no text of it.
    """
    decoded = sourcemap.loads(data, cls=StrictPackedDecoder if strict else PackedDecoder)
    try:
        index = decoded.packed
    except MemoryError:
        raise SourceMapDecodeError("the source map needs more memory than there is") from None
    return Built(
        index=index,
        debug_id=decoded.document.debug_id,
        file=decoded.document.file,
        sources=len(decoded.document.sources),
        segments=len(decoded.segments.columns),
        lines=len(decoded.segments.starts) - 1,
        warnings=tuple(MapWarning(code, count) for code, count in _warnings(decoded, strict) if count),
    )


def _warnings(decoded: PackedMap, strict: bool) -> Iterator[tuple[WarningCode, int]]:
    document, segments = decoded.document, decoded.segments
    yield WarningCode.NO_SOURCES, int(not document.sources)
    yield WarningCode.NO_MAPPINGS, int(segments.sources.count(NONE) == len(segments.sources))
    yield WarningCode.MISSING_SOURCES_CONTENT, sum(source.content is None for source in document.sources)
    yield WarningCode.OUT_OF_RANGE, segments.out_of_range
    yield WarningCode.UNSORTED, segments.unsorted
    yield WarningCode.MISSING_FILE, int(strict and document.file is None)
