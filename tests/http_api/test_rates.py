"""Rates: a key may send as many events a minute as its origin allows, and is told when it may go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.http_api import clock as wound
from tests.http_api.clock import FakeClock
from tests.http_api.conftest import BASE
from tests.http_api.sending import envelope, event_item, item, send, total

from provenance_core.events import Via
from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_http.app import create_app
from provenance_http.dsn import Sender
from provenance_http.rates import MOST_BUCKETS, Rates
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

SESSION = envelope(item("session", b"{}"))


clock, client = wound.clock, wound.client


def _event(number: int) -> bytes:
    return event_item(event_id=f"{number:032x}")


def _limit(store: Store, origin: OriginRecord, events: int | None) -> None:
    store.origins.update(origin.id, {"config": {"error_tracking": {"rate_limit": events}}})


def _sender(origin: OriginRecord, limit: int | None, key: str = "k") -> Sender:
    config = OriginConfig(error_tracking=ErrorTracking(rate_limit=limit))
    return Sender(replace(origin, config=config), key, Via.PUBLIC)


def test_a_minutes_events_may_come_at_once_and_more_may_not(
    client: TestClient, store: Store, origin: OriginRecord, clock: FakeClock
) -> None:
    _limit(store, origin, 6)

    taken = [send(client, origin, envelope(_event(number))).status_code for number in range(6)]
    refused = send(client, origin, envelope(_event(6)))
    clock.pass_seconds(10)
    again = [send(client, origin, envelope(_event(number))).status_code for number in (6, 7)]

    assert taken == [200] * 6
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "10"
    assert refused.headers["x-sentry-rate-limits"] == "10:default;error:key:rate_limit"
    assert "X-Sentry-Rate-Limits" in refused.headers["access-control-expose-headers"]
    assert refused.headers["x-sentry-error"] == refused.json()["detail"]
    assert again == [200, 429]
    assert total(client) == 7


def test_what_is_refused_is_counted(store: Store, origin: OriginRecord, clock: FakeClock) -> None:
    _limit(store, origin, 1)
    with TestClient(create_app(store, clock=clock), base_url=BASE) as client:
        for number in range(3):
            send(client, origin, envelope(_event(number)))

    assert store.discarded(origin.id) == {("error", "rate_limited"): 2}


def test_an_envelope_pays_for_each_of_its_events(client: TestClient, store: Store, origin: OriginRecord) -> None:
    _limit(store, origin, 4)

    statuses = [send(client, origin, envelope(*(_event(n) for n in numbers))).status_code for numbers in _TRIPLES]

    assert statuses == [200, 200, 429]
    assert total(client) == 6


_TRIPLES = [(1, 2, 3), (4, 5, 6), (7, 8, 9)]


def test_what_holds_no_event_is_free(client: TestClient, store: Store, origin: OriginRecord) -> None:
    _limit(store, origin, 1)

    statuses = [send(client, origin, body).status_code for body in (SESSION, SESSION, envelope(_event(1)), SESSION)]

    assert statuses == [200, 200, 200, 429]


def test_a_body_that_is_not_understood_is_not_free(client: TestClient, store: Store, origin: OriginRecord) -> None:
    _limit(store, origin, 1)

    assert [send(client, origin, b"nonsense").status_code for _ in range(2)] == [400, 429]


def test_a_limit_that_is_set_or_lifted_holds_at_once(client: TestClient, origin: OriginRecord) -> None:
    def after(limit: int | None) -> list[int]:
        body = {"config": {"errorTracking": {"rateLimit": limit}}}
        assert client.patch("/api/origins/my-app", json=body).status_code == 200
        return [send(client, origin, envelope(_event(number))).status_code for number in range(3)]

    assert [after(None), after(1), after(None)] == [[200] * 3, [200, 429, 429], [200] * 3]


def test_each_key_of_each_origin_has_a_rate_of_its_own(origin: OriginRecord, clock: FakeClock) -> None:
    rates = Rates(clock)
    other = replace(origin, id=UUID(int=1))
    senders = [_sender(origin, 1), _sender(origin, 1, "other"), _sender(other, 1)]

    assert [rates.take(sender) for sender in senders] == [0, 0, 0]
    assert [rates.take(sender) for sender in senders] == [60, 60, 60]


def test_an_origin_without_a_limit_takes_no_memory(origin: OriginRecord, clock: FakeClock) -> None:
    rates = Rates(clock)

    assert {rates.take(_sender(origin, None)) for _ in range(100)} == {0}
    rates.charge(_sender(origin, None), 50)
    assert cast("Any", rates)._buckets == {}


def test_the_memory_of_rates_is_bounded(origin: OriginRecord, clock: FakeClock) -> None:
    rates = Rates(clock)
    for number in range(MOST_BUCKETS + 10):
        rates.take(_sender(origin, 1, str(number)))

    assert len(cast("Any", rates)._buckets) == MOST_BUCKETS
    assert rates.take(_sender(origin, 1, str(MOST_BUCKETS))) == 60


def test_no_more_than_a_minutes_events_are_owed(origin: OriginRecord, clock: FakeClock) -> None:
    rates, sender = Rates(clock), _sender(origin, 2)

    rates.charge(sender, 100)
    wait = rates.take(sender)
    clock.pass_seconds(wait)

    assert wait == 90
    assert rates.take(sender) == 0


@given(
    limit=st.integers(1, 1000),
    pauses=st.lists(st.floats(0, 100, allow_nan=False), max_size=200),
)
def test_no_more_is_taken_than_the_limit_allows(limit: int, pauses: list[float]) -> None:
    clock = FakeClock()
    rates = Rates(clock)
    sender = _sender(_ORIGIN, limit)
    taken = 0
    for pause in pauses:
        clock.pass_seconds(pause)
        wait = rates.take(sender)
        taken += wait == 0
        assert 0 <= wait <= 60

    assert taken <= limit + sum(pauses) * limit / 60 + 1e-6


_ORIGIN = OriginRecord(
    id=UUID(int=2),
    number=1,
    mnemonic="shop",
    name="Shop",
    description=None,
    config=OriginConfig(),
    public_key="k",
    created_at=0,
)
