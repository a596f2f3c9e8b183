"""What a source map may hold, so that no upload takes the server's time or memory.

All are ours, chosen from shipped maps: the largest seen is 22 MB with 3.1 million segments in 100,000 lines.
"""

from __future__ import annotations

MAX_MAP_BYTES = 64 * 1024 * 1024
"""Bytes of a map; three times the largest seen."""
MAX_BRACKETS = 4_000_000
"""Opening brackets of a map's JSON, those in its texts too, as each may be an object of 200 bytes; the densest code
seen has a third of that in 64 MiB."""
MAX_SEGMENTS = 8_000_000
"""Segments of a map with those of its sections; 20 bytes each in the index."""
MAX_LINES = 4_000_000
"""Lines of generated code; 4 bytes each in the index even where nothing is mapped."""
MAX_SECTIONS = 10_000
"""Sections of an index map: one for each module of a chunk."""
MAX_SECTION_DEPTH = 1
"""How deep maps nest in sections: ECMA-426 lets a section's map have none of its own."""
MAX_SOURCES = 100_000
"""Original files of a map."""
MAX_NAMES = 4_000_000
"""Names of a map; a segment refers to one at the most, and half of them have none."""
MAX_POSITION = 2**31 - 1
"""The largest line or column; ECMA-426 lets a number have 32 bits with its sign."""
MAX_SEGMENT_CHARS = 65_536
"""Characters of one segment: 7 digits of a number hold all that ECMA-426 allows, but any number of zeros may follow."""
MAX_NUMBER_BITS = 55
"""Bits of a number of a segment, to the next 5; sums of numbers a writer wrapped at 32 bits need fewer."""

LONG_LINE = 1024 * 1024
"""Bytes of UTF-8 kept of one line of an original file; more is generated code."""
BLOCK_CHARS = 16 * 1024
"""Characters of whole lines that are compressed together; a block ends with the line that reaches it."""
MAX_BLOCK_BYTES = LONG_LINE
"""Bytes of a block when inflated."""
MAX_NAME_CHARS = 1024
"""Characters kept of a name of the map or of a function."""
MAX_SOURCE_NAME_CHARS = 8192
"""Characters kept of a source's name, which may be an address."""
MAX_DUPLICATES = 64
"""Segments of one generated position that a lookup looks at."""
MAX_SCANNED = 50_000
"""Segments of one generated line that are compared where a frame has no column."""
