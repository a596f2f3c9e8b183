"""Decode the `mappings` of a map into columns of numbers.

Everything runs over whole columns of a piece of the text, so that a segment costs less than a microsecond and no object
of its own.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress, pairwise

from sourcemap.exceptions import SourceMapDecodeError

from provenance_core.sourcemaps.limits import MAX_LINES, MAX_POSITION, MAX_SEGMENTS
from provenance_core.sourcemaps.segment_rows import Rows

NONE = 0xFFFFFFFF
"""The number of no source, or of no name."""

_PIECE = 64 * 1024
_SEPARATOR = re.compile("[,;]")
_EMPTY_SEGMENT = re.compile("(?:^|[,;]),|,(?:;|$)")


@dataclass(frozen=True, slots=True)
class Part:
    """The mappings of a map or of one section, and where they stand in the whole.

    Attributes:
        line: Generated line of its first one.
        column: Column that its first line begins at, in UTF-16 units.
        first_source: Number of its first source among those of all parts; `sources` is how many it has.
        first_name: The same for its names.
    """

    mappings: str
    line: int = 0
    column: int = 0
    first_source: int = 0
    sources: int = 0
    first_name: int = 0
    names: int = 0

    @property
    def end_source(self) -> int:
        """Return the number after its last source."""
        return self.first_source + self.sources

    @property
    def end_name(self) -> int:
        """Return the number after its last name."""
        return self.first_name + self.names


def _numbers() -> array[int]:
    return array("I")


@dataclass(slots=True)
class Segments:
    """All segments in the order of their generated positions, one array for each of their numbers.

    Attributes:
        starts: The first segment of each generated line, and one more for the end.
        columns: Generated columns.
        sources: Numbers of sources, `NONE` where a segment maps nothing.
        lines: Original lines.
        originals: Original columns.
        names: Numbers of names, or `NONE`.
        out_of_range: How many segments were made unmapped, or left out, as their position cannot be.
        unsorted: How many segments stood before their neighbour.
    """

    starts: array[int] = field(default_factory=_numbers)
    columns: array[int] = field(default_factory=_numbers)
    sources: array[int] = field(default_factory=_numbers)
    lines: array[int] = field(default_factory=_numbers)
    originals: array[int] = field(default_factory=_numbers)
    names: array[int] = field(default_factory=_numbers)
    out_of_range: int = 0
    unsorted: int = 0

    def fields(self) -> tuple[array[int], ...]:
        """Return the arrays that have one number for each segment."""
        return self.columns, self.sources, self.lines, self.originals, self.names


def decode(parts: Iterable[Part], *, strict: bool) -> Segments:
    """Decode the mappings of all parts, which are in the order of their offsets.

    A part takes what comes from its offset on from the parts before it.

    Raises:
        SourceMapDecodeError: A number or a segment is broken, there are too many, or, when strict, a position is out of
            range.
    """
    segments = Segments()
    rows = Rows()
    for part in parts:
        _check_size(part, strict)
        _begin(segments, part)
        _PartReader(segments, rows, part, strict).read()
    segments.starts.append(len(segments.columns))
    return segments


def _check_size(part: Part, strict: bool) -> None:
    if part.line + part.mappings.count(";") >= MAX_LINES:
        raise SourceMapDecodeError(f"the map has more than {MAX_LINES} generated lines")
    if part.mappings.count(",") >= MAX_SEGMENTS:
        raise SourceMapDecodeError(f"the map has more than {MAX_SEGMENTS} segments")
    if strict and _EMPTY_SEGMENT.search(part.mappings):
        raise SourceMapDecodeError("the mappings have a segment without a field")


def _begin(segments: Segments, part: Part) -> None:
    """Drop what lies at or after the offset of a part, and open its line, unmapped up to its first segment."""
    starts, columns = segments.starts, segments.columns
    if part.line < len(starts):
        end = starts[part.line + 1] if part.line + 1 < len(starts) else len(columns)
        cut = bisect_left(columns, part.column, starts[part.line], end)
        del starts[part.line + 1 :]
        for numbers in segments.fields():
            del numbers[cut:]
    else:
        starts.extend([len(columns)] * (part.line + 1 - len(starts)))
    if len(columns) > starts[-1]:
        for numbers, number in zip(segments.fields(), (part.column, NONE, 0, 0, NONE), strict=True):
            numbers.append(number)


def _pieces(mappings: str) -> Iterator[str]:
    """Cut the mappings between segments; a `;` stands at the head of a piece, a `,` between two is left out."""
    start, size = 0, len(mappings)
    while start < size:
        found = _SEPARATOR.search(mappings, start + _PIECE)
        if found is None:
            yield mappings[start:]
            return
        yield mappings[start : found.start()]
        start = found.start() if found[0] == ";" else found.end()


def _running(steps: Iterable[int], start: int) -> list[int]:
    """Return the running sums after a start, without the start."""
    sums = list(accumulate(steps, initial=start))
    del sums[0]
    return sums


@dataclass(slots=True)
class _Piece:
    """The segments of a piece of the text; `fields` tells how many numbers each had, `begins` where lines begin."""

    fields: Sequence[int]
    begins: list[int]
    columns: list[int]
    sources: list[int]
    lines: list[int]
    originals: list[int]
    names: list[int]

    def fits(self, part: Part) -> bool:
        """Say whether all is in range."""
        return (
            min(self.sources) >= part.first_source
            and max(self.sources) < part.end_source
            and all(min(sums) >= 0 and max(sums) <= MAX_POSITION for sums in (self.columns, self.lines, self.originals))
            and (max(self.fields) < 5 or (min(self.names) >= part.first_name and max(self.names) < part.end_name))
        )

    def mend(self, part: Part) -> tuple[list[bool], int]:
        """Make unmapped what is out of range; return which segments are kept, and how many were out of range."""
        kept: list[bool] = []
        wrong = 0
        for at, count in enumerate(self.fields):
            line, original = self.lines[at], self.originals[at]
            place = 0 <= self.columns[at] <= MAX_POSITION
            origin = (
                part.first_source <= self.sources[at] < part.end_source
                and 0 <= line <= MAX_POSITION
                and 0 <= original <= MAX_POSITION
            )
            name = part.first_name <= self.names[at] < part.end_name
            kept.append(place and count > 0)
            wrong += count > 0 and not (place and (count < 4 or origin) and (count < 5 or name))
            if not origin:
                self.sources[at], self.lines[at], self.originals[at] = NONE, _clamped(line), _clamped(original)
            if not (origin and name):
                self.names[at] = NONE
        return kept, wrong

    def blank(self) -> None:
        """Take source and name from the segments that have none of their own."""
        if min(self.fields) < 4:
            self.sources = [source if n > 1 else NONE for source, n in zip(self.sources, self.fields, strict=True)]
        if min(self.fields) < 5:
            self.names = [name if n == 5 else NONE for name, n in zip(self.names, self.fields, strict=True)]

    def append_to(self, segments: Segments, kept: list[bool] | None) -> None:
        """Put the segments that are kept, None for all, behind the others."""
        base = len(segments.columns)
        before = range(len(self.fields)) if kept is None else list(accumulate(kept, initial=0))
        segments.starts.extend([base + before[at] for at in self.begins])
        sums = (self.columns, self.sources, self.lines, self.originals, self.names)
        for there, new in zip(segments.fields(), sums, strict=True):
            there.fromlist(new if kept is None else list(compress(new, kept)))


class _PartReader:
    """Decode one part behind the segments there are; the running sums live here."""

    def __init__(self, segments: Segments, rows: Rows, part: Part, strict: bool) -> None:
        self._segments = segments
        self._rows = rows
        self._part = part
        self._strict = strict
        self._column = part.column
        self._source = part.first_source
        self._line: int = 0
        self._original: int = 0
        self._name: int = part.first_name
        self._suspects: set[int] = set()

    def read(self) -> None:
        for piece in _pieces(self._part.mappings):
            self._read_piece(piece)
            if len(self._segments.columns) > MAX_SEGMENTS:
                raise SourceMapDecodeError(f"the map has more than {MAX_SEGMENTS} segments")
        for line in sorted(self._suspects):
            self._sort(line)

    def _read_piece(self, text: str) -> None:
        part = self._part
        rows = array("q", b"".join(map(self._rows.__getitem__, text.replace(";", ",;").removeprefix(",").split(","))))
        steps, source_steps, line_steps, original_steps, name_steps, fields, breaks = (rows[at::7] for at in range(7))
        begins = [at for at, begin in enumerate(breaks) if begin] if any(breaks) else []
        piece = _Piece(
            fields,
            begins,
            self._columns(steps, begins),
            _running(source_steps, self._source),
            _running(line_steps, self._line),
            _running(original_steps, self._original),
            _running(name_steps, self._name),
        )
        self._source, self._line = piece.sources[-1], piece.lines[-1]
        self._original, self._name = piece.originals[-1], piece.names[-1]
        if min(steps) < 0:
            self._suspect(steps, begins)
        kept: list[bool] | None = None
        if not piece.fits(part):
            kept, wrong = piece.mend(part)
            if wrong and self._strict:
                raise SourceMapDecodeError("a segment of the mappings has a position, source or name out of range")
            self._segments.out_of_range += wrong
        elif not min(fields):
            kept = [count > 0 for count in fields]
        piece.blank()
        piece.append_to(self._segments, kept)

    def _columns(self, steps: Sequence[int], begins: list[int]) -> list[int]:
        """Return the generated columns: running sums that begin again with each line."""
        head = begins[0] if begins else len(steps)
        columns = _running(steps[:head], self._column)
        for start, end in pairwise([*begins, len(steps)] if begins else []):
            columns.extend(accumulate(steps[start:end]))
        self._column = columns[-1]
        return columns

    def _suspect(self, steps: Sequence[int], begins: list[int]) -> None:
        """Note the lines in which a column is smaller than the one before it."""
        first = len(self._segments.starts) - 1
        self._suspects.update(first + bisect_right(begins, at) for at, step in enumerate(steps) if step < 0)

    def _sort(self, line: int) -> None:
        """Put the segments of one line in the order of their columns, those of one column as they came."""
        segments = self._segments
        start = segments.starts[line]
        end = segments.starts[line + 1] if line + 1 < len(segments.starts) else len(segments.columns)
        columns = segments.columns[start:end]
        unsorted = sum(after < before for before, after in pairwise(columns))
        if not unsorted:
            return
        segments.unsorted += unsorted
        order = sorted(range(len(columns)), key=columns.__getitem__)
        for numbers in segments.fields():
            chosen = numbers[start:end]
            numbers[start:end] = array("I", map(chosen.__getitem__, order))


def _clamped(number: int) -> int:
    return min(max(number, 0), MAX_POSITION)
