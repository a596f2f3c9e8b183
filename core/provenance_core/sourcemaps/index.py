"""Look positions up in a packed index where it lies: in memory, or in a mapped file of which few pages are touched.

Nothing is read but what a lookup needs. Where the parts lie is checked when an index is opened, and what stands in them
when it is used, so that an index that was cut or changed is refused and never leads outside itself. That an answer
is what was written is known only after `check`, which reads the whole.
"""

from __future__ import annotations

import re
import sys
import zlib
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import zstandard
from sourcemap.exceptions import SourceMapDecodeError

from provenance_core.sourcemaps import layout
from provenance_core.sourcemaps.layout import Table
from provenance_core.sourcemaps.limits import MAX_BLOCK_BYTES, MAX_DUPLICATES, MAX_SCANNED
from provenance_core.sourcemaps.mappings import NONE

if TYPE_CHECKING:
    from typing_extensions import Buffer

INDEX_VERSION: Final = layout.INDEX_VERSION

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Mapping:
    """An original position: number of the source, line and column from 0 on, and what the map calls the thing there."""

    source: int
    line: int
    column: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """An original file; `ignored` says that the map calls it somebody else's code."""

    name: str | None
    ignored: bool
    has_content: bool


class Index:
    """An open index.

    Args:
        data: The index; it must stay as it is until `close`. Threads may share it.

    Raises:
        SourceMapDecodeError: It is no index of this version, or a part of it is missing. Every method raises it, too,
            where what it finds cannot be.
    """

    def __init__(self, data: Buffer) -> None:
        self._views: list[memoryview] = []
        try:
            self._open(memoryview(data))
        except BaseException:
            self.close()
            raise

    def _open(self, whole: memoryview) -> None:
        self._views = [whole]
        tables = _tables(whole)
        self._views += tables
        self._starts = tables[Table.STARTS]
        self._columns = tables[Table.COLUMNS]
        self._sources = tables[Table.SOURCES]
        self._lines = tables[Table.LINES]
        self._originals = tables[Table.ORIGINALS]
        self._names = tables[Table.NAMES]
        self._records = tables[Table.SOURCE_RECORDS]
        self._contents = tables[Table.CONTENTS]
        self._blocks = tables[Table.BLOCKS]
        self._first_lines = self._blocks[:: layout.WIDTHS[Table.BLOCKS]]
        self._views.append(self._first_lines)
        self._scopes = tables[Table.SCOPES]
        self._scope_lines = tables[Table.SCOPE_LINES]
        self._scope_columns = tables[Table.SCOPE_COLUMNS]
        self._scope_names = tables[Table.SCOPE_NAMES]
        self._ends = tables[Table.STRING_ENDS]
        self._strings = tables[Table.STRINGS]
        self._bytes = tables[Table.BLOCK_BYTES]
        self.line_count = len(self._starts) - 1
        self.source_count = len(self._records) // layout.WIDTHS[Table.SOURCE_RECORDS]
        self.file, self.debug_id = map(self._string, tables[Table.FACTS])

    def check(self) -> None:
        """Read the whole index, and see that it is as it was written.

        Raises:
            SourceMapDecodeError: It is not.
        """
        whole = self._views[0]
        if zlib.crc32(whole[layout.HEADER_BYTES :]) != layout.HEADER.unpack_from(whole)[-1]:
            _damaged()

    def close(self) -> None:
        """Let go of the data, so that a mapped file can be closed; nothing can be looked up any more."""
        for view in reversed(self._views):
            view.release()
        self._views.clear()

    def lookup(self, line: int, column: int) -> Mapping | None:
        """Return what a generated position maps to; None where nothing on its line does.

        Of several segments of one generated position the last that maps something is taken; where it has no name, a
        name that another of them has.

        Args:
            line: Generated line from 0 on.
            column: Generated column from 0 on, in UTF-16 units.
        """
        last = self.find(line, column)
        if last is None:
            return None
        found, name, generated = None, NONE, self._columns[last]
        for number in range(last, max(self._starts[line], last + 1 - MAX_DUPLICATES) - 1, -1):
            if self._columns[number] != generated:
                break
            if self._sources[number] == NONE:
                continue
            found = number if found is None else found
            name = self._names[number]
            if name != NONE:
                break
        return None if found is None else self._mapping(found, name)

    def find(self, line: int, column: int) -> int | None:
        """Return the number of the last segment of a line at or before a column."""
        start, end = self._bounds(line)
        found = bisect_right(self._columns, column, start, end)
        return found - 1 if found > start else None

    def segment(self, number: int) -> tuple[int, Mapping | None]:
        """Return the generated column of a segment and what it alone maps to."""
        mapped = self._sources[number] != NONE
        return self._columns[number], self._mapping(number, self._names[number]) if mapped else None

    def only_mapping_of(self, line: int) -> Mapping | None:
        """Return the first mapping of a generated line, if all of them lie on one original line of one source."""
        start, end = self._bounds(line)
        if end - start > MAX_SCANNED:
            return None
        first: int | None = None
        for number in range(start, end):
            source = self._sources[number]
            if source == NONE:
                continue
            if first is None:
                first = number
            elif source != self._sources[first] or self._lines[number] != self._lines[first]:
                return None
        return None if first is None else self._mapping(first, self._names[first])

    def source(self, number: int) -> Source:
        """Return an original file by its number."""
        name, ignored, content, _ = self._source_record(number)
        return Source(self._string(name), ignored == 1, content != NONE)

    def function_at(self, source: int, line: int, column: int) -> str | None:
        """Return the innermost original function round an original position.

        Empty at the top level of the file; None where it is not known: the map does not carry the file, or it is not
        in a language that is parsed.
        """
        scopes = self._source_record(source)[3]
        if scopes == NONE:
            return None
        first, count = self._record(Table.SCOPES, self._scopes, scopes)
        end = first + count
        if end > len(self._scope_lines):
            _damaged()
        low = bisect_left(self._scope_lines, line, first, end)
        high = bisect_right(self._scope_lines, line, low, end)
        found = bisect_right(self._scope_columns, column, low, high) - 1
        return self._string(self._scope_names[found]) or "" if found >= first else ""

    def lines(self, source: int, first: int, count: int) -> list[str]:
        """Return lines of an original file without their line ends; fewer, or none, where it has no more.

        Args:
            source: Number of the file.
            first: The first line, from 0 on.
            count: How many lines.
        """
        content = self._source_record(source)[2]
        if content == NONE or count <= 0 or first < 0:
            return []
        start, blocks = self._record(Table.CONTENTS, self._contents, content)
        end = start + blocks
        if end > len(self._first_lines):
            _damaged()
        found: list[str] = []
        for block in range(max(start, bisect_right(self._first_lines, first, start, end) - 1), end):
            line = self._first_lines[block]
            if line >= first + count:
                break
            if found and line != first + len(found):
                _damaged()
            found += self._block(block)[max(0, first - line) : first + count - line]
        return found

    def _bounds(self, line: int) -> tuple[int, int]:
        """Return the first segment of a generated line and the one after its last."""
        if not 0 <= line < self.line_count:
            return 0, 0
        start, end = self._starts[line], self._starts[line + 1]
        if not start <= end <= len(self._columns):
            _damaged()
        return start, end

    def _mapping(self, number: int, name: int) -> Mapping:
        return Mapping(self._sources[number], self._lines[number], self._originals[number], self._string(name))

    def _source_record(self, number: int) -> list[int]:
        return self._record(Table.SOURCE_RECORDS, self._records, number)

    def _record(self, table: Table, numbers: memoryview, number: int) -> list[int]:
        width = layout.WIDTHS[table]
        if not 0 <= number < len(numbers) // width:
            _damaged()
        return numbers[number * width : (number + 1) * width].tolist()

    def _string(self, number: int) -> str | None:
        if number == NONE:
            return None
        if number >= len(self._ends):
            _damaged()
        start, end = self._ends[number - 1] if number else 0, self._ends[number]
        if not start <= end <= len(self._strings):
            _damaged()
        return _decoded(self._strings[start:end])

    def _block(self, number: int) -> list[str]:
        _, count, start, size, raw = self._record(Table.BLOCKS, self._blocks, number)
        if start + size > len(self._bytes) or raw > MAX_BLOCK_BYTES:
            _damaged()
        lines = _inflated(self._bytes[start : start + size], raw).split("\n")
        if len(lines) != count:
            _damaged()
        return lines


def _tables(whole: memoryview) -> list[memoryview]:
    """Check the header, and return the parts it tells of."""
    if len(whole) < layout.HEADER_BYTES or not whole.contiguous or whole.itemsize != 1:
        _damaged()
    magic, version, count, size, _ = layout.HEADER.unpack_from(whole)
    if (magic, version, count, size) != (layout.MAGIC, INDEX_VERSION, len(Table), len(whole)):
        _damaged()
    end = layout.HEADER_BYTES - layout.CHECKSUM.size
    if layout.CHECKSUM.unpack_from(whole, end)[0] != zlib.crc32(whole[:end]):
        _damaged()
    tables: list[memoryview] = []
    for table in Table:
        start, length = layout.ENTRY.unpack_from(whole, layout.HEADER.size + table * layout.ENTRY.size)
        if start % layout.ALIGNMENT or start + length > len(whole):
            _damaged()
        part = whole[start : start + length]
        tables.append(part if table in layout.TEXTS else _numbers(part, layout.WIDTHS.get(table, 1)))
    _check_lengths(tables)
    return tables


def _numbers(part: memoryview, width: int) -> memoryview:
    if len(part) % (4 * width):
        _damaged()
    if sys.byteorder == "little":
        return part.cast("B").cast("I")
    swapped = array("I", bytes(part))
    swapped.byteswap()
    return memoryview(swapped)


def _check_lengths(tables: list[memoryview]) -> None:
    """Refuse parts that belong together and are not of one length."""
    segments = {len(tables[table]) for table in range(Table.COLUMNS, Table.NAMES + 1)}
    scopes = {len(tables[table]) for table in (Table.SCOPE_LINES, Table.SCOPE_COLUMNS, Table.SCOPE_NAMES)}
    facts = len(tables[Table.FACTS]) == layout.WIDTHS[Table.FACTS]
    starts = tables[Table.STARTS]
    if len(segments) != 1 or len(scopes) != 1 or not facts or not len(starts) or starts[-1] not in segments:
        _damaged()


def _inflated(packed: memoryview, size: int) -> str:
    """Inflate a block, never to more than its size."""
    try:
        if zstandard.frame_content_size(packed) != size:
            _damaged()
        return _decoded(zstandard.ZstdDecompressor().decompress(packed, max_output_size=size))
    except zstandard.ZstdError:
        _damaged()


def _decoded(text: memoryview | bytes) -> str:
    """Return a text; what no JSON and no store takes, surrogates without their other half, is U+FFFD in it."""
    try:
        return str(text, "utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return _LONE_SURROGATES.sub("\ufffd", str(text, "utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        _damaged()


def _damaged() -> NoReturn:
    raise SourceMapDecodeError("the index of the source map is damaged, or of another version; build it again")
