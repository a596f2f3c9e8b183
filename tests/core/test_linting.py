"""What is said of scripts and source maps before they are uploaded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from provenance_core.artifacts import ArtifactKind
from provenance_core.sourcemaps.inspecting import MapFacts, ScriptFacts, map_facts, script_facts
from provenance_core.sourcemaps.linting import FindingCode, LintedFile, Severity, lint

ID, OTHER_ID = "e969f989-0000-4000-8000-000000000001", "e969f989-0000-4000-8000-000000000002"
SCRIPT = ScriptFacts("app.js.map", False, None, (20, 29))
MAP = MapFacts("app.js", None, 1, 0, 3, 0, True, (20, 4))


def script(**changes: Any) -> LintedFile:
    told: dict[str, Any] = {
        "path": "dist/app.js",
        "name": "~/app.js",
        "kind": ArtifactKind.SCRIPT,
        "size": 50,
        "hash": b"s",
        "limit": 1_000,
        "script": SCRIPT,
        "source_map": "dist/app.js.map",
    }
    return LintedFile(**(told | changes))


def source_map(**changes: Any) -> LintedFile:
    told: dict[str, Any] = {
        "path": "dist/app.js.map",
        "name": "~/app.js.map",
        "kind": ArtifactKind.SOURCE_MAP,
        "size": 90,
        "hash": b"m",
        "limit": 1_000,
        "map": MAP,
    }
    return LintedFile(**(told | changes))


def codes(*files: LintedFile) -> list[list[str]]:
    return [[finding.code.value for finding in findings] for findings in lint(files)]


def test_a_script_with_its_map_is_fine():
    assert codes(script(), source_map()) == [[], []]
    assert codes(script(), source_map(map=replace(MAP, file="out/app.js.map"))) == [[], []]


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"map": None, "problem": "no JSON"}, FindingCode.MALFORMED_MAP, Severity.ERROR),
        ({"map": None, "size": 0}, FindingCode.EMPTY_FILE, Severity.ERROR),
        ({"map": None, "size": 1_001}, FindingCode.TOO_LARGE, Severity.ERROR),
        ({"name": "~/a\nb.map"}, FindingCode.BAD_NAME, Severity.ERROR),
        ({"name": "~/../b.map"}, FindingCode.BAD_NAME, Severity.ERROR),
        ({"name": "~/" + "b" * 1_024}, FindingCode.BAD_NAME, Severity.ERROR),
        ({"map": replace(MAP, maps_anything=False)}, FindingCode.NO_MAPPINGS, Severity.WARNING),
        ({"map": replace(MAP, sources=0)}, FindingCode.NO_SOURCES, Severity.WARNING),
        ({"map": replace(MAP, without_content=1)}, FindingCode.MISSING_SOURCES_CONTENT, Severity.WARNING),
        ({"map": replace(MAP, machine_paths=1)}, FindingCode.MACHINE_PATHS, Severity.WARNING),
        ({"map": replace(MAP, names=0)}, FindingCode.NO_NAMES, Severity.NOTE),
    ],
)
def test_what_a_map_lacks_is_said_of_it(changes: dict[str, Any], code: FindingCode, severity: Severity):
    of_script, of_map = lint([script(), source_map(**changes)])

    assert of_script == ()
    assert [(finding.code, finding.severity) for finding in of_map] == [(code, severity)]
    assert of_map[0].message.endswith(".")
    assert of_map[0].advice


@pytest.mark.parametrize(
    ("facts", "of_map", "code"),
    [
        ({}, {"file": "other.js"}, FindingCode.OTHER_FILE),
        ({"debug_id": ID}, {"debug_id": OTHER_ID}, FindingCode.OTHER_DEBUG_ID),
        ({"debug_id": ID}, {}, FindingCode.NO_DEBUG_ID),
        ({"line_lengths": (20,)}, {}, FindingCode.STALE_MAP),
        ({"line_lengths": (19, 29)}, {}, FindingCode.STALE_MAP),
    ],
)
def test_what_does_not_fit_is_said_of_the_script(facts: dict[str, Any], of_map: dict[str, Any], code: FindingCode):
    found = lint([script(script=replace(SCRIPT, **facts)), source_map(map=replace(MAP, **of_map))])

    assert [finding.code for finding in found[0]] == [code]
    assert found[0][0].severity is Severity.WARNING
    assert found[1] == ()


@pytest.mark.parametrize(
    ("facts", "path", "expected"),
    [
        ({}, "dist/app.js", ["missing_map"]),
        ({"reference": None}, "dist/app.js", ["no_map"]),
        ({"reference": None}, "dist/app.css", []),
        ({"reference": "https://maps.example/app.js.map"}, "dist/app.js", ["map_elsewhere"]),
    ],
)
def test_a_script_without_a_map_says_why(facts: dict[str, Any], path: str, expected: list[str]):
    assert codes(script(path=path, source_map=None, script=replace(SCRIPT, **facts))) == [expected]


def test_a_map_without_a_script_is_noticed():
    assert codes(source_map()) == [["no_script"]]


def test_a_map_inside_a_script_is_checked_as_any():
    inside = replace(SCRIPT, reference=None, has_map=True, debug_id=ID)
    sourceless = replace(MAP, without_content=1, file="other.js")

    assert codes(script(source_map=None, script=inside, map=sourceless)) == [
        ["other_file", "no_debug_id", "missing_sources_content", "inline_map"]
    ]
    assert codes(script(source_map=None, script=inside, problem="no JSON")) == [["malformed_map", "inline_map"]]


def test_of_two_files_with_one_name_the_last_is_sent():
    first, last = lint([script(source_map=None, path="a/app.css"), script(source_map=None, path="b/app.css")])

    assert [finding.code for finding in first][-1] is FindingCode.SAME_NAME
    assert "'b/app.css'" in first[-1].message
    assert FindingCode.SAME_NAME not in [finding.code for finding in last]


def test_different_scripts_do_not_share_a_map_but_copies_may():
    one = script()
    comment = replace(SCRIPT, line_lengths=(20, 29, 3))
    other = script(path="dist/b.js", name="~/b.js", hash=b"t", source_map="dist/b.js.map", script=comment)
    longer = replace(SCRIPT, line_lengths=(20, 30))
    same = source_map(path="dist/b.js.map", name="~/b.js.map", map=replace(MAP, file=None))

    assert codes(one, source_map(), replace(other, script=longer), same)[1] == ["shared_map"]
    assert codes(one, source_map(), other, same)[1] == []


def test_hidden_characters_of_a_reference_are_made_visible():
    (found,) = lint([script(source_map=None, script=replace(SCRIPT, reference="\x1b[2Japp.map"))])

    assert "\\u{1b}[2Japp.map" in found[0].message


def test_the_facts_of_a_script():
    facts, inside = script_facts(f"a😀b\n\n//# debugId={ID}\n//# sourceMappingURL=app.js.map")

    assert (facts.reference, facts.has_map, facts.debug_id, inside) == ("app.js.map", False, ID, None)
    assert facts.line_lengths is not None
    assert facts.line_lengths[:2] == (4, 0)


def test_a_map_inside_a_script_is_found():
    facts, inside = script_facts("a()\n//# sourceMappingURL=data:application/json;base64,e30=\n")

    assert (facts.reference, facts.has_map, inside) == (None, True, b"{}")


def test_lines_that_programs_count_differently_are_not_compared():
    assert script_facts("a\u2028b")[0].line_lengths is None
    assert script_facts("a\rb")[0].line_lengths is None
    assert script_facts("a\r\nb")[0].line_lengths is not None


def test_the_facts_of_a_map():
    told = {
        "version": 3,
        "file": "app.js",
        "debugId": ID,
        "sourceRoot": "/home/me/shop",
        "sources": ["src/a.ts", "webpack://shop/./b.ts", "/srv/b.ts"],
        "sourcesContent": ["a", None],
        "names": ["total"],
        "mappings": "AAAA,IAAIA;;EACA;;",
    }

    assert map_facts(json.dumps(told).encode()) == MapFacts("app.js", ID, 3, 2, 1, 1, True, (4, -1, 2))


def test_the_facts_of_a_map_that_maps_nothing():
    facts = map_facts(b'{"version":3,"sources":[],"names":[],"mappings":";;"}')

    assert not facts.maps_anything
    assert facts.last_columns == ()
