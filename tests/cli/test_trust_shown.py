"""What people see of trust: counts, senders, and that something is withheld."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console
from tests.factory import make_context, make_origin, payload, report

from provenance_cli.issue_page import issue_page
from provenance_cli.tables import draw
from provenance_core.access import Access, Actor, ActorKind, Door, Scope, included
from provenance_core.events import Model, Via
from provenance_server.answers import IssueDetail, Senders, TrustCounts
from provenance_server.arguments import Detail
from provenance_server.lockdown import withheld
from provenance_server.operations import (
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUE_EVENTS,
    GET_ERROR_ISSUES,
    GET_RELEASES,
    UPDATE_ERROR_ISSUE_STATUS,
)
from provenance_storage.store import Store

AGENT = Access(Actor(ActorKind.KEY, "ci", "claude-code", Door.MCP), included({Scope.ADMIN}), Via.SERVER)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open(f"sqlite:///{tmp_path / 'p.sqlite3'}")
    report(store, make_origin(store), payload())
    return store


def read(store: Store) -> IssueDetail:
    return GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"})


def page(answer: IssueDetail) -> str:
    """Return an issue's page as text."""
    console = Console(width=160)
    with console.capture() as captured:
        console.print(*issue_page(answer, Detail.CONCISE), sep="\n")
    return captured.get()


def table(answer: Model, width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(draw(answer, width))
    return captured.get()


def test_a_page_says_how_far_it_is_known_who_sent_events(store: Store) -> None:
    known = {
        "trust": TrustCounts(authenticated=2, matched=1),
        "event_count": 9,
        "senders": Senders(events=9, addresses=3, most_from_one=7),
        "trend": [0] * 22 + [1, 8],
    }
    told = page(read(store).model_copy(update=known))

    assert "2 authenticated, 1 matched of 9" in told
    assert "3 addresses sent the newest 9 events, one of them 7" in told
    assert "▁█ (24 hours, the last is now)" in told
    assert "anyone may have sent them" in page(
        read(store).model_copy(update={"trust": TrustCounts(authenticated=0, matched=0)})
    )


def test_the_history_names_the_program_too(store: Store) -> None:
    UPDATE_ERROR_ISSUE_STATUS(make_context(store, AGENT), {"issueId": "shop-1", "status": "muted"})
    told = page(read(store))

    assert "key:ci" in told
    assert "claude-code" in told


def test_a_page_says_what_a_lockdown_withholds(store: Store) -> None:
    told = page(withheld(read(store)))

    assert told.count("(withheld)") >= 3
    assert "KeyError" not in told
    assert "mug" not in told


def test_a_page_without_an_event_says_why(store: Store) -> None:
    bare = read(store).model_copy(update={"event": None})
    hidden = page(withheld(bare))
    gone = page(withheld(bare.model_copy(update={"stored_event_count": 0})))

    assert "withheld by the server's lockdown" in hidden
    assert "kept any more" not in hidden
    assert "None of its events is kept any more" in gone


@pytest.mark.parametrize(
    ("senders", "told"),
    [
        ((1, 1, 1), "1 address sent the newest event\n"),
        ((9, 1, 9), "1 address sent the newest 9 events\n"),
        ((9, 3, 7), "3 addresses sent the newest 9 events, one of them 7\n"),
    ],
)
def test_senders_are_told_in_good_english(store: Store, senders: tuple[int, int, int], told: str) -> None:
    sent = Senders(events=senders[0], addresses=senders[1], most_from_one=senders[2])
    shown = page(read(store).model_copy(update={"senders": sent}))

    assert told in "".join(f"{line.rstrip()}\n" for line in shown.splitlines())


def test_releases_whose_names_are_withheld_are_no_empty_rows(store: Store) -> None:
    whole = page(withheld(read(store)))
    listed = table(withheld(GET_RELEASES(make_context(store), {"origin": "shop"})), 160)
    events = table(withheld(GET_ERROR_ISSUE_EVENTS(make_context(store), {"issueId": "shop-1"})), 160)

    assert re.search(r"\(withheld\) +no +1 ", whole)
    assert re.search(r"^ *\(withheld\) +no ", listed, re.MULTILINE)
    assert "shop@1.0.0" not in whole + listed + events


@pytest.mark.parametrize("width", [80, 200])
def test_a_list_says_what_a_lockdown_withholds(store: Store, width: int) -> None:
    told = table(withheld(GET_ERROR_ISSUES(make_context(store), {})), width)

    assert "(withheld)" in told
    assert "CheckoutError" not in told
