"""What is answered of an issue of which retention has removed events."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factory import make_context, payload, report
from tests.rendering import to_json

from provenance_core.errors import NotFound
from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_server.client import LocalClient
from provenance_server.implementations import issue_operations
from provenance_server.operations import GET_ERROR_ISSUE, GET_ERROR_ISSUE_EVENTS, UPDATE_ERROR_ISSUE_STATUS
from provenance_storage.records import OriginRecord
from provenance_storage.retention import DAY, RECENT, prune
from provenance_storage.store import Store
from provenance_storage.turns import Turns

assert issue_operations
NOW = 1_795_437_407_000_000


class Clock:
    """A clock that moves only when told."""

    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Any:
    store = Store.open(url, clock)
    yield store
    store.close()


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    config = OriginConfig(error_tracking=ErrorTracking(retention_days=30, max_events_per_issue=10))
    return store.origins.create("shop", "Shop", None, config)


def ask(store: Store, event: str = "latest") -> Any:
    return LocalClient(make_context(store)).call(GET_ERROR_ISSUE, {"issueId": "shop-1", "event": event})


def remove_old(store: Store, clock: Clock) -> None:
    prune(store, clock.now, Turns(store.database))


def test_the_oldest_and_newest_that_are_stored_are_shown(store: Store, origin: OriginRecord, clock: Clock):
    report(store, origin, payload())
    clock.now += 20 * DAY
    second, third = report(store, origin, payload(), payload())
    clock.now += 20 * DAY
    remove_old(store, clock)

    first, latest = ask(store, "first"), ask(store)

    assert (first.event.id, latest.event.id) == (str(second.id), str(third.id))
    assert (latest.event_count, latest.stored_event_count) == (3, 2)
    events = LocalClient(make_context(store)).call(GET_ERROR_ISSUE_EVENTS, {"issueId": "shop-1", "limit": 1})
    assert (events.total, events.items[0].id, bool(events.next_cursor)) == (2, str(third.id), True)


def test_an_issue_whose_events_are_gone_tells_what_was_counted(store: Store, origin: OriginRecord, clock: Clock):
    (gone,) = report(store, origin, payload())
    clock.now += 40 * DAY
    remove_old(store, clock)

    for which in ("latest", "first"):
        shown = ask(store, which)
        assert shown.event is None
        assert (shown.event_count, shown.stored_event_count) == (1, 0)
    compact = to_json(ask(store))
    assert "event" not in compact
    assert compact["storedEventCount"] == 0
    assert compact["reported"]["tags"]["region"] == {"eu": 1}
    assert compact["reported"]["lastRelease"] == "shop@1.0.0"
    with pytest.raises(NotFound, match="keeps no event"):
        ask(store, str(gone.id))


def test_such_an_issue_is_resolved_and_regresses_like_any(store: Store, origin: OriginRecord, clock: Clock):
    report(store, origin, payload(release="1"))
    clock.now += 40 * DAY
    remove_old(store, clock)
    asked = LocalClient(make_context(store))

    asked.call(UPDATE_ERROR_ISSUE_STATUS, {"issueId": "shop-1", "status": "resolved"})
    (back,) = report(store, origin, payload(release="2"))

    shown = ask(store)
    assert (shown.status.value, shown.event.id) == ("regressed", str(back.id))
    assert (shown.event_count, shown.stored_event_count) == (2, 1)


def test_nothing_is_said_where_all_events_are_stored(store: Store, origin: OriginRecord):
    report(store, origin, payload())

    assert ask(store).stored_event_count is None
    assert "storedEventCount" not in to_json(ask(store))


def test_the_count_says_what_thinning_left(store: Store, origin: OriginRecord, clock: Clock):
    report(store, origin, *(payload() for _ in range(30)))
    clock.now += RECENT + DAY
    remove_old(store, clock)

    assert (ask(store).event_count, ask(store).stored_event_count) == (30, 10)


def test_a_payload_that_goes_while_it_is_asked_for(store: Store, origin: OriginRecord, clock: Clock):
    (one,) = report(store, origin, payload())
    row = store.interactions.find(one.id)
    assert row is not None
    clock.now += 40 * DAY
    remove_old(store, clock)

    with pytest.raises(NotFound, match="ask again"):
        store.interactions.payload(row)
