"""Both kinds of store give the same answers to the same stream of operations, but for the ids they make."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.factory import make_context, make_origin
from tests.postgres import cluster
from tests.storage.conftest import HeldClock, new_error
from tests.stores import new_database_url

from provenance_core.errors import ProvenanceError
from provenance_core.events import Level
from provenance_core.lifecycle import Status
from provenance_core.listing import Order, Sort
from provenance_server.context import Context
from provenance_server.operation import Operation
from provenance_server.operations import (
    CREATE_RELEASE,
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUE_EVENTS,
    GET_ERROR_ISSUES,
    GET_ORIGIN,
    GET_RELEASES,
    LIST_INTERACTIONS,
    UPDATE_ERROR_ISSUE_STATUS,
)
from provenance_storage.counters import HOUR, TAG_KEYS, TAG_VALUES
from provenance_storage.records import NewInteraction
from provenance_storage.store import Store

Ask = Callable[..., Any]
AnyOperation = Operation[Any, Any]
Step = tuple[str, dict[str, Any]]
FINGERPRINTS = ["f0", "f1", "f2", "f3", "f4", "f5"]
RELEASES = ["1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0", "night-7", "Äpfel_2"]
ENVIRONMENTS = ["production", "Production", "état", "_", "staging", "a b", "%"]
WORDS = ["a", "b", "c", "z", "0", "10", "9", "e", "B", "é", "ä", "_", "-", "Z", "~"]
TITLES = ["ValueError: no", "valueerror: NO", "50% of_it", "back\\slash", "Größe", "x" * 300]
STEP = 1_000
"""Microseconds from step to step: more than a step has events, of which each is received a microsecond after the last.

Else a release could be registered at the moment at which an event brought another, and which of them is newer would be
left to the random part of their ids.
"""
_NUMBERS = itertools.count(1)

_EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "fingerprint": st.sampled_from(FINGERPRINTS),
            "release": st.none() | st.sampled_from(RELEASES),
            "event_id": st.none() | st.sampled_from([f"e{number}" for number in range(9)]),
            "user": st.none() | st.binary(min_size=1, max_size=1),
            "level": st.sampled_from(list(Level)),
            "title": st.sampled_from(TITLES),
            "tags": st.dictionaries(st.sampled_from(WORDS), st.sampled_from(WORDS), max_size=4),
            "environment": st.sampled_from([None, *ENVIRONMENTS]),
        }
    ),
    min_size=1,
    max_size=4,
)
_FLOODS = st.builds(
    lambda fingerprint, key: [
        {"fingerprint": fingerprint, "tags": {f"{key}{number}": "v" for number in range(TAG_KEYS + 5)}},
        *({"fingerprint": fingerprint, "tags": {key: f"v{number}"}} for number in range(TAG_VALUES + 5)),
    ],
    st.sampled_from(FINGERPRINTS),
    st.sampled_from(["k", "l"]),
)
_CHANGES = st.fixed_dictionaries(
    {
        "number": st.integers(1, 7),
        "status": st.sampled_from(list(Status)),
        "release": st.none() | st.sampled_from([*RELEASES, "9.9.9"]),
    }
)
_REGISTERED = st.fixed_dictionaries(
    {
        "version": st.sampled_from(RELEASES),
        "dateReleased": st.sampled_from([None, "2026-11-23", "2025-01-01T00:00:00Z"]),
    }
)
_WAITS = st.fixed_dictionaries({"microseconds": st.sampled_from([1, 1_000, HOUR, 30 * HOUR])})
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.just("events"), st.fixed_dictionaries({"events": _EVENTS}))
    | st.tuples(st.just("events"), st.fixed_dictionaries({"events": _EVENTS}))
    | st.tuples(st.just("change"), _CHANGES)
    | st.tuples(st.just("register"), _REGISTERED)
    | st.tuples(st.just("wait"), _WAITS)
    | st.tuples(st.just("events"), st.fixed_dictionaries({"events": _FLOODS})),
    min_size=1,
    max_size=25,
)


@contextmanager
def _sorting_as_people_do() -> Generator[str]:
    """Give a PostgreSQL database of which texts are in the order of a language, as in most that users have."""
    server = cluster()
    name = "agreeing"
    language = "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        try:
            connection.execute(f"CREATE DATABASE {name} {language}")
        except psycopg.errors.FeatureNotSupported:  # a server that was built without ICU
            connection.execute(f"CREATE DATABASE {name}")
    try:
        yield server.url(name)
    finally:
        server.drop(name)


class Asked:
    """A store, of which every id is told as the number of its first appearance."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.context: Context = make_context(store)
        self._ids: dict[str, str] = {}

    def told(self, operation: AnyOperation, arguments: dict[str, Any]) -> Any:
        """Return an answer, or a refusal."""
        try:
            answer: Any = operation(self.context, arguments).model_dump(mode="json", by_alias=True)
        except ProvenanceError as error:
            return type(error).__name__, error.message
        return self._without_ids(answer)

    def walked(self, operation: AnyOperation, arguments: dict[str, Any]) -> list[Any]:
        """Return every page of a list, or the refusal."""
        pages: list[Any] = []
        cursor: dict[str, Any] = {}
        while True:
            try:
                page = operation(self.context, {**arguments, **cursor}).model_dump(mode="json", by_alias=True)
            except ProvenanceError as error:
                return [*pages, (type(error).__name__, error.message)]
            cursor = {"cursor": page.pop("nextCursor")}
            pages.append(self._without_ids(page))
            if cursor["cursor"] is None:
                return pages

    def _without_ids(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._without_ids(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._without_ids(item) for item in value]
        if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", value):
            return self._ids.setdefault(value, f"id {len(self._ids)}")
        return value


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HeldClock, list[Asked]]]:
    folder = tmp_path_factory.mktemp("agree")
    with new_database_url("sqlite", folder) as file, _sorting_as_people_do() as database:
        clock = HeldClock()
        with closing(Store.open(file, clock)) as one, closing(Store.open(database, clock)) as other:
            yield clock, [Asked(one), Asked(other)]


def _same(both: list[Asked], what: Callable[[Asked], Any], told: object) -> Any:
    """Return what both stores tell, which must be the same."""
    one, other = (what(asked) for asked in both)
    assert one == other, told
    return one


def _told(what: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in what.items() if value is not None}


def _do(both: list[Asked], clock: HeldClock, origin: str, step: Step) -> None:
    kind, what = step
    if kind == "wait":
        clock.now += what["microseconds"]
    elif kind == "events":
        _same(both, lambda asked: _record(asked.store, origin, what["events"]), step)
    elif kind == "change":
        issue = f"{origin}-{what['number']}"
        arguments = _told({**what, "number": None, "issueId": issue})
        _same(both, lambda asked: asked.told(UPDATE_ERROR_ISSUE_STATUS, arguments), step)
    else:
        arguments = _told({**what, "origin": origin})
        _same(both, lambda asked: asked.told(CREATE_RELEASE, arguments), step)


def _record(store: Store, mnemonic: str, events: list[dict[str, Any]]) -> list[tuple[int, bool]]:
    origin = store.origins.find(mnemonic)
    batch: list[NewInteraction] = []
    for one in events:
        environment = {"environment": one["environment"]} if one.get("environment") else {}
        given = {name: value for name, value in one.items() if name != "environment"}
        batch.append(new_error(origin, **{**given, "tags": one["tags"] | environment}))
    return [(done.received_at, done.duplicate) for done in store.record(batch)]


@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to make a stream shorter takes a second for each try
)
@given(steps=STEPS)
def test_the_same_stream_gives_the_same_answers(both: tuple[HeldClock, list[Asked]], steps: list[Step]) -> None:
    clock, stores = both
    origin = f"app{next(_NUMBERS)}"
    for asked in stores:
        make_origin(asked.store, origin)
    for step in steps:
        clock.now += STEP
        _do(stores, clock, origin, step)

    filters: list[dict[str, Any]] = [
        *({"sort": sort, "order": order} for sort in Sort for order in Order),
        *({"status": [status]} for status in Status),
        *({"level": [level]} for level in Level),
        *({"environment": name} for name in ENVIRONMENTS),
        *({"release": version} for version in RELEASES),
        *({"query": text} for text in ("value", "NO", "%", "_", "\\", "nothing", "f_i")),
        *({"since": "24h"}, {"until": "24h"}, {"since": "29h", "until": "1h", "status": ["open", "resolved"]}),
        {"environment": "production", "release": "1.0.0", "level": ["error", "fatal"], "sort": Sort.EVENT_COUNT},
    ]
    for one in filters:
        _same(stores, lambda asked, one=one: asked.walked(GET_ERROR_ISSUES, {"origin": origin, "limit": 2, **one}), one)
    _same(stores, lambda asked: asked.walked(GET_RELEASES, {"origin": origin, "limit": 2}), "releases")
    _same(stores, lambda asked: asked.walked(LIST_INTERACTIONS, {"origin": origin, "limit": 50}), "interactions")
    _same(stores, lambda asked: asked.told(GET_ORIGIN, {"id": origin}), "origin")
    for number in range(1, len(FINGERPRINTS) + 1):
        issue = f"{origin}-{number}"
        for event in ("latest", "first"):
            _same(
                stores, lambda asked, i=issue, e=event: asked.told(GET_ERROR_ISSUE, {"issueId": i, "event": e}), issue
            )
        _same(stores, lambda asked, i=issue: asked.walked(GET_ERROR_ISSUE_EVENTS, {"issueId": i}), issue)
