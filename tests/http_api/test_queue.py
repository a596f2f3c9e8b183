"""Between a door and the disk: a full queue, a failing writer, an origin that is gone."""

from __future__ import annotations

from concurrent.futures import Future
from typing import cast
from uuid import UUID

import pytest
from starlette.testclient import TestClient
from tests.http_api.conftest import BASE
from tests.http_api.sending import EVENT_ID, envelope, event_item, item, send, total

from provenance_core.errors import NotFound, TooManyRequests
from provenance_http import envelope_routes
from provenance_http.app import create_app
from provenance_http.dsn import UNKNOWN
from provenance_http.tally import Tally
from provenance_storage.discards import DiscardCounts
from provenance_storage.records import NewInteraction, OriginRecord, Recorded
from provenance_storage.store import Store
from provenance_storage.writer import Writer

OTHER_ID = "a" * 32
SESSION = item("session", b"{}")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for room in the queue."""
    monkeypatch.setattr(envelope_routes, "QUEUE_SECONDS", 0.0)


class Filling:
    """Take some events, then refuse some, or all that come."""

    def __init__(self, store: Store, room: int, refusals: int | None = None) -> None:
        self._store = store
        self._room = room
        self._refusals = refusals

    def submit(self, new: NewInteraction) -> Future[Recorded]:
        """Record an event, or refuse it."""
        if self._room == 0 and self._refusals != 0:
            self._refusals = self._refusals - 1 if self._refusals is not None else None
            raise TooManyRequests("The server has more events than it can write now; wait and send again.", 5)
        self._room = max(self._room - 1, 0)
        promise: Future[Recorded] = Future()
        promise.set_result(self._store.record([new])[0])
        return promise


def test_a_full_queue_is_429_for_events_alone(impatient: None, store: Store, origin: OriginRecord) -> None:
    with TestClient(create_app(store, Filling(store, 0)), base_url=BASE) as client:
        answer = send(client, origin, envelope(event_item()))
        session = send(client, origin, envelope(SESSION))

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["x-sentry-rate-limits"] == "5:error:key:queue_full"
    assert session.status_code == 200
    assert store.discarded(origin.id)["error", "queue_full"] == 1


def test_a_queue_that_fills_up_within_an_envelope_keeps_what_is_in_it(
    impatient: None, store: Store, origin: OriginRecord
) -> None:
    with TestClient(create_app(store, Filling(store, 1)), base_url=BASE) as client:
        answer = send(client, origin, envelope(event_item(), event_item(event_id=OTHER_ID)))
        recorded = total(client)

    assert (answer.status_code, answer.json(), recorded) == (200, {"id": EVENT_ID}, 1)
    assert store.discarded(origin.id) == {("error", "queue_full"): 1}


def test_events_wait_for_room_in_the_queue(store: Store, origin: OriginRecord) -> None:
    with TestClient(create_app(store, Filling(store, 1, refusals=3)), base_url=BASE) as client:
        answer = send(client, origin, envelope(event_item(), event_item(event_id=OTHER_ID)))
        recorded = total(client)

    assert (answer.status_code, answer.json(), recorded) == (200, {"id": EVENT_ID}, 2)
    assert store.discarded(origin.id) == {}


def test_the_api_tells_a_full_queue_in_its_own_form(store: Store, origin: OriginRecord) -> None:
    body = {"origin": "my-app", "resourceType": "ERROR", "interaction": {"message": "x"}}

    with TestClient(create_app(store, Filling(store, 0)), base_url=BASE) as client:
        answer = client.post("/api/interactions", json=body)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert answer.json()["error"]["details"] == {"retryAfter": 5}


def test_an_event_that_fails_in_the_writer_does_not_hide_its_neighbour(store: Store, origin: OriginRecord) -> None:
    class Poisoned(Filling):
        def submit(self, new: NewInteraction) -> Future[Recorded]:
            if new.event and new.event.event_id == OTHER_ID:
                promise: Future[Recorded] = Future()
                promise.set_exception(RuntimeError("poison"))
                return promise
            return super().submit(new)

    with TestClient(create_app(store, Poisoned(store, 9)), base_url=BASE) as client:
        answer = send(client, origin, envelope(event_item(event_id=OTHER_ID), event_item()))

    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert store.discarded(origin.id) == {("error", "failed"): 1}


def test_an_origin_that_is_deleted_while_its_event_waits_is_403(store: Store, origin: OriginRecord) -> None:
    class Deleting(Filling):
        def submit(self, new: NewInteraction) -> Future[Recorded]:
            self._store.origins.delete(new.origin_id)
            with Writer(self._store) as writer:
                return writer.submit(new)

    with TestClient(create_app(store, Deleting(store, 9)), base_url=BASE) as client:
        answer = send(client, origin, envelope(SESSION, event_item()))

    assert answer.status_code == 403
    assert answer.json() == {"detail": UNKNOWN, "causes": []}


def test_counts_of_an_origin_that_was_deleted_are_not_kept_for_ever(store: Store, origin: OriginRecord) -> None:
    class Gone:
        calls = 0

        def discard(self, origin_id: UUID, counts: DiscardCounts) -> None:
            self.calls += 1
            raise NotFound("The origin was deleted in the meantime.")

    gone = Gone()
    tally = Tally(cast("Store", gone))
    tally.add(origin.id, {("error", "failed"): 1})

    tally.flush()
    tally.flush()

    assert gone.calls == 1


def test_a_server_whose_writer_has_ended_is_not_ready(store: Store) -> None:
    with Writer(store) as writer, TestClient(create_app(store, writer), base_url=BASE) as client:
        before = client.get("/readyz").status_code
        writer.__exit__()
        after = client.get("/readyz")
        alive = client.get("/healthz").status_code

    assert (before, after.status_code, alive) == (200, 503, 200)
    assert after.json()["error"]["code"] == "unavailable"
