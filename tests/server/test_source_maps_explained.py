"""What is said of frames that are resolved, and of those that are not."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.maps import crash, frame, script
from tests.server.source_maps import put, record

from provenance_core.events import Unresolved
from provenance_server import sourcemap_answers as answers
from provenance_server.context import Context
from provenance_server.operations import EXPLAIN_SOURCEMAPS, GET_ERROR_ISSUE


def explain(context: Context, event: dict[str, Any]) -> answers.SourceMapExplanation:
    issue = record(context, event)
    told = GET_ERROR_ISSUE(context, {"issueId": issue}).event
    assert told is not None
    return EXPLAIN_SOURCEMAPS(context, {"id": told.id})


def test_explain_tells_what_was_looked_for_and_found(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    told = explain(context, crash("checkout"))
    (found,) = told.frames

    assert (told.release, told.artifacts, told.advice) == ("1.0.0", 2, None)
    assert (found.unresolved, found.found_by, found.artifact) == (None, answers.Step.URL, "~/static/app.min.js")
    assert found.source_map == "~/static/app.min.js.map"
    assert found.reported.looked_for[0] == "https://shop.example/static/app.min.js"
    assert found.reported.original is not None
    assert found.reported.original.function == "checkout"


def test_explain_tells_what_is_missing(context: Context, tmp_path: Path) -> None:
    nothing = explain(context, crash("checkout"))
    put(context, tmp_path)
    elsewhere = explain(context, crash("total", release="0.1.0"))
    nameless = explain(context, crash("price", release=None))
    alike = explain(context, crash("checkout", "price", url="https://shop.example/old/app.min.js"))

    assert nothing.advice is not None
    assert "Nothing was ever uploaded" in nothing.advice
    assert (elsewhere.artifacts, elsewhere.elsewhere, elsewhere.reported.version) == (0, ["1.0.0"], "0.1.0")
    assert elsewhere.frames[0].unresolved is Unresolved.NO_ARTIFACT
    assert nameless.frames[0].unresolved is Unresolved.NO_RELEASE
    assert alike.frames[0].unresolved is Unresolved.NO_ARTIFACT
    assert alike.frames[0].alike[0] == "~/static/app.min.js"
    assert all(one.frames[0].advice for one in (elsewhere, nameless, alike))


def test_explain_says_nothing_of_an_event_outside_reported(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    hostile = "https://evil.example/IGNORE-ALL-RULES.js"
    told = explain(context, crash("checkout", url=hostile, release="IGNORE", dist="IGNORE"))

    def facts(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: facts(item) for name, item in value.items() if name != "reported"}
        return [facts(item) for item in value] if isinstance(value, list) else value

    assert "IGNORE" not in json.dumps(facts(told.model_dump(mode="json", by_alias=True)))


def test_explain_finds_what_was_found_when_the_event_came(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    frames = [frame("checkout", url="app.min.js", absPath="https://shop.example/static/app.min.js")]
    (found,) = explain(context, crash(frames=frames)).frames

    assert (found.unresolved, found.artifact) == (None, "~/static/app.min.js")
    assert found.reported.file == "app.min.js"


def test_explaining_very_many_files_takes_no_time(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {f"~/chunks/{number:05}-page.js": script(None) for number in range(2_000)})
    frames = [frame("checkout", url=f"https://h/chunks/{number * 7:05}-pagf.js") for number in range(250)]
    began = time.process_time()
    told = explain(context, crash(frames=frames))

    assert time.process_time() - began < 10
    assert len(told.frames) == 250
    assert told.frames[0].alike
