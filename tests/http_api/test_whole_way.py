"""The whole way of an event, from the bytes of an envelope to the answer about its issue, whatever stands in it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.test_normalize_limits import MARKS
from tests.examples import examples
from tests.factory import make_context, make_origin
from tests.http_api.sending import envelope, item
from tests.rendering import to_json
from tests.samples import events
from tests.server.test_token_budgets import spent
from tests.stores import KINDS, new_database_url

from provenance_core import limits
from provenance_core.errors import ProvenanceError
from provenance_core.events import Via
from provenance_http.dsn import Sender
from provenance_http.reception import open_envelope, receive_envelope
from provenance_server.operations import (
    EXPLAIN_GROUPING,
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUE_EVENTS,
    GET_ERROR_ISSUES,
    RECORD_INTERACTION,
)
from provenance_server.render_limits import DETAIL
from provenance_storage.payloads import decompress
from provenance_storage.records import NewInteraction
from provenance_storage.store import Store

REAL = list(events().values())
MOST_PLACES = 12
"""How deep parts are exchanged; what they are exchanged for may be nested deeper."""
TEXTS = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(
    [
        "\0",
        "\ud800",
        "a\0b",
        "\u202e\x1b[31m",
        "%s %d {}",
        "'; --",
        "x" * 5_000,
        "\U000e0041" * 500,
        "1" * 400,
        "\n" * 90,
    ]
)
NUMBERS = st.sampled_from([0, -1, 1.5, 1e308, -0.0, 2**31, 2**63, -(2**63) - 1, 10**400, float("nan"), float("inf")])
DEEP = st.builds(lambda depth, leaf: _nested(depth, leaf), st.sampled_from([1, 50, 300]), TEXTS)
HOSTILE = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
MANY = st.builds(lambda value, times: [value] * times, HOSTILE, st.sampled_from([60, 600]))


def _nested(depth: int, leaf: str) -> Any:
    value: Any = leaf
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return where everything in an event stands."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in children:
        yield (*place, key)
        if len(place) < MOST_PLACES:
            yield from _places(inner, (*place, key))


@st.composite
def _mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Return a real event of which some parts are something else, stand twice, or have another name."""
    event = copy.deepcopy(draw(st.sampled_from(REAL)))
    for new in [*draw(st.lists(HOSTILE | DEEP, min_size=1, max_size=4)), *draw(st.lists(MANY, max_size=1))]:
        places = list(_places(event))
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        holder = event
        for key in way:
            holder = holder[key]
        if isinstance(holder, dict) and draw(st.booleans()):
            holder[draw(TEXTS | st.sampled_from(list(REAL[0])))] = new
        elif isinstance(holder, list) and draw(st.booleans()):
            holder.insert(0, new)
        else:
            holder[last] = new
    return event


def _bytes(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=True).encode()


BODIES = st.builds(_bytes, _mutated()) | st.builds(
    lambda event, junk, at: event[: at % len(event)] + junk + event[at % len(event) :],
    st.sampled_from(REAL).map(_bytes),
    st.binary(max_size=8) | st.sampled_from([b"[" * 3_000, b'{"a":' * 3_000, b"9" * 5_000]),
    st.integers(0, 10_000),
)


@pytest.fixture(scope="module", params=KINDS)
def sender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Sender]]:
    with new_database_url(request.param, tmp_path_factory.mktemp("way")) as url:
        store = Store.open(url)
        origin = make_origin(store)
        yield store, Sender(origin, origin.public_key, Via.PUBLIC)
        store.close()


def _check(store: Store, new: NewInteraction) -> None:
    """Check that an event is stored within bounds, and can be read and explained within bounds."""
    recorded = store.record([new])[0]
    context = make_context(store)
    answer = GET_ERROR_ISSUE(context, {"issueId": str(recorded.issue_id), "event": str(recorded.id)})
    explained = EXPLAIN_GROUPING(context, {"id": str(recorded.id)})

    assert len(decompress(new.body)) <= limits.MAX_EVENT_BYTES + MARKS
    assert recorded.issue_id is not None
    answer.model_dump_json(by_alias=True)
    assert len(explained.model_dump_json(by_alias=True)) < 1_000_000
    for detail, most in DETAIL.items():
        assert spent(to_json(answer, detail)) <= most


@settings(max_examples=examples(30, thorough=100), deadline=None)
@given(first=BODIES, second=BODIES)
def test_of_sentrys_format(sender: tuple[Store, Sender], first: bytes, second: bytes) -> None:
    store, who = sender
    received = receive_envelope(who, open_envelope(envelope(item("event", first), item("event", second))))
    for new in received.events:
        _check(store, new)

    assert len(received.events) + received.discards.total() == 2


@settings(max_examples=examples(20, thorough=60), deadline=None)
@given(content=_mutated(), data=st.data())
def test_of_our_own_format(sender: tuple[Store, Sender], content: dict[str, Any], data: st.DataObject) -> None:
    store, _ = sender
    context = make_context(store)
    around = data.draw(st.dictionaries(st.sampled_from(["userId", "resourceId", "externalResponse"]), HOSTILE))
    try:
        answer = RECORD_INTERACTION(
            context, {"origin": "shop", "resourceType": "ERROR", "interaction": content, **around}
        )
    except ProvenanceError:
        return
    answer.model_dump_json(by_alias=True)
    read = GET_ERROR_ISSUE(context, {"issueId": answer.issue_id})
    for detail, most in DETAIL.items():
        assert spent(to_json(read, detail)) <= most


def test_the_lists_can_be_read_after_all_that(sender: tuple[Store, Sender]) -> None:
    store, _ = sender
    context = make_context(store)
    cursor: str | None = None
    while True:
        page = GET_ERROR_ISSUES(context, {"limit": 100, **({"cursor": cursor} if cursor else {})})
        page.model_dump_json(by_alias=True)
        for issue in page.items:
            GET_ERROR_ISSUE_EVENTS(context, {"issueId": issue.id}).model_dump_json(by_alias=True)
        cursor = page.next_cursor
        if cursor is None:
            return
