"""Write a packed index: what is looked up, in the form in which it is looked up."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterator
from itertools import accumulate

import zstandard

from provenance_core.sourcemaps.document import Document
from provenance_core.sourcemaps.layout import (
    ALIGNMENT,
    CHECKSUM,
    ENTRY,
    HEADER,
    HEADER_BYTES,
    INDEX_VERSION,
    MAGIC,
    Table,
)
from provenance_core.sourcemaps.limits import BLOCK_CHARS, LONG_LINE, MAX_NAME_CHARS, MAX_SOURCE_NAME_CHARS
from provenance_core.sourcemaps.mappings import NONE, Segments
from provenance_core.sourcemaps.original_functions import scopes_of

_LEVEL = 3


def pack(document: Document, segments: Segments) -> bytes:
    """Write the index of a map.

    Args:
        document: What the map says.
        segments: Its mappings decoded.
    """
    strings = _Strings(document.names)
    contents = _Contents()
    scopes = _Scopes(strings)
    records = array("I")
    used = set(segments.sources)
    for number, source in enumerate(document.sources):
        content = NONE if source.content is None else contents.add(source.content)
        scope = NONE
        if source.content is not None and number in used:
            scope = scopes.add(source.name, content, source.content)
        name = NONE if source.name is None else strings.add(source.name[:MAX_SOURCE_NAME_CHARS])
        records.extend((name, int(source.ignored), content, scope))
    facts = array("I", (NONE if text is None else strings.add(text) for text in (document.file, document.debug_id)))
    ends, texts = strings.packed()
    return _file(
        {
            Table.FACTS: facts,
            Table.STARTS: segments.starts,
            Table.COLUMNS: segments.columns,
            Table.SOURCES: segments.sources,
            Table.LINES: segments.lines,
            Table.ORIGINALS: segments.originals,
            Table.NAMES: segments.names,
            Table.SOURCE_RECORDS: records,
            Table.CONTENTS: contents.records,
            Table.BLOCKS: contents.blocks,
            Table.SCOPES: scopes.records,
            Table.SCOPE_LINES: scopes.lines,
            Table.SCOPE_COLUMNS: scopes.columns,
            Table.SCOPE_NAMES: scopes.names,
            Table.STRING_ENDS: ends,
            Table.STRINGS: texts,
            Table.BLOCK_BYTES: bytes(contents.compressed),
        }
    )


class _Strings:
    """Texts by number; the names of the map have their own numbers, every other text is kept once."""

    def __init__(self, names: list[str]) -> None:
        self._texts = [name[:MAX_NAME_CHARS] for name in names]
        self._numbers: dict[str, int] = {}

    def add(self, text: str) -> int:
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number

    def packed(self) -> tuple[array[int], bytes]:
        """Return where each text ends, and the texts."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in self._texts]
        return array("I", accumulate(map(len, encoded))), b"".join(encoded)


class _Contents:
    """Original texts in compressed blocks of whole lines; the same text is kept once."""

    def __init__(self) -> None:
        self.records = array("I")
        self.blocks = array("I")
        self.compressed = bytearray()
        self._numbers: dict[str, int] = {}
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)

    def add(self, text: str) -> int:
        number = self._numbers.setdefault(text, len(self._numbers))
        if 2 * number == len(self.records):
            first = len(self.blocks) // 5
            for line, count, block in _blocks(text.replace("\r\n", "\n").replace("\r", "\n")):
                raw = _encoded(block)
                packed = self._compressor.compress(raw)
                self.blocks.extend((line, count, len(self.compressed), len(packed), len(raw)))
                self.compressed += packed
            self.records.extend((first, len(self.blocks) // 5 - first))
        return number


def _blocks(text: str) -> Iterator[tuple[int, int, str]]:
    """Cut a text into blocks of whole lines: the first line, how many, and the lines without the last line end.

    A line that is longer than a block is a block of its own.
    """
    line, start = 0, 0 if text else 1
    text = text.removesuffix("\n")
    while start <= len(text):
        end = text.find("\n", start + BLOCK_CHARS)
        end = len(text) if end < 0 else end
        if end - start > 2 * BLOCK_CHARS:
            before = text.rfind("\n", start, start + BLOCK_CHARS)
            end = before if before >= 0 else end
        block = text[start:end]
        count = block.count("\n") + 1
        yield line, count, block
        line += count
        start = end + 1


def _encoded(block: str) -> bytes:
    """Encode a block, cut to the bytes that are kept of a long line."""
    if len(block) <= 2 * BLOCK_CHARS:
        return block.encode("utf-8", "surrogatepass")
    raw = block[:LONG_LINE].encode("utf-8", "surrogatepass")
    end = min(LONG_LINE, len(raw))
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end -= 1
    return raw[:end]


class _Scopes:
    """The boundaries of the functions of original files; those of the same file and text are kept once."""

    def __init__(self, strings: _Strings) -> None:
        self.records = array("I")
        self.lines = array("I")
        self.columns = array("I")
        self.names = array("I")
        self._strings = strings
        self._numbers: dict[tuple[str | None, int], int] = {}

    def add(self, path: str | None, content: int, text: str) -> int:
        """Return the number of a file's boundaries, `NONE` where they are not known."""
        number = self._numbers.get((path, content))
        if number is None:
            number = self._numbers[path, content] = self._read(path, text)
        return number

    def _read(self, path: str | None, text: str) -> int:
        scopes = scopes_of(path, text)
        if scopes is None:
            return NONE
        self.records.extend((len(self.lines), len(scopes.lines)))
        self.lines.extend(scopes.lines)
        self.columns.extend(scopes.columns)
        self.names.extend(self._strings.add(name[:MAX_NAME_CHARS]) for name in scopes.names)
        return len(self.records) // 2 - 1


def _file(tables: dict[Table, array[int] | bytes]) -> bytes:
    """Put the parts behind one another, each at its multiple, with the header before them."""
    entries: list[bytes] = []
    pieces: list[bytes] = []
    end, checksum = HEADER_BYTES, 0
    for table in Table:
        body = _little_endian(tables[table])
        padding = -end % ALIGNMENT
        pieces += [bytes(padding), body]
        entries.append(ENTRY.pack(end + padding, len(body)))
        end += padding + len(body)
        checksum = zlib.crc32(body, zlib.crc32(pieces[-2], checksum))
    header = HEADER.pack(MAGIC, INDEX_VERSION, len(Table), end, checksum) + b"".join(entries)
    return b"".join([header, CHECKSUM.pack(zlib.crc32(header)), *pieces])


def _little_endian(numbers: array[int] | bytes) -> bytes:
    if isinstance(numbers, bytes):
        return numbers
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
