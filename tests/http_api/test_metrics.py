"""Numbers for Prometheus: true, bounded, and silent about events and origins."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.http_api import clock as wound
from tests.http_api.clock import FakeClock
from tests.http_api.conftest import BASE, damage
from tests.http_api.recorders import Standing, by
from tests.http_api.sending import auth, envelope, event_item, item, send
from tests.http_api.test_queue import Filling
from tests.stores import on_sqlite

from provenance_core.errors import Unavailable
from provenance_http.app import create_app
from provenance_http.metrics import Metrics
from provenance_http.store_facts import FACTS_SECONDS
from provenance_storage.records import NewInteraction, OriginRecord, Recorded
from provenance_storage.store import Store

CANARY = "canary-7f3a"


clock, client = wound.clock, wound.client


def _numbers(client: TestClient) -> dict[str, float]:
    """Return every number by its name and its labels' values."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples if not sample.name.endswith("_created")]
    return {" ".join((sample.name, *sample.labels.values())): sample.value for sample in samples}


def test_it_is_told_in_prometheuss_own_format_to_this_machine_alone(client: TestClient) -> None:
    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/metrics", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/metrics", headers={"origin": "https://evil.example"}).status_code == 403


def test_requests_are_counted_by_outcome(store: Store, origin: OriginRecord) -> None:
    store.origins.update(origin.id, {"config": {"error_tracking": {"rate_limit": 6}}})
    with TestClient(create_app(store, by(Filling(store, 2)), clock=FakeClock()), base_url=BASE) as client:
        for body in (envelope(event_item()), envelope(event_item()), envelope(event_item()), b"nonsense"):
            send(client, origin, body)
        client.post("/api/1/envelope/?sentry_key=strange", content=b"")
        send(client, origin, envelope(item("event", b" " * 1_100_000)))
        client.get("/api/1/store/", headers=auth(origin))
        send(client, origin, envelope(item("session", b"{}")))
        for _ in range(2):
            send(client, origin, envelope(event_item(), event_item()))
        numbers = _numbers(client)

    outcomes = {name.split()[1]: value for name, value in numbers.items() if "ingest_requests_total" in name}
    assert outcomes == {
        "accepted": 3,
        "queue_full": 2,
        "invalid": 2,
        "unknown_key": 1,
        "too_large": 1,
        "rate_limited": 1,
        "failed": 0,
    }
    assert numbers["provenance_events_total recorded"] == 1
    assert numbers["provenance_events_total duplicate"] == 1
    assert numbers["provenance_discarded_items_total error queue_full"] == 3
    assert numbers["provenance_discarded_items_total error too_large"] == 1
    assert numbers["provenance_discarded_items_total session not_kept"] == 1
    assert numbers["provenance_ingest_seconds_count"] == sum(outcomes.values())


def test_operations_are_measured_by_name_and_kind_of_answer(client: TestClient) -> None:
    client.post("/api/origins", json={"mnemonic": CANARY})
    client.get(f"/api/origins/{CANARY}")
    client.get("/api/origins/other")
    client.request("GET", "/api/origins", content=b"x")
    client.get("/api/nothing")

    counts = {
        name: value for name, value in _numbers(client).items() if name.startswith("provenance_api_seconds_count")
    }

    assert counts == {
        "provenance_api_seconds_count create_origin 2xx": 1,
        "provenance_api_seconds_count get_origin 2xx": 1,
        "provenance_api_seconds_count get_origin 4xx": 1,
        "provenance_api_seconds_count list_origins 4xx": 1,
    }


def test_no_text_of_events_or_names_of_origins_are_told(client: TestClient) -> None:
    made = client.post("/api/origins", json={"mnemonic": CANARY}).json()
    report = b'{"discarded_events":[{"reason":"%b","category":"%b","quantity":3}]}' % (CANARY.encode(), CANARY.encode())
    body = envelope(
        event_item(message=CANARY, release=CANARY, tags={CANARY: CANARY}),
        item(CANARY, b"x"),
        item("client_report", report),
    )
    sent = client.post(f"/api/1/envelope/?sentry_key={made['publicKey']}", content=body)

    text = client.get("/metrics").text

    assert sent.status_code == 200
    assert CANARY not in text
    assert 'provenance_discarded_items_total{category="other",reason="client_other"} 3.0' in text


@on_sqlite
def test_the_process_and_the_store_are_told(client: TestClient, store: Store, origin: OriginRecord) -> None:
    send(client, origin, envelope(event_item()))
    numbers = _numbers(client)

    assert numbers["process_resident_memory_bytes"] > 1_000_000
    assert numbers["process_cpu_seconds_total"] > 0
    assert numbers["provenance_store_origins"] == 1
    assert numbers["provenance_store_issues"] == 1
    assert numbers["provenance_store_database_bytes"] > 0
    assert numbers["provenance_store_wal_bytes"] >= 0


def test_the_store_is_asked_now_and_then(client: TestClient, origin: OriginRecord, clock: FakeClock) -> None:
    origins: list[float] = []
    for name in ("one", "two"):
        origins.append(_numbers(client)["provenance_store_origins"])
        client.post("/api/origins", json={"mnemonic": name})
    clock.pass_seconds(FACTS_SECONDS)
    origins.append(_numbers(client)["provenance_store_origins"])

    assert origins == [1, 1, 3]


def test_a_store_that_is_away_hides_no_other_number() -> None:
    class Nothing(Standing):
        def submit(self, new: NewInteraction) -> Future[Recorded]:
            """Take nothing."""
            raise NotImplementedError

    def away() -> dict[str, float]:
        raise Unavailable("The store is away.")

    metrics = Metrics()
    metrics.watch(Nothing(), away)
    numbers = metrics.render().decode()

    assert "process_cpu_seconds_total" in numbers
    assert "provenance_store_origins" not in numbers


@on_sqlite
def test_while_it_cannot_be_found_out_who_asks_nothing_is_told(
    client: TestClient, store: Store, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    damage(url)

    answers = [client.get(path) for path in ("/metrics", "/api/origins")]
    answers.append(client.get("/api/0/", headers={"x-api-key": "pak_" + "0" * 64}))

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert not [answer for answer in answers if "sqlite" in answer.text]
    assert "sqlite" in caplog.text


def test_a_recorder_that_says_what_waits_is_asked(store: Store) -> None:
    class Waiting(Standing):
        def submit(self, new: NewInteraction) -> Future[Recorded]:
            """Take nothing."""
            raise NotImplementedError

        def waiting(self) -> tuple[int, int]:
            """Say what waits."""
            return 7, 7_000

    with TestClient(create_app(store, by(Waiting())), base_url=BASE) as client:
        numbers = _numbers(client)

    assert numbers["provenance_queue_items"] == 7
    assert numbers["provenance_queue_bytes"] == 7_000
