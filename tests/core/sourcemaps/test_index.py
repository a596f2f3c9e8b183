import mmap
import random
import zlib
from pathlib import Path

import pytest
from sourcemap.exceptions import SourceMapDecodeError
from tests.core.sourcemaps.written_maps import Segment, a_map, as_bytes

from provenance_core.sourcemaps import layout
from provenance_core.sourcemaps.building import build_index
from provenance_core.sourcemaps.index import Index, Mapping, Source
from provenance_core.sourcemaps.limits import LONG_LINE

_CODE = "import x from 'x';\n\nfunction outer() {\n  return () => inner();\n}\r\nouter();\n"


def _index(lines: list[list[Segment]] | None = None, **fields: object) -> Index:
    return Index(build_index(as_bytes(a_map(lines or [], **fields))).index)


def test_a_position_is_looked_up_on_its_own_line_only() -> None:
    index = _index([[(4, 0, 1, 2, 1), (9, 1, 3, 4)], [], [(0,), (6, 2, 7, 8)]])

    assert index.line_count == 3
    assert index.lookup(0, 3) is None
    assert index.lookup(0, 4) == index.lookup(0, 8) == Mapping(0, 1, 2, "two")
    assert index.lookup(0, 2**40) == Mapping(1, 3, 4, None)
    assert index.lookup(1, 0) is None
    assert index.lookup(2, 5) is None
    assert index.lookup(2, 6) == Mapping(2, 7, 8, None)
    assert index.lookup(3, 0) is None
    assert index.lookup(-1, 5) is None
    assert index.lookup(0, -1) is None


def test_the_last_of_duplicates_that_maps_something_wins_and_takes_a_name_of_the_others() -> None:
    index = _index([[(0, 2, 9, 9, 2), (5, 0, 1, 1, 0), (5, 1, 2, 2), (5,), (8, 0, 3, 3)]])

    assert index.lookup(0, 6) == Mapping(1, 2, 2, "one")
    assert index.lookup(0, 8) == Mapping(0, 3, 3, None)


def test_segments_that_are_not_in_order_are_sorted() -> None:
    index = _index([[(9, 0, 9, 0), (2, 0, 2, 0), (5, 0, 5, 0), (5, 1, 5, 1)], [(1, 0, 1, 0)]])

    assert [found and found.line for found in (index.lookup(0, column) for column in (1, 2, 6, 20))] == [None, 2, 5, 9]
    assert index.lookup(0, 5) == Mapping(1, 5, 1, None)


def test_a_line_has_one_mapping_where_all_of_it_lies_on_one_original_line() -> None:
    index = _index([[(0,), (1, 0, 4, 2, 1), (5, 0, 4, 9)], [(0, 0, 4, 0), (3, 0, 5, 0)], [(0, 0, 4, 0), (3, 1, 4, 0)]])

    assert index.only_mapping_of(0) == Mapping(0, 4, 2, "two")
    assert [index.only_mapping_of(line) for line in (1, 2, 3)] == [None, None, None]


def test_sources_tell_their_name_and_whether_they_are_ignored_and_carried() -> None:
    index = _index(sources=["a.js", None, "ü/\ud800.js"], sourcesContent=["", None, "x"], ignoreList=[2])

    assert [index.source(number) for number in range(3)] == [
        Source("a.js", ignored=False, has_content=True),
        Source(None, ignored=False, has_content=False),
        Source("ü/\ufffd.js", ignored=True, has_content=True),
    ]


def test_lines_of_the_original_are_returned_without_their_ends() -> None:
    index = _index(sourcesContent=[_CODE, None, ""])

    assert index.lines(0, 0, 3) == ["import x from 'x';", "", "function outer() {"]
    assert index.lines(0, 4, 99) == ["}", "outer();"]
    assert index.lines(0, 6, 1) == index.lines(0, -1, 2) == index.lines(0, 0, 0) == []
    assert index.lines(1, 0, 9) == index.lines(2, 0, 9) == []


def test_lines_are_the_same_wherever_blocks_are_cut() -> None:
    draw = random.Random(7)
    lines = ["".join(draw.choices("aé漢😀 ;", k=draw.choice((0, 3, 90, 900)))) for _ in range(900)]
    lines[300] = "x" * 50_000
    index = _index(sourcesContent=["\n".join([*lines, "end"])])

    for first in (0, 1, 150, 299, 300, 301, 899, 900):
        assert index.lines(0, first, 11) == [*lines, "end"][first : first + 11]


def test_a_line_that_is_too_long_is_cut_between_characters() -> None:
    index = _index(sourcesContent=["first\n" + "é" + "漢" * LONG_LINE + "\nlast"])

    first, long, last = index.lines(0, 0, 9)
    assert (first, last) == ("first", "last")
    assert LONG_LINE - 3 < len(long.encode()) <= LONG_LINE


def test_surrogates_without_their_other_half_are_replaced_in_every_text() -> None:
    code = "function f\udfff() {\n  return '\ud800😀';\n}\n"
    index = _index([[(0, 0, 1, 4, 0)]], names=["n\ud800"], sources=["s\udc00.js"], sourcesContent=[code], file="\ud800")

    assert index.lookup(0, 0) == Mapping(0, 1, 4, "n\ufffd")
    assert index.source(0).name == "s\ufffd.js"
    assert index.lines(0, 1, 1) == ["  return '\ufffd😀';"]
    assert "\udfff" not in (index.function_at(0, 1, 4) or "")
    assert index.file == "\ufffd"


def test_the_function_round_a_position_is_that_of_the_original() -> None:
    index = _index(
        [[(0, 0, 0, 0), (1, 1, 0, 0), (2, 2, 0, 0)]],
        sourcesContent=[_CODE, None, "{}"],
        sources=["a.js", "b.js", "c.json"],
    )

    assert index.function_at(0, 0, 3) == ""
    assert index.function_at(0, 3, 4) == "outer"
    assert index.function_at(0, 5, 0) == ""
    assert index.function_at(1, 0, 0) is None
    assert index.function_at(2, 0, 0) is None


def test_the_same_original_is_kept_once() -> None:
    code = "".join(f"function f{number}() {{ return {number}; }}\n" for number in range(2_000))
    one = build_index(as_bytes(a_map([[(0, 0, 0, 0)]], sources=["a.js"], sourcesContent=[code])))
    many = build_index(as_bytes(a_map([[(0, 0, 0, 0)]], sources=["a.js"] * 50, sourcesContent=[code] * 50)))

    assert len(many.index) - len(one.index) < 50 * 20


def test_an_index_is_read_from_a_mapped_file_that_can_be_closed(tmp_path: Path) -> None:
    path = tmp_path / "map.index"
    path.write_bytes(build_index(as_bytes(a_map([[(0, 1, 2, 3, 0)]], sourcesContent=[None, _CODE]))).index)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        index = Index(mapped)
        found, lines = index.lookup(0, 0), index.lines(1, 0, 1)
        index.close()
        with pytest.raises(SourceMapDecodeError):
            Index(mapped[:-1])

    assert found == Mapping(1, 2, 3, "one")
    assert lines == ["import x from 'x';"]


def _use(index: Index) -> None:
    """Ask for everything."""
    for line in range(min(index.line_count, 50)):
        index.lookup(line, 3)
        index.lookup(line, 2**31)
        index.only_mapping_of(line)
    for source in range(min(index.source_count, 50)):
        index.source(source)
        index.lines(source, 0, 1_000)
        index.function_at(source, 3, 4)


def _whole() -> bytes:
    lines: list[list[Segment]] = [[(column, column % 3, line, 1, line % 3) for column in range(4)] for line in range(5)]
    return build_index(as_bytes(a_map(lines, sourcesContent=[_CODE, _CODE * 9, None], file="x.js"))).index


def test_every_cut_index_is_refused() -> None:
    whole = _whole()

    for size in range(len(whole)):
        with pytest.raises(SourceMapDecodeError):
            Index(whole[:size])
    with pytest.raises(SourceMapDecodeError):
        Index(whole + b"\0")


def test_an_index_that_was_changed_anywhere_answers_or_is_refused() -> None:
    whole = _whole()
    draw = random.Random(3)
    refused = 0
    for _ in range(4_000):
        changed = bytearray(whole)
        for _ in range(draw.choice((1, 1, 4))):
            changed[draw.randrange(len(changed))] = draw.choice((0, 1, 0x7F, 0xFF, draw.randrange(256)))
        try:
            _use(Index(changed))
        except SourceMapDecodeError:
            refused += 1

    assert refused > 1_000


def test_a_header_that_leads_outside_is_refused_even_with_its_checksum() -> None:
    whole = _whole()
    end = layout.HEADER_BYTES - layout.CHECKSUM.size
    draw = random.Random(4)
    for _ in range(2_000):
        changed = bytearray(whole)
        table = draw.randrange(len(layout.Table))
        entry = layout.ENTRY.pack(draw.choice((0, 8, 2**63, len(whole) - 8)), draw.choice((0, 4, 8, 2**63, len(whole))))
        layout_at = layout.HEADER.size + table * layout.ENTRY.size
        changed[layout_at : layout_at + len(entry)] = entry
        changed[end : end + 4] = layout.CHECKSUM.pack(zlib.crc32(changed[:end]))
        try:
            _use(Index(changed))
        except SourceMapDecodeError:
            continue


def test_a_body_that_was_changed_anywhere_is_found_by_a_check_and_answers_or_is_refused() -> None:
    whole = _whole()
    Index(whole).check()
    draw = random.Random(9)
    refused = 0
    for _ in range(4_000):
        changed = bytearray(whole)
        for _ in range(draw.choice((1, 8, 100))):
            changed[draw.randrange(layout.HEADER_BYTES, len(changed))] ^= draw.randrange(1, 256)
        with pytest.raises(SourceMapDecodeError):
            Index(changed).check()
        try:
            _use(Index(changed))
        except SourceMapDecodeError:
            refused += 1

    assert refused > 1_000


@pytest.mark.parametrize("data", [b"", b"{}", b"\0" * 4096, bytes(layout.MAGIC) + b"\xff" * 4096])
def test_what_is_no_index_is_refused(data: bytes) -> None:
    with pytest.raises(SourceMapDecodeError):
        Index(data)
