import json
from typing import Any

import pytest
import sourcemap
from hypothesis import given, settings
from hypothesis import strategies as st
from sourcemap.exceptions import SourceMapDecodeError
from sourcemap.objects import SourceMapIndex
from tests.core.sourcemaps.written_maps import Segment, a_map

from provenance_core.sourcemaps.decoder import PackedDecoder, PackedMap

_POSITIONS = st.integers(0, 40) | st.integers(0, 2**31 - 1)
_MAPPED = st.tuples(st.integers(0, 2), _POSITIONS, _POSITIONS)
_SEGMENTS = st.tuples(st.integers(0, 60) | _POSITIONS, st.none() | _MAPPED, st.none() | st.integers(0, 2))


@st.composite
def _lines(draw: st.DrawFn) -> list[list[Segment]]:
    """Draw segments of one, four and five numbers, in order."""
    lines: list[list[Segment]] = []
    for drawn in draw(st.lists(st.lists(_SEGMENTS, max_size=12), max_size=12)):
        line: list[Segment] = []
        for column, mapped, name in sorted(drawn, key=lambda segment: segment[0]):
            line.append((column,) if mapped is None else (column, *mapped, *(() if name is None else (name,))))
        lines.append(line)
    return lines


def _fields(token: Any) -> tuple[object, ...]:
    return token.dst_line, token.dst_col, token.src, token.src_line, token.src_col, token.name


def _answers(found: SourceMapIndex | PackedMap, asked: list[tuple[int, int]]) -> list[object]:
    answers: list[object] = []
    for line, column in asked:
        try:
            answers.append(_fields(found.lookup(line, column)))
        except IndexError:
            answers.append(None)
    return answers


@settings(max_examples=100, deadline=None)
@given(_lines())
def test_the_answers_are_those_of_the_packages_own_decoder(lines: list[list[Segment]]) -> None:
    text = json.dumps(a_map(lines))
    asked = [(line, column) for line in range(13) for column in range(0, 66, 3)]
    asked += [(number, segment[0]) for number, line in enumerate(lines) for segment in line]

    assert _answers(sourcemap.loads(text, cls=PackedDecoder), asked) == _answers(sourcemap.loads(text), asked)


@pytest.mark.parametrize("wide", [1, 3, 1_000])
def test_a_map_is_decoded_alike_wherever_its_mappings_are_cut(wide: int) -> None:
    """The text is read in pieces of 64 KiB, which begin between any two segments."""
    lines: list[list[Segment]] = [
        [
            (7 * column, column % 3, line, 5 * column, column % 2)[: 5 - column % 2]
            for column in range(37 * line % (wide + 1))
        ]
        for line in range(240_000 // (wide + 1))
    ]
    text = json.dumps(a_map(lines))
    asked = [(line, column) for line in range(0, len(lines), len(lines) // 400 + 1) for column in range(0, 7 * wide, 7)]

    assert len(text) > 3 * 65_536
    assert _answers(sourcemap.loads(text, cls=PackedDecoder), asked) == _answers(sourcemap.loads(text), asked)


def test_a_line_without_a_segment_before_the_column_is_an_index_error() -> None:
    decoded = sourcemap.loads(json.dumps(a_map([[(5, 0, 0, 0)], []])), cls=PackedDecoder)

    for line, column in ((0, 4), (1, 0), (2, 0), (-1, 0)):
        with pytest.raises(IndexError):
            decoded.lookup(line, column)


@pytest.mark.parametrize("mappings", ["AA", "AAA", "AAAAAA", "g", "A$", "AAAA~", "é", "AAAA,,g", "A=", "AAgggg"])
def test_broken_mappings_are_refused(mappings: str) -> None:
    with pytest.raises(SourceMapDecodeError):
        sourcemap.loads(json.dumps(a_map(mappings=mappings)), cls=PackedDecoder)
