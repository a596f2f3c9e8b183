"""What an upload does to issues whose events came before it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.maps import CART, crash, frame, source_map
from tests.server.source_maps import APP, first_frame, put, record

from provenance_server.context import Context
from provenance_server.operations import GET_ERROR_ISSUE

THROWN = 'throw new Error("the cart is empty");'


@pytest.mark.parametrize(
    "line", ['fetch("https://user:secret7@h/x")', 'const apiKey = "AKIAIOSFODNN7EXAMPLE"', "a(\u0000)"]
)
def test_the_next_events_join_though_their_source_has_secrets(context: Context, tmp_path: Path, line: str) -> None:
    """The source line tells two throws of one function apart, and is scrubbed before it does."""
    issue = record(context, crash("checkout"))
    contents = [CART.replace(THROWN, line), "", ""]
    done = put(context, tmp_path, {**APP, "~/static/app.min.js.map": source_map(sourcesContent=contents)})
    read = first_frame(context, issue)

    assert done.resolved_issues == 1
    assert record(context, crash("checkout")) == issue
    assert "secret7" not in read.context_line
    assert "AKIA" not in read.context_line


def test_where_it_happens_is_told_by_the_newest_event(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, release="2.0.0")
    fingerprint = {"fingerprint": ["one"]}
    issue = record(context, crash("total", release="1.0.0") | fingerprint)
    assert record(context, crash("checkout", release="2.0.0") | fingerprint) == issue
    before = GET_ERROR_ISSUE(context, {"issueId": issue}).reported.culprit
    put(context, tmp_path)

    assert GET_ERROR_ISSUE(context, {"issueId": issue}).reported.culprit == before


def test_an_older_event_is_looked_at_where_the_newest_is_not_helped(context: Context, tmp_path: Path) -> None:
    fingerprint = {"fingerprint": ["{{ default }}", "one"]}
    issue = record(context, crash("checkout") | fingerprint)
    other = crash(frames=[frame("checkout") | {"column": 3}])
    record(context, other | fingerprint)
    done = put(context, tmp_path)

    assert done.resolved_issues == 1
    assert record(context, crash("checkout") | fingerprint) == issue


def test_events_of_other_languages_are_not_read(context: Context, tmp_path: Path) -> None:
    record(context, {"errorType": "ValueError", "platform": "python", "release": "1.0.0", "frames": [frame("price")]})

    assert put(context, tmp_path).resolved_issues == 0
