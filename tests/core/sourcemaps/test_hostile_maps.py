"""Maps made to break or to stall a reader: each is refused, or read, in time and memory that are bounded."""

import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sourcemap.exceptions import SourceMapDecodeError
from tests.core.sourcemaps.written_maps import a_map, as_bytes, in_sections, vlq

from provenance_core.sourcemaps.building import Built, build_index
from provenance_core.sourcemaps.index import Index
from provenance_core.sourcemaps.limits import MAX_DUPLICATES, MAX_MAP_BYTES, MAX_SECTIONS

_SECONDS = 20
"""Of the processor's time; far more than is needed, far less than what is not linear takes."""


def _within_time(data: bytes) -> Built | None:
    """Return what is built, None where the map is refused."""
    began = time.process_time()
    try:
        return build_index(data)
    except SourceMapDecodeError:
        return None
    finally:
        assert time.process_time() - began < _SECONDS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"3",
        b'"map"',
        b"[]",
        b"{",
        b")]}'",
        b")]}'{}",
        b"\xef\xbb\xbf",
        b'{"version":3,"sources":["\xff"],"mappings":""}',
        b'{"version":3,"sources":["\xed\xa0\x80"],"mappings":""}',
        '{"version":3,"sources":[],"mappings":""}'.encode("utf-16"),
        b'{"version":NaN,"sources":[],"mappings":""}',
        b'{"version":3,"sources":[],"mappings":"","file":NaN}',
        b'{"version":3,"sources":[],"mappings":"","x":' + b"9" * 10_000 + b',"y":"\\ud800"}',
        b'{"version":3,"sources":[],"mappings":"\\ud800"}',
        b'{"version":3,"sources":[],"mappings":"\\u0000"}',
    ],
)
def test_what_is_no_map_is_refused(data: bytes) -> None:
    for strict in (False, True):
        with pytest.raises(SourceMapDecodeError):
            build_index(data, strict=strict)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"version":3,"sections":[{"map":'])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    for times in (1_000, 100_000):
        with pytest.raises(SourceMapDecodeError):
            build_index(opening * times)
    with pytest.raises(SourceMapDecodeError):
        build_index(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@pytest.mark.parametrize(
    "mappings",
    [
        "g" * 10_000_000,
        "g" * 10_000_000 + "A",
        "AAAA," + "g" * 60_000 + "C",
        "/" * 60_000 + "A",
        ";" * 20_000_000,
        "," * 20_000_000,
        "A" * 1_000_000,
        "A," * 9_000_000,
    ],
    ids=["continued", "ended", "huge", "wide", "lines", "separators", "fields", "segments"],
)
def test_mappings_that_are_too_much_are_refused(mappings: str) -> None:
    assert _within_time(as_bytes(a_map(mappings=mappings))) is None


def test_numbers_with_zeros_behind_them_cost_what_their_length_does() -> None:
    zeros = ",".join(["i" + "g" * 60_000 + "A"] * 100)
    built = _within_time(as_bytes(a_map(mappings=zeros)))

    assert built is not None
    assert Index(built.index).line_count == 1


def test_sums_of_the_largest_numbers_are_out_of_range_and_no_more() -> None:
    largest = "+" + "/" * 9 + "f"
    built = _within_time(as_bytes(a_map(mappings=";".join([",".join([largest * 5, largest * 4])] * 2_000))))

    assert built is not None
    assert [warning.count for warning in built.warnings if warning.code == "out_of_range"] == [4_000]


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    tracemalloc.start()
    with pytest.raises(SourceMapDecodeError):
        build_index(b"[" * (MAX_MAP_BYTES + 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2 * MAX_MAP_BYTES


@pytest.mark.parametrize("value", [b"[]", b"{}", b'{"a":1}'])
def test_many_small_values_are_refused_before_they_are_made(value: bytes) -> None:
    data = b'{"version":3,"sources":[],"mappings":"","x":[' + (value + b",") * 4_000_001 + b"0]}"
    tracemalloc.start()
    with pytest.raises(SourceMapDecodeError):
        build_index(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1_000_000


def test_many_lines_take_little_memory() -> None:
    data = as_bytes(a_map(mappings=";" * 200_000))
    tracemalloc.start()
    built = build_index(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert built.lines == 200_001
    assert peak < 24_000_000


def test_segments_of_one_position_do_not_stall_a_lookup() -> None:
    built = build_index(as_bytes(a_map(mappings="AAAA," * 1_000_000 + "A" + ",A" * MAX_DUPLICATES)))
    index = Index(built.index)
    began = time.process_time()
    for _ in range(1_000):
        index.lookup(0, 5)
        index.only_mapping_of(0)

    assert time.process_time() - began < _SECONDS


def test_a_line_that_runs_backwards_is_sorted_in_time() -> None:
    assert _within_time(as_bytes(a_map(mappings=f"{vlq(600_000)}," + ",".join(["DAAC"] * 500_000)))) is not None


def test_too_many_sections_are_refused() -> None:
    empty = {"version": 3, "sources": [], "mappings": ""}
    document = in_sections(*((0, number, empty) for number in range(MAX_SECTIONS + 1)))

    assert _within_time(as_bytes(document)) is None


@pytest.mark.parametrize(
    "content",
    ["\n" * 3_000_000, "a\n" * 1_000_000, "x" * 5_000_000, "\r" * 100_000],
    ids=["empty", "short", "long", "cr"],
)
def test_originals_of_any_shape_are_taken(content: str) -> None:
    built = _within_time(as_bytes(a_map(sources=["a.txt"], sourcesContent=[content])))

    assert built is not None
    index = Index(built.index)
    assert len(index.lines(0, 0, 3)) == (1 if content[0] == "x" else 3)
    assert len(index.lines(0, 99_990, 5)) == (0 if content[0] == "x" else 5)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_KEYS = (
    "version",
    "sources",
    "names",
    "mappings",
    "sourcesContent",
    "sourceRoot",
    "file",
    "ignoreList",
    "sections",
    "debugId",
)
_MAPPINGS = st.text("ABCDEgh/+,;$", max_size=60)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES), st.none() | _MAPPINGS, st.booleans())
def test_any_document_is_built_or_refused(wrong: dict[str, object], mappings: str | None, strict: bool) -> None:
    document = a_map() | wrong | ({} if mappings is None else {"mappings": mappings})
    for one in (document, in_sections((0, 0, a_map()), (1, 3, document))):
        try:
            index = Index(build_index(as_bytes(one), strict=strict).index)
        except SourceMapDecodeError:
            continue
        for line in range(index.line_count):
            index.lookup(line, 7)
            index.only_mapping_of(line)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SourceMapDecodeError):
        build_index(data)
    with pytest.raises(SourceMapDecodeError):
        Index(data)
