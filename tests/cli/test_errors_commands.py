from __future__ import annotations

import getpass
import os
from collections.abc import Callable

import pytest
from tests.cli.conftest import Run
from tests.factory import make_context
from tests.stores import Kind

from provenance_core.events import Via
from provenance_server.client import LocalClient
from provenance_server.ingest import InteractionFields, from_payload
from provenance_server.operations import GET_ERROR_ISSUE, GET_ERROR_ISSUE_EVENTS, GET_ERROR_ISSUES
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: the doors ask the commands on either."""
    return "sqlite"


def client(store: Store) -> LocalClient:
    return LocalClient(make_context(store))


def titles(run: Run, *words: str) -> list[str]:
    outcome = run("errors", "list", "--json", *words)
    assert outcome.code == 0, outcome.err
    return [item["reported"]["title"].partition(":")[0] for item in outcome.json["items"]]


def test_list_shows_a_row_an_issue(run: Run, issues: list[str]):
    outcome = run("errors", "list")

    assert outcome.code == 0
    header, *rows = outcome.out.splitlines()
    assert header.split() == [
        "ISSUE",
        "STATUS",
        "LEVEL",
        "TITLE",
        "CULPRIT",
        "EVENTS",
        "TRUST",
        "USERS",
        "LAST",
        "SEEN",
        "RELEASES",
    ]
    assert [row.split()[0] for row in rows] == list(reversed(issues))
    assert "ValueError: no price" in rows[2]
    assert "2" in rows[2].split()
    assert "just now" in rows[2]
    assert "1.0.0" in rows[2]
    assert outcome.err == ""


def test_list_says_where_there_is_nothing(run: Run):
    assert run("errors", "list").out == "No issues match.\n"


def test_list_in_json_is_the_answer(run: Run, store: Store, issues: list[str]):
    answer = client(store).call(GET_ERROR_ISSUES, {"status": ["open"]})

    outcome = run("errors", "list", "--status", "open", "--json")

    assert outcome.json == answer.model_dump(mode="json", by_alias=True)
    assert outcome.out.count("\n") == 1


def test_every_filter_is_passed_on(run: Run, issues: list[str]):
    run("errors", "mute", "my-app-3")

    assert titles(run, "--origin", "MY-APP", "--status", "open") == ["KeyError", "ValueError"]
    assert titles(run, "--status", "open,muted") == ["TypeError", "KeyError", "ValueError"]
    assert titles(run, "--status", "open", "--status", "muted") == ["TypeError", "KeyError", "ValueError"]
    assert titles(run, "--level", "fatal") == ["KeyError"]
    assert titles(run, "--environment", "test") == ["TypeError"]
    assert titles(run, "--release", "1.1.0") == ["KeyError"]
    assert titles(run, "--query", "price") == ["ValueError"]
    assert titles(run, "--since", "1h", "--until", "2000-01-01") == []
    assert titles(run, "--sort", "eventCount", "--limit", "1") == ["ValueError"]
    assert titles(run, "--sort", "firstSeen", "--order", "asc") == ["ValueError", "KeyError", "TypeError"]


def test_trust_narrows_the_list_and_its_column_is_explained(
    run: Run, issues: list[str], origin: OriginRecord, store: Store
):
    anyones = {"errorType": "Anyones", "message": "from a page"}
    store.record([from_payload(origin, anyones, Via.PUBLIC, InteractionFields())])

    assert titles(run)[0] == "Anyones"
    assert titles(run, "--trust", "authenticated") == titles(run, "--trust", "matched") == titles(run)[1:]
    assert "TRUST is" in run("errors", "list", "--help").out


def test_the_next_page_is_hinted_and_found(run: Run, issues: list[str]):
    first = run("errors", "list", "--limit", "2")

    assert first.err.startswith("More of 3: add --cursor ")
    second = run("errors", "list", "--limit", "2", *first.err.split()[4:])
    assert second.code == 0
    assert "MY-APP-1" in second.out
    assert second.err == ""


def test_all_pages_come_as_one(run: Run, issues: list[str]):
    outcome = run("errors", "list", "--all", "--limit", "1", "--json")

    assert [item["shortId"] for item in outcome.json["items"]] == list(reversed(issues))
    assert outcome.json["total"] == 3
    assert outcome.json["nextCursor"] is None


def test_the_configured_origin_narrows_the_list_unless_an_empty_one_is_said(run: Run, issues: list[str]):
    run("origins", "create", "other")
    run("config", "set", "origin", "other")

    assert titles(run) == []
    assert len(titles(run, "--origin", "")) == 3
    assert len(titles(run, "--origin", "my-app")) == 3


def test_get_shows_what_is_needed_to_fix_it(run: Run, issues: list[str]):
    run("errors", "mute", "my-app-1", "--note", "known")

    page = run("errors", "get", "my-app-1")

    assert page.code == 0
    assert page.out.splitlines()[:3] == ["MY-APP-1  muted  error", "ValueError: no price", "shop/cart.py in total"]
    for shown in (
        *("2, 2 in the last 24 hours", "> shop/cart.py:41 in total", "→ 41     return price(cart)"),
        *("POST https://shop.example/pay", "region", "eu (2)", "1.0.0", "known", f"local:{getpass.getuser()}"),
        *("open → muted", "click 7", "Breadcrumbs (the last 5 of 8)"),
    ):
        assert shown in page.out, shown
    assert "click 2" not in page.out
    assert '"items": 3' not in page.out


def test_get_of_an_issue_without_a_culprit_has_no_line_for_it(run: Run, report: Callable[..., None]):
    report(frames=[])
    outcome = run("errors", "get", "my-app-1")

    assert "-" not in outcome.out.splitlines()
    assert outcome.out.splitlines()[2].startswith("Origin ")


def test_get_in_full_shows_the_rest(run: Run, issues: list[str]):
    page = run("errors", "get", "my-app-1", "--detail", "full")

    for shown in ("click 0", '{"items": 3}', "Linux", "text/html"):
        assert shown in page.out, shown


def test_get_shows_the_event_that_is_asked_for(run: Run, issues: list[str]):
    events = run("errors", "events", "my-app-1", "--json").json["items"]

    assert run("errors", "get", "my-app-1", "--json").json["event"]["id"] == events[0]["id"]
    assert run("errors", "get", "my-app-1", "--json", "--event", "first").json["event"]["id"] == events[1]["id"]
    assert run("errors", "get", "my-app-1", "--json", "--event", events[1]["id"]).json["event"]["id"] == events[1]["id"]


def test_get_in_json_is_the_answer(run: Run, store: Store, issues: list[str]):
    answer = client(store).call(GET_ERROR_ISSUE, {"issueId": "my-app-1"})

    assert run("errors", "get", "my-app-1", "--json").json == answer.model_dump(mode="json", by_alias=True)


def test_events_are_listed(run: Run, store: Store, issues: list[str]):
    answer = client(store).call(GET_ERROR_ISSUE_EVENTS, {"issueId": "my-app-1", "limit": 1})

    outcome = run("errors", "events", "my-app-1", "--limit", "1", "--json")
    shown = run("errors", "events", "my-app-1", "--limit", "1")

    assert outcome.json == answer.model_dump(mode="json", by_alias=True)
    assert outcome.err == ""
    assert answer.items[0].id in shown.out
    assert "UNHANDLED" in shown.out
    assert f"--cursor {answer.next_cursor}" in shown.err


def test_one_issue_goes_through_its_life(run: Run, report: Callable[..., None], issues: list[str]):
    resolved = run("errors", "resolve", "my-app-1", "--release", "1.1.0", "--note", "fixed")
    again = run("errors", "resolve", "my-app-1", "--release", "1.1.0")
    report(release="2.0.0")
    after = run("errors", "get", "my-app-1", "--json").json

    assert resolved.out == "MY-APP-1  open → resolved in 1.1.0  ValueError: no price\n"
    assert again.out == "MY-APP-1  is already resolved in 1.1.0  ValueError: no price\n"
    assert again.code == 0
    assert after["status"] == "regressed"
    assert after["history"][0]["note"] == "fixed"
    assert run("errors", "reopen", "my-app-1").out.startswith("MY-APP-1  regressed → open")
    assert run("errors", "ignore", "my-app-1").out.startswith("MY-APP-1  open → ignored")


def test_one_changed_issue_in_json_is_the_changed_issue(run: Run, issues: list[str]):
    body = run("errors", "ignore", "my-app-1", "--json").json

    assert (body["shortId"], body["status"], body["previousStatus"], body["changed"]) == (
        *("MY-APP-1", "ignored", "open"),
        True,
    )


def test_of_several_issues_each_has_its_outcome(run: Run, issues: list[str]):
    run("errors", "ignore", "my-app-2")

    outcome = run("errors", "mute", "my-app-1", "my-app-2", "my-app-99")

    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert lines[0].startswith("MY-APP-1  open → muted")
    assert lines[1].startswith("my-app-2  refused: An issue that is `ignored` cannot become `muted`.")
    assert lines[2].startswith("my-app-99  refused: No issue")
    assert lines[3] == "1 changed, 2 refused"


def test_several_outcomes_in_json_are_one_document(run: Run, issues: list[str]):
    outcome = run("errors", "mute", "--json", "my-app-1", "my-app-99")

    assert outcome.code == 1
    assert outcome.json["changed"] == 1
    assert outcome.json["refused"] == 1
    assert outcome.json["items"][0]["issue"]["status"] == "muted"
    assert outcome.json["items"][1]["error"]["code"] == "not_found"
    assert run("errors", "mute", "my-app-1", "my-app-1").code == 0


def test_a_wrong_argument_for_several_issues_is_wrong_usage(run: Run, issues: list[str]):
    assert run("errors", "resolve", "my-app-1", "my-app-99", "--note", "").code == 2


def test_the_history_names_the_person(run: Run, issues: list[str], monkeypatch: pytest.MonkeyPatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "ann\x1b[31m")

    run("errors", "mute", "my-app-1")

    assert run("errors", "get", "my-app-1", "--json").json["history"][0]["actor"] == "local:ann\\u{1b}[31m"
    assert os.environ["USER"] == "ann\x1b[31m"
