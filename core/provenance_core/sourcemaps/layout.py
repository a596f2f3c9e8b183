"""How a packed index lies in a file: a header with a table of its parts, then the parts.

Everything is little endian. A part is an array of unsigned 32-bit numbers, or text, and begins at a multiple of 8. One
number of each kind lies beside the next of its kind, so that a search touches few pages of a mapped file.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

INDEX_VERSION: Final = 2
"""Grows with every change of the format and of what is written; an index of another version is built again."""

MAGIC: Final = b"\x89PSMI\r\n\x1a"
ALIGNMENT: Final = 8

HEADER: Final = struct.Struct("<8sIIQI")
"""Magic, version, number of parts, bytes of the whole, CRC-32 of all that follows the header."""
ENTRY: Final = struct.Struct("<QQ")
"""Where a part begins and how many bytes it has."""
CHECKSUM: Final = struct.Struct("<I")
"""CRC-32 of the header and its table, which it follows."""


class Table(IntEnum):
    """The parts in their order."""

    FACTS = 0
    STARTS = 1
    COLUMNS = 2
    SOURCES = 3
    LINES = 4
    ORIGINALS = 5
    NAMES = 6
    SOURCE_RECORDS = 7
    CONTENTS = 8
    BLOCKS = 9
    SCOPES = 10
    SCOPE_LINES = 11
    SCOPE_COLUMNS = 12
    SCOPE_NAMES = 13
    STRING_ENDS = 14
    STRINGS = 15
    BLOCK_BYTES = 16


TEXTS: Final = frozenset((Table.STRINGS, Table.BLOCK_BYTES))
"""The parts that are no numbers."""

WIDTHS: Final = {
    Table.FACTS: 2,  # the strings of the file's name and of the debug id
    Table.SOURCE_RECORDS: 4,  # the string of its name, 1 where ignored, its content, its scopes
    Table.CONTENTS: 2,  # its first block, how many blocks
    Table.BLOCKS: 5,  # its first line, how many lines, where its bytes begin, how many, how many when inflated
    Table.SCOPES: 2,  # its first boundary, how many boundaries
}
"""How many numbers a record has, for the parts that have records."""

HEADER_BYTES: Final = HEADER.size + len(Table) * ENTRY.size + CHECKSUM.size
