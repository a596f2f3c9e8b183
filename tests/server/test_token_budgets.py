"""What answers cost a model: never more than promised, whatever events, names and notes hold."""

from __future__ import annotations

import json
import string
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from splintr import Tokenizer
from tests.examples import THOROUGH, examples
from tests.factory import make_context, make_origin, payload, report
from tests.http_api.sending import envelope, item
from tests.rendering import to_json
from tests.samples import envelopes, events, shared_envelopes
from tests.server.monsters import ALPHABETS, MONSTERS, frame

import provenance_server
from provenance_core.events import Level, Via
from provenance_core.lifecycle import Status
from provenance_http.dsn import Sender
from provenance_http.reception import open_envelope, receive_envelope
from provenance_server import answers
from provenance_server.arguments import Detail
from provenance_server.fitting import cost, line, to_second
from provenance_server.operations import GET_ERROR_ISSUE, GET_ERROR_ISSUES
from provenance_server.render import render, to_text
from provenance_server.render_limits import (
    CHANGED_LEAST,
    CHANGED_MOST,
    CHANGED_ROW,
    CREATED_RELEASE,
    DETAIL,
    LIST_LEAST,
    LIST_ROW,
    RELEASE_ROW,
    RELEASES_LEAST,
)
from provenance_server.sharing import largest_share
from provenance_server.tokens import tokens_of
from provenance_storage.store import Store

TOKENIZER = Tokenizer.from_pretrained("o200k_base")
NOW = "2026-11-23T10:00:00.123Z"
KINDS = [*ALPHABETS]


def real_tokens(text: str) -> int:
    """Return what a text costs a model of the family that is counted."""
    return len(TOKENIZER.encode(text))


def spent(value: dict[str, Any]) -> int:
    """Return what an answer costs."""
    return real_tokens(to_text(value))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Open one store of one kind: what is rendered is the same on either."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('budgets') / 'p.sqlite3'}")
    make_origin(store)
    yield store
    store.close()


@cache
def read(store: Store, name: str) -> answers.IssueDetail:
    """Record an event and return its issue."""
    (made,) = report(store, store.origins.find("shop"), MONSTERS[name])
    return GET_ERROR_ISSUE(make_context(store), {"issueId": str(made.issue_id), "event": str(made.id)})


# The estimate


TEXTS = st.text() | st.text(string.printable) | st.text(string.ascii_letters) | st.text("etaoinsr lc.de_fSTI'")
SPACED = [" ", "  ", "   ", *'1aZ":-\u01c5\u0294\u02b0\u0301\u00b2\u00a0\u3000']
"""Spaces, and one of each kind of what may follow them."""
SOME = st.sampled_from([text[:200] for text in ALPHABETS.values()])


@settings(max_examples=examples(300, thorough=5_000))
@given(st.lists(TEXTS | SOME | st.binary().map(bytes.hex), max_size=6).map("".join))
def test_the_estimate_is_never_less_than_the_count(text: str) -> None:
    written = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace").decode()

    assert tokens_of(written) >= real_tokens(written)


@settings(max_examples=examples(200, thorough=2_000))
@given(st.text(st.characters(codec="utf-8"), max_size=80) | st.lists(st.sampled_from(SPACED)).map("".join))
@example("  \u01c5\u01c5\u01c5\u01c5\u01c5")
@example("  1")
def test_the_estimate_holds_for_any_unicode(text: str) -> None:
    written = orjson.dumps(text).decode()

    assert tokens_of(written) >= real_tokens(written)


@pytest.mark.parametrize("first", range(0xA0, 0x3000, 0x100))
def test_the_estimate_holds_for_every_script(first: int) -> None:
    letters = [chr(code) for code in range(first, first + 0x100) if unicodedata.category(chr(code)) != "Cn"]
    for text in ("".join(letters), " ".join(letters), "a".join(letters), "".join(letter * 3 for letter in letters)):
        assert tokens_of(text) >= real_tokens(text)


def test_the_pieces_are_those_that_the_tokenizer_joins_first() -> None:
    """The proof of the estimate: joins in the tokenizer's order, from the first on, and words that are one token."""
    path = Path(provenance_server.__file__).parent / "token_pieces.json"
    stored: dict[str, list[str]] = orjson.loads(path.read_bytes())
    printable = frozenset(map(chr, range(32, 127)))
    first: list[str] = []
    for rank in range(3_000):
        piece = bytes(TOKENIZER.decode_token_bytes(rank)).decode("utf-8", "replace")
        if set(piece) <= printable:
            first.append(piece)

    assert stored["merged"] == first
    assert [word for word in stored["words"] if real_tokens(word) != 1] == []


# Texts that fit


@settings(max_examples=examples(200, thorough=2_000))
@given(TEXTS | SOME.map(lambda text: text * 9), st.integers(12, 300))
def test_a_line_costs_what_it_may(text: str, tokens: int) -> None:
    shown = line(text.encode("utf-8", "replace").decode(), tokens)

    assert cost(shown) <= tokens
    assert "\n" not in shown


@pytest.mark.parametrize(
    ("moment", "shown"),
    [("2026-11-23T10:00:00.123Z", "2026-11-23T10:00:00Z"), ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z")],
)
def test_moments_are_told_to_the_second(moment: str, shown: str) -> None:
    assert to_second(moment) == shown


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(0, 3_000))
def test_what_rows_share_is_never_more_than_there_is(needs: list[int], room: int) -> None:
    share = largest_share(needs, room)

    assert sum(min(need, share) for need in needs) <= max(room, 0)
    assert share == max(needs) or sum(min(need, share + 1) for need in needs) > room


# Issues


@pytest.mark.parametrize("detail", list(Detail))
@pytest.mark.parametrize("name", list(MONSTERS))
def test_one_issue_is_within_its_budget_whatever_its_event_holds(store: Store, name: str, detail: Detail) -> None:
    shown = to_json(read(store, name), detail)

    assert spent(shown) <= DETAIL[detail]
    assert shown["event"]["reported"]["stack"]


@pytest.mark.parametrize("detail", list(Detail))
@pytest.mark.parametrize("kind", KINDS)
def test_one_issue_is_within_its_budget_whatever_its_history_holds(store: Store, kind: str, detail: Detail) -> None:
    text = ALPHABETS[kind]
    short = text[:200]
    answer = read(store, f"filled with {kind}").model_copy(
        update={
            "first_release": short,
            "last_release": short,
            "resolved_in": short,
            "regression_count": 10**9,
            "senders": answers.Senders(events=500, addresses=400, most_from_one=99),
            "trust": answers.TrustCounts(authenticated=10**9, matched=10**9),
            "history": [_change(text, number) for number in range(200)],
            "releases": [_met(short, number) for number in range(300)],
        }
    )
    shown = to_json(answer, detail)

    assert spent(shown) <= DETAIL[detail]
    assert shown["history"]
    assert any("earlier changes" in told for told in shown["cut"])
    assert any("releases" in told for told in shown["cut"])
    assert shown["cut"][-1].split(":")[0] == "the rest"


def _change(text: str, number: int) -> answers.StatusChange:
    moves = (Status.OPEN, Status.RESOLVED) if number % 2 else (Status.RESOLVED, Status.REGRESSED)
    return answers.StatusChange(
        at=NOW,
        actor=f"key:{text[:64]}",
        client=text[:64],
        from_status=moves[0],
        to_status=moves[1],
        release=text[:200] if number % 3 else None,
        note=text[:10_000],
        event_id="01a20a91-9ac9-7608-b080-7e90198d15e3",
        reported=answers.ReportedVersion(version=None if number % 3 else text[:200]),
    )


def _met(text: str, number: int) -> answers.IssueRelease:
    return answers.IssueRelease(
        registered=bool(number % 2),
        version=text if number % 2 else None,
        event_count=10**9,
        first_seen=NOW,
        last_seen=NOW,
        reported=answers.ReportedVersion(version=None if number % 2 else text),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_root_cause_is_cut_last(store: Store, kind: str) -> None:
    event = payload(
        fingerprint=[f"root {kind}"],
        causes=[{"errorType": "KeyError", "message": "'mug'", "frames": [frame(7, **_readable())]}],
        breadcrumbs=[{"message": ALPHABETS[kind]}] * 90,
        tags={f"{number}{ALPHABETS[kind][:90]}": ALPHABETS[kind][:200] for number in range(90)},
        transaction=ALPHABETS[kind][:200],
    )
    (made,) = report(store, store.origins.find("shop"), event)
    shown = to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": str(made.issue_id)}))
    stack = shown["event"]["reported"]["stack"]

    assert stack.startswith("KeyError: 'mug'\n> app/module_7.py:7 in function_7\n")
    assert "    → 7     return PRICES[sku]" in stack
    assert "      sku = 'mug'" in stack


def _readable() -> dict[str, Any]:
    return {
        "contextLine": "    return PRICES[sku]",
        "preContext": ["def price_of(sku):"],
        "postContext": [],
        "vars": {"sku": "mug"},
    }


# Real events


def _sent() -> dict[str, bytes]:
    """Return real envelopes: all that are committed, and of the shared folder every tenth, or all if time is taken."""
    found = {name: envelope(item("event", orjson.dumps(event))) for name, event in events().items()}
    for kind in ("small", "large", "node"):
        paths = envelopes(kind) if shared_envelopes() else []
        found |= {f"{kind} {path.stem}": path.read_bytes() for path in (paths if THOROUGH else paths[::10])}
    return found


def test_real_events_cost_little_and_the_estimate_is_near(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'p.sqlite3'}")
    origin = make_origin(store)
    who = Sender(origin, origin.public_key, Via.PUBLIC)
    costs: dict[str, int] = {}
    ratios: dict[str, float] = {}
    for name, raw in _sent().items():
        for new in receive_envelope(who, open_envelope(raw)).events:
            (made,) = store.record([new])
            answer = GET_ERROR_ISSUE(make_context(store), {"issueId": str(made.issue_id), "event": str(made.id)})
            text = to_text(to_json(answer))
            costs[name] = real_tokens(text)
            ratios[name] = tokens_of(text) / costs[name]
    pages = [spent(to_json(GET_ERROR_ISSUES(make_context(store), {"limit": 20})))]
    store.close()

    assert {name: cost for name, cost in costs.items() if cost > 1_500} == {}
    assert {name: ratio for name, ratio in ratios.items() if not 1 <= ratio <= 1.5} == {}
    assert max(pages) <= 2_500


# Lists


def _issue(number: int, text: str, origin: str = "shop") -> answers.Issue:
    return answers.Issue(
        id="01a20a91-9ac9-7608-b080-7e90198d15e3",
        short_id=f"{origin}-{number}".upper(),
        origin=origin,
        status=Status.REGRESSED,
        event_count=10**9,
        user_count=10**9,
        first_seen=NOW,
        last_seen=NOW,
        status_changed_at=NOW,
        regression_count=10**6,
        resolved_in=text[:200],
        last_release=text[:200],
        trust=answers.TrustCounts(authenticated=10**9, matched=10**9),
        trend=[10**9] * 24,
        reported=answers.ReportedIssue(title=text, culprit=text, level=Level.WARNING, last_release=text[:200]),
    )


@pytest.mark.parametrize("rows", [1, 20, 100])
@pytest.mark.parametrize("origin", ["shop", "x7q-" * 15 + "z9qk"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_costs_so_much_a_row_whatever_titles_hold(kind: str, origin: str, rows: int) -> None:
    items = [_issue(number, ALPHABETS[kind], origin) for number in range(999_000, 999_000 + rows)]
    shown = render(answers.IssueList(items=items, total=10**9, next_cursor="1234567890" * 11))

    assert spent(shown.content) <= max(LIST_ROW * rows, LIST_LEAST)
    assert [row["shortId"] for row in shown.content["items"]] == [item.short_id for item in items]
    assert LIST_ROW * 20 == 2_500


def test_one_long_title_is_cut_and_its_neighbours_are_not() -> None:
    items = [_issue(number, "KeyError: 'mug'") for number in range(20)]
    items[3] = items[3].model_copy(update={"reported": answers.ReportedIssue(title="x9" * 9_999, level=Level.ERROR)})
    shown = to_json(answers.IssueList(items=items, total=20))

    cut = [number for number, row in enumerate(shown["items"]) if "chars)" in row["reported"]["title"]]
    assert cut == [3]
    assert len(shown["items"][3]["reported"]["title"]) > 40


def test_trends_stand_beside_what_a_model_reads() -> None:
    quiet = _issue(2, "b").model_copy(update={"trend": [0] * 24})
    shown = render(answers.IssueList(items=[_issue(1, "a"), quiet], total=2))

    assert shown.meta["provenance/trend"] == {"SHOP-1": [10**9] * 24}
    assert shown.meta["ifc"] == {"integrity": "untrusted", "confidentiality": "private"}
    assert "trend" not in shown.content["items"][0]


@pytest.mark.parametrize("rows", [1, 25, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_releases_costs_so_much_a_row(kind: str, rows: int) -> None:
    text = ALPHABETS[kind]
    items: list[answers.Release] = [_release(text, registered=bool(number % 2)) for number in range(rows)]
    shown = to_json(answers.ReleaseList(items=items, total=10**9, next_cursor="1234567890" * 11))

    assert spent(shown) <= max(RELEASE_ROW * rows, RELEASES_LEAST)
    assert len(shown["items"]) == rows


def _release(text: str, *, registered: bool) -> answers.CreatedRelease:
    return answers.CreatedRelease(
        id="01a20a91-9ac9-7608-b080-7e90198d15e3",
        origin="shop",
        registered=registered,
        version=text[:200] if registered else None,
        ref=text[:200],
        url=f"https://x/{text[:1_990]}",
        notes=text[:10_000],
        date_released=NOW,
        created_at=NOW,
        new_issues=10**9,
        regressed_issues=10**9,
        total_issues=10**9,
        source_maps=10**9,
        reported=answers.ReportedVersion(version=None if registered else text[:200]),
        created=True,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_created_release_is_bounded(kind: str) -> None:
    assert spent(to_json(_release(ALPHABETS[kind], registered=True))) <= CREATED_RELEASE


@pytest.mark.parametrize("rows", [1, 50, 500])
@pytest.mark.parametrize("kind", KINDS)
def test_an_update_is_bounded(kind: str, rows: int) -> None:
    text = ALPHABETS[kind]
    told = answers.StatusOutcome(issue_id=text[:200], error=answers.Refusal(code="not_found", message=text))
    row = answers.ChangedIssue(**_issue(1, text).model_dump(), previous_status=Status.RESOLVED, changed=True)
    done = answers.StatusOutcome(issue_id="shop-1", issue=row)
    items = [told if number % 7 == 0 else done for number in range(rows)]
    shown = to_json(answers.StatusOutcomes(items=items, changed=rows, refused=rows))

    assert spent(shown) <= min(max(CHANGED_ROW * rows, CHANGED_LEAST), CHANGED_MOST)
    assert spent(to_json(row)) <= CHANGED_LEAST
    assert len(shown["items"]) == rows or shown["cut"]
    assert "error" in shown["items"][0]
