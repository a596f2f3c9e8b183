"""Decode single segments of `mappings`: base64 VLQ, as ECMA-426 defines it.

The row of numbers of each different text of a segment is kept and found again: few texts make up most of a map.
"""

from __future__ import annotations

from struct import Struct

from sourcemap.exceptions import SourceMapDecodeError

from provenance_core.sourcemaps.limits import MAX_NUMBER_BITS, MAX_SEGMENT_CHARS

_KEPT_ROWS, _KEPT_CHARS = 50_000, 64
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = bytes(_ALPHABET.find(character) & 0xFF for character in range(256))
"""What each character says; 255 for one that is no digit."""

_ROW = Struct("=7q")
"""The steps of column, source, line, original column and name; how many of them were there; 1 where a line begins."""
_FIELDS = frozenset((0, 1, 4, 5))
_ABSENT = tuple((0,) * (5 - count) for count in range(6))


class Rows(dict[str, bytes]):
    """The row of numbers of each text of a segment, packed; a leading `;` begins a line."""

    def __missing__(self, text: str) -> bytes:
        if len(self) >= _KEPT_ROWS:
            self.clear()
        segment = text.removeprefix(";")
        numbers = _vlq(segment)
        count = len(numbers)
        if count not in _FIELDS:
            raise SourceMapDecodeError(f"a segment of the mappings has {count} fields; it must have 1, 4 or 5")
        row = _ROW.pack(*numbers, *_ABSENT[count], count, len(text) > len(segment))
        if len(text) <= _KEPT_CHARS:
            self[text] = row
        return row


def _vlq(segment: str) -> list[int]:
    """Decode the numbers of a segment."""
    if len(segment) > MAX_SEGMENT_CHARS:
        raise SourceMapDecodeError(f"a segment of the mappings is longer than {MAX_SEGMENT_CHARS} characters")
    numbers: list[int] = []
    value = shift = 0
    for digit in segment.encode("ascii", "replace").translate(_DIGITS):
        if digit > 63:
            raise SourceMapDecodeError("the mappings have a character that is no base64 digit")
        bits = digit & 31
        if shift >= MAX_NUMBER_BITS and bits:
            raise SourceMapDecodeError(f"a number of the mappings has more than {MAX_NUMBER_BITS} bits")
        value |= bits << shift
        if digit > 31:
            shift += 5
        else:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift:
        raise SourceMapDecodeError("a number of the mappings breaks off")
    return numbers
