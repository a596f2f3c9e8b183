"""`errors explain` for people and for scripts."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.conftest import Run

SENT = "fc6d8c0c43fc4630ad850ee518f1b9d0"


def test_it_shows_what_decided_and_what_counts(report: Callable[..., None], run: Run) -> None:
    report(eventId=SENT)
    shown = run("errors", "explain", SENT)

    assert shown.code == 0
    assert "MY-APP-1" in shown.out
    assert "the types and frames of its exceptions" in shown.out
    assert "the same as computed today" in shown.out
    assert "frame shop/cart.py total" in shown.out
    assert "not the application's, and there are frames that are" in shown.out


def test_json_is_the_body_of_http(report: Callable[..., None], run: Run) -> None:
    report(eventId=SENT)
    answer = run("errors", "explain", SENT, "--origin", "my-app", "--json").json

    assert (answer["decidedBy"], answer["agreement"], answer["shortId"]) == ("stack", "current", "MY-APP-1")
    assert [frame["role"] for frame in answer["reported"]["errors"][0]["frames"]] == ["counted", "notInApp"]


def test_a_long_stack_says_what_is_left_out(report: Callable[..., None], run: Run) -> None:
    report(eventId=SENT, frames=[{"file": "a.py", "function": f"f{n}", "inApp": True} for n in range(70)])
    shown = run("errors", "explain", SENT).out

    assert "10 more left out" in shown
    assert "further from the crash than 30 that count" in shown


def test_an_unknown_event_is_refused(report: Callable[..., None], run: Run) -> None:
    report()
    refused = run("errors", "explain", "nothing")

    assert refused.code == 1
    assert "No event 'nothing'" in refused.err
