"""The decoder that the `sourcemap` package is given: `sourcemap.loads(text, cls=PackedDecoder)`.

The package's own decoder keeps an object for each segment, and reads neither sections nor maps without names.
"""

from __future__ import annotations

from functools import cached_property

from sourcemap.decoder import SourceMapDecoder
from sourcemap.exceptions import SourceMapDecodeError
from sourcemap.objects import Token

from provenance_core.sourcemaps.document import Document, read_document
from provenance_core.sourcemaps.index import Index
from provenance_core.sourcemaps.mappings import Segments, decode
from provenance_core.sourcemaps.packed import pack


class PackedMap:
    """A decoded map, used as the package's index is.

    Args:
        document: What the map says.
        segments: Its mappings decoded.
    """

    def __init__(self, document: Document, segments: Segments) -> None:
        self.document = document
        self.segments = segments

    @cached_property
    def packed(self) -> bytes:
        """Return the map as a packed index."""
        return pack(self.document, self.segments)

    @cached_property
    def index(self) -> Index:
        """Open the packed index."""
        return Index(self.packed)

    def lookup(self, line: int, column: int) -> Token:
        """Return the package's token of a generated position, both counted from 0.

        Raises:
            IndexError: The line has no segment at or before the column.
        """
        number = self.index.find(line, column)
        if number is None:
            raise IndexError
        generated, mapping = self.index.segment(number)
        if mapping is None:
            return Token(line, generated, None, self.segments.lines[number], self.segments.originals[number])
        source = self.index.source(mapping.source).name
        return Token(line, generated, source, mapping.line, mapping.column, mapping.name)


class PackedDecoder(SourceMapDecoder):
    """Decode as tools write: a segment that leads nowhere is counted, and maps nothing."""

    strict = False

    def decode(self, source: str | bytes) -> PackedMap:
        """Decode a source map.

        Raises:
            SourceMapDecodeError: It is none, or needs more memory than there is.
        """
        try:
            document = read_document(source, strict=self.strict)
            return PackedMap(document, decode(document.parts, strict=self.strict))
        except MemoryError:
            raise SourceMapDecodeError("the source map needs more memory than there is") from None


class StrictPackedDecoder(PackedDecoder):
    """Decode as ECMA-426 says: refuse all that it lets one refuse."""

    strict = True
