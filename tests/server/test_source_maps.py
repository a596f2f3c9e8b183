"""Source maps from upload to answer: what is found, what is said where it is not, and which issue it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.maps import CART, crash, frame, inline, script, source_map
from tests.server.source_maps import APP, first_frame, put, reason, record, resolve

from provenance_core.errors import InvalidInput
from provenance_core.events import FrameSource, Unresolved
from provenance_server.context import Context
from provenance_server.operations import (
    CHECK_SOURCEMAPS,
    DELETE_RELEASE,
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUES,
    GET_RELEASE,
    LIST_SOURCEMAPS,
    RESOLVE_FRAMES,
)

DEBUG_ID = "85314830-023f-4cf1-a267-535f4e37bb17"
"""The id that files of tests are built with."""

OTHER_ID = "11111111-023f-4cf1-a267-535f4e37bb17"


def test_a_frame_is_resolved_to_original_code(context: Context, tmp_path: Path) -> None:
    done = put(context, tmp_path)
    found = first_frame(context, record(context, crash("checkout")))

    assert (done.added, done.warnings, done.release) == (2, [], "1.0.0")
    assert (found.file, found.line, found.column, found.function) == ("src/cart.ts", 14, 5, "checkout")
    assert found.context_line == CART.splitlines()[13]
    assert found.pre_context == tuple(CART.splitlines()[8:13])
    assert found.post_context == tuple(CART.splitlines()[14:])
    assert found.source is FrameSource.ARTIFACT
    assert found.in_app
    assert found.minified.model_dump(exclude_none=True) == {
        "file": "https://shop.example/static/app.min.js",
        "line": 1,
        "column": 101,
        "function": "m",
    }
    listed = LIST_SOURCEMAPS(context, {"origin": "shop", "release": "1.0.0"}).items
    assert found.source_map_id in [one.id for one in listed]


def test_whose_code_a_frame_is_follows_the_original_path(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    frames = resolve(context, frame("left"), frame("price", inApp=False)).reported.frames

    assert [(one.file, one.function, one.in_app) for one in frames] == [
        ("node_modules/pad/index.js", "left", False),
        ("src/price.ts", "price", True),
    ]


def test_an_anonymous_function_is_named_by_what_encloses_it(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)

    assert resolve(context, frame("total")).reported.frames[0].function == "Cart.total.<anonymous>"


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example/static/app.min.js",
        "https://cdn.example:8443/static/app.min.js?v=3#x",
        "app:///static/app.min.js",
        "/srv/shop/dist/static/app.min.js",
        "file:///srv/shop/static/app.min.js",
        "C:\\shop\\static\\app.min.js",
        "async https://shop.example/static/app.min.js",
    ],
)
def test_a_file_is_found_wherever_it_was_loaded_from(context: Context, tmp_path: Path, address: str) -> None:
    put(context, tmp_path)

    assert resolve(context, frame("checkout", url=address)).reported.frames[0].file == "src/cart.ts"


def test_a_debug_id_needs_no_release(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"app.js": script(debug_id=DEBUG_ID), "app.js.map": source_map(debugId=DEBUG_ID)}, None)
    images = [{"codeFile": "https://elsewhere.example/x.js", "debugId": DEBUG_ID.upper()}]
    told = resolve(context, frame("price", url="https://elsewhere.example/x.js"), release=None, debugImages=images)

    assert told.reported.frames[0].file == "src/price.ts"


def test_a_debug_id_goes_before_the_address(context: Context, tmp_path: Path) -> None:
    other = source_map(sources=["src/other.ts", "b.ts", "c.ts"], debugId=OTHER_ID)
    put(context, tmp_path, {**APP, "~/x.js": script(None, OTHER_ID), "~/x.js.map": other})
    images = [{"codeFile": "https://shop.example/static/app.min.js", "debugId": OTHER_ID}]

    assert resolve(context, frame("checkout"), debugImages=images).reported.frames[0].file == "src/other.ts"


def test_a_script_with_a_debug_id_leads_to_its_map_though_the_event_has_none(context: Context, tmp_path: Path) -> None:
    put(
        context, tmp_path, {"~/static/app.min.js": script(None, DEBUG_ID), "~/maps/1.map": source_map(debugId=DEBUG_ID)}
    )

    assert resolve(context, frame("checkout")).reported.frames[0].file == "src/cart.ts"


def test_a_reference_leads_to_the_map(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/static/app.min.js": script("../maps/a.map?x=1"), "~/maps/a.map": source_map()})

    assert resolve(context, frame("checkout")).reported.frames[0].file == "src/cart.ts"


def test_a_map_inside_its_script_is_used(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/static/app.min.js": script(inline(source_map()))})

    assert resolve(context, frame("checkout")).reported.frames[0].file == "src/cart.ts"


def test_a_map_alone_is_found_beside_its_script(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/static/app.min.js.map": source_map()})

    assert resolve(context, frame("checkout")).reported.frames[0].file == "src/cart.ts"


def test_a_build_has_its_own_files(context: Context, tmp_path: Path) -> None:
    android = {**APP, "~/static/app.min.js.map": source_map(sources=["src/android.ts", "b.ts", "c.ts"])}
    put(context, tmp_path)
    put(context, tmp_path, android, dist="android")
    dists = {None: "src/cart.ts", "ios": "src/cart.ts", "android": "src/android.ts"}

    for dist, file in dists.items():
        assert resolve(context, frame("checkout"), dist=dist).reported.frames[0].file == file


def test_without_sources_the_name_is_what_the_caller_calls(context: Context, tmp_path: Path) -> None:
    document = source_map(sourcesContent=None, names=["checkout"], mappings="oGAAAA,wCAAAA")
    put(context, tmp_path, {**APP, "~/static/app.min.js.map": document})
    named, last = resolve(context, frame("checkout"), frame("total")).reported.frames

    assert (named.function, named.context_line) == ("checkout", None)
    assert last.function is None
    assert last.minified is not None
    assert last.minified.function == "m"


def test_each_frame_says_why_it_is_not_resolved(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {**APP, "~/static/lonely.js": script("lonely.js.map")})
    put(context, tmp_path, {"~/static/app.min.js": script("gone.map")}, release="2.0.0")
    put(context, tmp_path, {"~/static/app.min.js.map": "{}"}, release="3.0.0", lenient=True)

    assert reason(context, frame("checkout"), release=None) is Unresolved.NO_RELEASE
    assert reason(context, frame("checkout"), release="0.9.0") is Unresolved.NO_ARTIFACT
    assert reason(context, frame("checkout", url="https://shop.example/b.js")) is Unresolved.NO_ARTIFACT
    assert reason(context, frame("checkout", url="https://shop.example/static/lonely.js")) is Unresolved.NO_SOURCE_MAP
    assert reason(context, frame("checkout"), release="2.0.0") is Unresolved.NO_SOURCE_MAP
    assert reason(context, frame("checkout"), release="3.0.0") is Unresolved.MALFORMED_MAP
    assert reason(context, frame("checkout", column=5)) is Unresolved.NO_MAPPING
    assert reason(context, frame("checkout", line=7)) is Unresolved.NO_MAPPING
    assert reason(context, frame("checkout", column=None)) is Unresolved.NO_COLUMN
    assert reason(context, frame("checkout", line=None)) is Unresolved.NO_LINE
    assert reason(context, frame("checkout", url="node:internal/timers")) is None
    assert reason(context, frame("checkout", url="/srv/app/node_modules/x/y.js", inApp=False)) is None


def test_frames_say_why_though_nothing_was_ever_uploaded(context: Context) -> None:
    assert reason(context, frame("checkout")) is Unresolved.NO_ARTIFACT
    assert reason(context, frame("checkout"), release=None) is Unresolved.NO_RELEASE
    assert first_frame(context, record(context, crash("checkout"))).unresolved is None


def test_an_event_cannot_say_that_it_is_resolved(context: Context) -> None:
    claims: dict[str, Any] = {"source": "artifact", "sourceMapId": "1", "unresolved": "no_line"}
    claims["minified"] = {"file": "a"}
    found = first_frame(context, record(context, crash("checkout", frames=[frame("checkout", **claims)])))

    assert found.source is FrameSource.REPORTED
    assert found.source_map_id is found.minified is found.unresolved is None


def test_the_same_bug_of_another_minified_release_is_the_same_issue(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    moved = {"~/assets/index-9f8e7d.js": script(None), "~/assets/index-9f8e7d.js.map": source_map(shift=1000)}
    put(context, tmp_path, moved, release="1.1.0")
    before = record(context, crash("price", "total"))
    url = "https://shop.example/assets/index-9f8e7d.js"

    assert record(context, crash("price", "total", release="1.1.0", shift=1000, url=url)) == before
    assert record(context, crash("checkout", release="1.1.0", shift=1000, url=url)) != before


def test_code_that_the_bundler_made_does_not_tell_issues_apart(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    put(context, tmp_path, {**APP, "~/static/app.min.js.map": source_map(shift=1000)}, release="1.1.0")
    one, other = (frame("price", column=column) | {"function": name} for column, name in ((7, "load"), (9, "start")))
    one = crash("price", frames=[frame("price"), one])
    other = crash("price", release="1.1.0", frames=[frame("price", shift=1000), other])

    assert record(context, one) == record(context, other)


def test_maps_that_come_later_help_what_was_recorded_before(context: Context, tmp_path: Path) -> None:
    issue = record(context, crash("price", "total"))
    before = GET_ERROR_ISSUE(context, {"issueId": issue})
    done = put(context, tmp_path)
    after = GET_ERROR_ISSUE(context, {"issueId": issue})

    assert before.event is not None
    assert before.event.reported is not None
    assert before.event.reported.frames[0].file == "https://shop.example/static/app.min.js"
    assert done.resolved_issues == 1
    assert after.event is not None
    assert after.event.reported is not None
    assert after.event.reported.frames[0].file == "src/price.ts"
    assert after.reported.fingerprint == before.reported.fingerprint
    assert after.reported.culprit == "src/price.ts in price"
    assert record(context, crash("price", "total")) == issue
    assert GET_ERROR_ISSUES(context, {}).total == 1


def test_an_upload_is_known_at_once_to_whoever_remembers_that_there_was_none(context: Context, tmp_path: Path) -> None:
    origin = context.store.origins.find("shop")
    remembered = context.store.artifacts.version(origin.id)
    before = context.source_maps.resolver(origin.id, remembered)
    put(context, tmp_path)
    after = context.source_maps.resolver(origin.id, remembered)

    assert before is None
    assert after is not None
    assert after({"release": "1.0.0", "frames": [frame("price")], "platform": "javascript"}) == 1


def test_maps_by_debug_id_that_come_later_help_as_well(context: Context, tmp_path: Path) -> None:
    images = [{"codeFile": "https://shop.example/static/app.min.js", "debugId": DEBUG_ID}]
    event = crash("price", release=None, debugImages=images)
    issue = record(context, event)
    done = put(context, tmp_path, {"~/a.js": script(None, DEBUG_ID), "~/a.js.map": source_map(debugId=DEBUG_ID)}, None)

    assert done.resolved_issues == 1
    assert record(context, event) == issue
    assert first_frame(context, issue).file == "src/price.ts"


def test_a_fingerprint_that_leads_elsewhere_is_not_taken_away(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    resolved = record(context, crash("price"))
    minified = record(context, crash("price", release="0.9.0"))
    put(context, tmp_path, release="0.9.0")

    assert minified != resolved
    assert record(context, crash("price", release="0.9.0")) == resolved


def test_an_upload_is_whole_or_nothing(context: Context, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"bad\.map"):
        put(context, tmp_path, {**APP, "~/static/bad.map": '{"version": 3, "sources": 7}'})

    assert not context.store.artifacts.version(context.store.origins.find("shop").id)


@pytest.mark.parametrize("name", ["~/readme.txt", "~/\x1b[2J.js", "~/" + "x" * 2000 + ".js", "~/data.json"])
def test_what_cannot_be_an_artifact_is_refused(context: Context, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        put(context, tmp_path, {name: "hello"})


@pytest.mark.parametrize("content", ["", "\ufeff// nothing", "\x00"])
def test_a_script_of_any_content_is_taken(context: Context, tmp_path: Path, content: str) -> None:
    assert put(context, tmp_path, {"~/a.js": content}).added == 1


def test_a_malformed_map_inside_a_script_is_refused_with_it(context: Context, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"~/a\.js"):
        put(context, tmp_path, {"~/a.js": "//# sourceMappingURL=data:application/json;base64,!"})


def test_files_that_no_frame_could_lead_to_are_refused(context: Context, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="release"):
        put(context, tmp_path, release=None)


def test_uploading_again_changes_nothing(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    again = put(context, tmp_path)

    assert (again.added, again.replaced, again.unchanged) == (0, 0, 2)
    listed = LIST_SOURCEMAPS(context, {"origin": "shop", "release": "1.0.0"}).items
    facts = [{"name": one.name, "sha256": one.sha256} for one in listed]
    asked: dict[str, Any] = {
        "origin": "shop",
        "release": "1.0.0",
        "files": [*facts, {"name": "~/new.js", "sha256": "0" * 64}],
    }
    assert CHECK_SOURCEMAPS(context, asked).missing == ["~/new.js"]
    assert CHECK_SOURCEMAPS(context, asked | {"dist": "ios"}).missing == [one["name"] for one in asked["files"]]
    assert len(CHECK_SOURCEMAPS(context, asked | {"release": "9.9.9"}).missing) == 3


def test_the_list_of_a_release_says_what_is_there(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {**APP, "~/lone.map": source_map(sourcesContent=None, debugId=DEBUG_ID)})
    page = LIST_SOURCEMAPS(context, {"origin": "shop", "release": "1.0.0", "limit": 2})
    rest = LIST_SOURCEMAPS(context, {"origin": "shop", "release": "1.0.0", "limit": 2, "cursor": page.next_cursor})
    lone, app, its_map = [*page.items, *rest.items]

    assert (page.total, rest.next_cursor) == (3, None)
    assert (lone.name, lone.debug_id, lone.sources, lone.mappings) == ("~/lone.map", DEBUG_ID, 3, 4)
    assert [warning.code for warning in lone.warnings] == ["missing_sources_content"]
    assert (app.name, app.source_map) == ("~/static/app.min.js", "app.min.js.map")
    assert (its_map.kind.value, its_map.warnings) == ("source_map", [])
    assert GET_RELEASE(context, {"origin": "shop", "release": "1.0.0"}).source_maps == 2


def test_a_deleted_release_takes_its_source_maps_with_it(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    put(context, tmp_path, release="2.0.0")
    record(context, crash("price"))
    unmet = DELETE_RELEASE(context, {"origin": "shop", "release": "2.0.0"})
    met = DELETE_RELEASE(context, {"origin": "shop", "release": "1.0.0"})

    assert (unmet.deleted, unmet.source_maps) == (True, 1)
    assert (met.deleted, met.source_maps) == (False, 1)
    assert not GET_RELEASE(context, {"origin": "shop", "release": "1.0.0"}).registered
    assert reason(context, frame("price")) is Unresolved.NO_ARTIFACT


def test_a_stack_is_resolved_from_its_text(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    text = (
        "TypeError: no price\n    at m (https://shop.example/static/app.min.js:1:181)\n"
        "    at https://shop.example/static/app.min.js:1:141"
    )
    told = RESOLVE_FRAMES(context, {"origin": "shop", "release": "1.0.0", "stack": text})

    assert (told.resolved, told.unresolved, told.reported.error_type) == (2, 0, "TypeError")
    assert [(one.file, one.line, one.function) for one in told.reported.frames] == [
        ("src/price.ts", 2, "price"),
        ("src/cart.ts", 7, "Cart.total.<anonymous>"),
    ]


@pytest.mark.parametrize("given", [{}, {"frames": [], "stack": "x"}, {"frames": {}}, {"frames": ["x"]}])
def test_either_frames_or_a_stack_is_asked_for(context: Context, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        RESOLVE_FRAMES(context, {"origin": "shop"} | given)
