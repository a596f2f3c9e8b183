import json
from typing import Any

import pytest
from sourcemap.exceptions import SourceMapDecodeError
from tests.core.sourcemaps.written_maps import a_map, as_bytes, in_sections

from provenance_core.sourcemaps.building import build_index
from provenance_core.sourcemaps.index import Index, Mapping
from provenance_core.sourcemaps.map_warnings import MapWarning, WarningCode

_DEBUG_ID = "1aad9d9e-2b50-454f-a5f2-0dd5e95c154c"


def _open(document: object) -> Index:
    return Index(build_index(as_bytes(document)).index)


def _at(index: Index, line: int, column: int) -> tuple[str | None, int, int, str | None] | None:
    found = index.lookup(line, column)
    return found and (index.source(found.source).name, found.line, found.column, found.name)


@pytest.mark.parametrize(
    ("root", "source", "name"),
    [
        (None, "a.js", "a.js"),
        ("", "a.js", "a.js"),
        ("src", "a.js", "src/a.js"),
        ("/src/", "../a.js", "/src/../a.js"),
        ("webpack:///", "./a.js", "webpack:///./a.js"),
        ("/src", "webpack:///a.js", "webpack:///a.js"),
        ("src", "/home/a.js", "/home/a.js"),
        ("src", None, None),
    ],
)
def test_the_source_root_stands_before_a_source(root: str | None, source: str | None, name: str | None) -> None:
    assert _open(a_map(sources=[source], sourceRoot=root)).source(0).name == name


def test_what_may_be_absent_may_be_absent_or_null() -> None:
    bare = {"version": 3, "sources": ["a.js"], "mappings": "AAAA"}

    assert _at(_open(bare), 0, 0) == ("a.js", 0, 0, None)
    empty: dict[str, Any] = dict.fromkeys(("names", "file", "sourceRoot", "sourcesContent", "ignoreList", "sections"))
    assert _at(_open(bare | empty), 0, 0) == ("a.js", 0, 0, None)


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b")]}'\n", b")]}',anything\n", b"\xef\xbb\xbf)]}'\r\n"])
def test_what_may_stand_before_the_map_is_skipped(prefix: bytes) -> None:
    built = build_index(prefix + as_bytes(a_map([[(0, 0, 1, 2)]])))

    assert Index(built.index).lookup(0, 0) == Mapping(0, 1, 2, None)


def test_both_names_of_the_ignore_list_are_read() -> None:
    ways: list[dict[str, Any]] = [
        {"ignoreList": [1]},
        {"x_google_ignoreList": [1]},
        {"ignoreList": [1], "x_google_ignoreList": [0]},
    ]
    for fields in ways:
        index = _open(a_map(**fields))

        assert [index.source(number).ignored for number in range(3)] == [False, True, False]


def test_debug_id_and_file_are_those_of_the_whole_map() -> None:
    inner = a_map(file="inner.js", debugId="8cf3d888-fc9e-457d-a999-6ffef384b736")
    built = build_index(as_bytes(in_sections((0, 0, inner), file="app.js", debugId=_DEBUG_ID.upper())))

    assert (built.debug_id, built.file) == (_DEBUG_ID, "app.js")
    assert (Index(built.index).debug_id, Index(built.index).file) == (_DEBUG_ID, "app.js")
    assert build_index(as_bytes(in_sections((0, 0, inner)))).debug_id is None


def test_an_offset_moves_columns_of_the_first_line_of_a_section_only() -> None:
    first = a_map([[(0, 0, 0, 0, 0)], [(2, 0, 1, 0)]])
    second = a_map([[(3, 1, 7, 0, 0)], [(4, 1, 8, 0, 1)]], sources=["x.js", "y.js"], names=["four", "five"])
    index = _open(in_sections((0, 0, first), (1, 10, second)))

    assert _at(index, 0, 5) == ("a.js", 0, 0, "one")
    assert _at(index, 1, 9) == ("a.js", 1, 0, None)
    assert _at(index, 1, 12) is None
    assert _at(index, 1, 13) == ("y.js", 7, 0, "four")
    assert _at(index, 2, 3) is None
    assert _at(index, 2, 4) == ("y.js", 8, 0, "five")


def test_a_section_takes_what_comes_from_its_offset_on() -> None:
    first = a_map([[(0, 0, 0, 0), (10, 0, 0, 9), (20, 0, 0, 19)], [(0, 0, 1, 0)], [], [(0, 0, 3, 0)]])
    index = _open(in_sections((0, 0, first), (0, 15, a_map([[(0, 1, 5, 5)]])), (2, 0, a_map([[(1, 2, 6, 6)]]))))

    assert _at(index, 0, 14) == ("a.js", 0, 9, None)
    assert _at(index, 0, 15) == _at(index, 0, 30) == ("b.js", 5, 5, None)
    assert [_at(index, line, 0) for line in (1, 2, 3)] == [None, None, None]
    assert _at(index, 2, 1) == ("c.js", 6, 6, None)


def test_two_sections_of_one_offset_are_refused_only_when_strict() -> None:
    twice = as_bytes(in_sections((0, 0, a_map([[(0, 0, 1, 1)]])), (0, 0, a_map([[(0, 1, 2, 2)]]))))

    assert _at(Index(build_index(twice).index), 0, 0) == ("b.js", 2, 2, None)
    with pytest.raises(SourceMapDecodeError):
        build_index(twice, strict=True)


def test_segments_that_lead_nowhere_map_nothing_and_are_counted() -> None:
    """A wrapped column of 32 bits, as Turbopack writes one, is undone by the next segment."""
    wrapped = 4_294_899_485
    lines = [
        [
            (0, 0, 1, 1, 0),
            (2, 0, 1, wrapped),
            (4, 0, 1, 5),
            (6, 7, 1, 1),
            (8, 0, -1, 0),
            (9, 0, 2, 2, 9),
            (2**31, 0, 1, 1),
        ]
    ]
    built = build_index(as_bytes(a_map(lines)))
    index = Index(built.index)

    assert _at(index, 0, 0) == ("a.js", 1, 1, "one")
    assert _at(index, 0, 2) is None
    assert _at(index, 0, 4) == ("a.js", 1, 5, None)
    assert _at(index, 0, 6) is None
    assert _at(index, 0, 8) is None
    assert _at(index, 0, 2**32) == ("a.js", 2, 2, None)
    assert MapWarning(WarningCode.OUT_OF_RANGE, 5) in built.warnings
    with pytest.raises(SourceMapDecodeError):
        build_index(as_bytes(a_map(lines)), strict=True)


def test_warnings_tell_what_a_map_lacks() -> None:
    full = a_map([[(0, 0, 0, 0), (5, 0, 0, 5), (3, 1, 0, 3)]], sourcesContent=["a", None, "c"])
    built = build_index(as_bytes(full))

    assert (built.sources, built.segments, built.lines) == (3, 3, 1)
    assert {warning.code: warning.count for warning in built.warnings} == {
        WarningCode.MISSING_SOURCES_CONTENT: 1,
        WarningCode.UNSORTED: 1,
    }
    bare = build_index(as_bytes({"version": 3, "sources": [], "mappings": ""}), strict=True)
    assert {warning.code for warning in bare.warnings} == {
        WarningCode.NO_SOURCES,
        WarningCode.NO_MAPPINGS,
        WarningCode.MISSING_FILE,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"version": None},
        {"version": True},
        {"version": [3]},
        {"sources": "a.js"},
        {"sources": None},
        {"sources": [1]},
        {"names": "one"},
        {"names": [None]},
        {"names": [1]},
        {"mappings": None},
        {"mappings": 5},
        {"file": 5},
        {"sourceRoot": []},
        {"sourcesContent": {}},
        {"sourcesContent": [7]},
        {"ignoreList": "0"},
        {"ignoreList": [True]},
        {"ignoreList": [0.5]},
        {"sections": "none"},
        {"sections": [7]},
        {"sections": [{"offset": {"line": 0, "column": 0}}]},
        {"sections": [{"offset": {"line": 0, "column": 0}, "url": "https://example.test/a.map"}]},
    ],
)
def test_values_of_the_wrong_type_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(SourceMapDecodeError):
        build_index(as_bytes(a_map(**fields)))


@pytest.mark.parametrize("missing", ["version", "sources", "mappings"])
def test_what_must_be_there_is_asked_for(missing: str) -> None:
    document = a_map()
    del document[missing]

    with pytest.raises(SourceMapDecodeError):
        build_index(as_bytes(document))


@pytest.mark.parametrize(
    "offset",
    [None, [0, 0], {"line": 0}, {"column": 0}]
    + [{"line": bad, "column": 0} for bad in (2**40, -1, True, 0.5, "0", None, 10**400)]
    + [{"line": 0, "column": bad} for bad in (2**40, -1, True, 0.5, "0", None, 10**400)],
)
def test_an_offset_that_cannot_be_is_refused(offset: object) -> None:
    document = {"version": 3, "sections": [{"offset": offset, "map": a_map()}]}

    with pytest.raises(SourceMapDecodeError):
        build_index(as_bytes(document))


def test_sections_that_are_not_in_order_or_nested_are_refused() -> None:
    for document in (
        in_sections((1, 0, a_map()), (0, 0, a_map())),
        in_sections((0, 5, a_map()), (0, 4, a_map())),
        in_sections((0, 0, in_sections((0, 0, a_map())))),
    ):
        with pytest.raises(SourceMapDecodeError):
            build_index(as_bytes(document))


def test_a_refusal_has_no_text_of_the_map() -> None:
    for document in (a_map(names=[{"hunter2": 1}]), a_map(mappings="hunter2$"), a_map(file=["hunter2"])):
        with pytest.raises(SourceMapDecodeError) as raised:
            build_index(json.dumps(document).encode())

        assert "hunter2" not in str(raised.value)
