"""Between a door and the disk: a full queue, a failing writer, an origin that is gone."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import cast
from uuid import UUID

import anyio
import pytest
from starlette.testclient import TestClient
from tests.http_api.asgi import running, whole
from tests.http_api.conftest import BASE
from tests.http_api.recorders import Standing, by
from tests.http_api.sending import EVENT_ID, auth, envelope, event_item, item, send, total

from provenance_core.errors import NotFound, TooManyRequests
from provenance_http.app import create_app
from provenance_http.dsn import UNKNOWN
from provenance_http.tally import Tally
from provenance_storage.discards import DiscardCounts
from provenance_storage.records import NewInteraction, OriginRecord, Recorded
from provenance_storage.store import Store
from provenance_storage.writer import Writer

OTHER_ID = "a" * 32
SESSION = item("session", b"{}")


class Filling(Standing):
    """Take some events, then refuse all that come, once each."""

    def __init__(self, store: Store, room: int) -> None:
        self._store = store
        self._room = room
        self.refused = 0

    def submit(self, new: NewInteraction) -> Future[Recorded]:
        """Record an event, or refuse it."""
        if self._room == 0:
            self.refused += 1
            raise TooManyRequests("The server has more events than it can write now; wait and send again.", 5)
        self._room -= 1
        promise: Future[Recorded] = Future()
        promise.set_result(self._store.record([new])[0])
        return promise


def test_a_full_queue_is_429_at_once_for_events_alone(store: Store, origin: OriginRecord) -> None:
    full = Filling(store, 0)
    with TestClient(create_app(store, by(full)), base_url=BASE) as client:
        answer = send(client, origin, envelope(event_item()))
        session = send(client, origin, envelope(SESSION))

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["x-sentry-rate-limits"] == "5:error:key:queue_full"
    assert full.refused == 1
    assert session.status_code == 200
    assert store.discarded(origin.id)["error", "queue_full"] == 1


def test_a_queue_that_fills_up_within_an_envelope_keeps_what_is_in_it(store: Store, origin: OriginRecord) -> None:
    with TestClient(create_app(store, by(Filling(store, 1))), base_url=BASE) as client:
        answer = send(client, origin, envelope(event_item(), event_item(event_id=OTHER_ID)))
        recorded = total(client)

    assert (answer.status_code, answer.json(), recorded) == (200, {"id": EVENT_ID}, 1)
    assert store.discarded(origin.id) == {("error", "queue_full"): 1}


def test_the_api_tells_a_full_queue_in_its_own_form(store: Store, origin: OriginRecord) -> None:
    body = {"origin": "my-app", "resourceType": "ERROR", "interaction": {"message": "x"}}

    with TestClient(create_app(store, by(Filling(store, 0))), base_url=BASE) as client:
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

    with TestClient(create_app(store, by(Poisoned(store, 9))), base_url=BASE) as client:
        answer = send(client, origin, envelope(event_item(event_id=OTHER_ID), event_item()))

    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert store.discarded(origin.id) == {("error", "failed"): 1}


def test_an_origin_that_is_deleted_while_its_event_waits_is_403(store: Store, origin: OriginRecord) -> None:
    class Deleting(Filling):
        def submit(self, new: NewInteraction) -> Future[Recorded]:
            self._store.origins.delete(new.origin_id)
            with Writer(self._store) as writer:
                return writer.submit(new)

    with TestClient(create_app(store, by(Deleting(store, 9))), base_url=BASE) as client:
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
    with Writer(store) as writer, TestClient(create_app(store, by(writer)), base_url=BASE) as client:
        before = client.get("/readyz").status_code
        writer.__exit__()
        after = client.get("/readyz")
        alive = client.get("/healthz").status_code

    assert (before, after.status_code, alive) == (200, 503, 200)
    assert after.json()["error"]["code"] == "unavailable"


@pytest.mark.anyio
@pytest.mark.parametrize("events", [1, 2])
async def test_a_sender_who_goes_away_takes_nothing_back(store: Store, origin: OriginRecord, events: int) -> None:
    class Slow(Standing):
        def __init__(self) -> None:
            self.promises: list[Future[Recorded]] = []
            self.taken: list[NewInteraction] = []

        def submit(self, new: NewInteraction) -> Future[Recorded]:
            """Keep an event, and the promise for later."""
            promise: Future[Recorded] = Future()
            self.taken.append(new)
            self.promises.append(promise)
            return promise

    slow = Slow()
    body = envelope(*(event_item(event_id=f"{number:032x}") for number in range(events)))

    async with running(create_app(store, by(slow))) as ask:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "/api/1/envelope/", whole(body), auth(origin))
            with anyio.fail_after(30):
                while len(slow.promises) < events:
                    await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        cancelled = [promise.cancelled() for promise in slow.promises]
        for promise, outcome in zip(slow.promises, store.record(slow.taken), strict=True):
            promise.set_result(outcome)
        await anyio.wait_all_tasks_blocked()

    assert cancelled == [False] * events
    assert store.issues.find("MY-APP-1").event_count == events


@pytest.mark.anyio
async def test_a_promise_kept_after_the_server_has_ended_harms_nobody(
    store: Store, origin: OriginRecord, caplog: pytest.LogCaptureFixture
) -> None:
    promise: Future[Recorded] = Future()
    promised = asyncio.Event()

    class Late(Standing):
        def submit(self, new: NewInteraction) -> Future[Recorded]:
            """Promise and wait."""
            promised.set()
            return promise

    def serve_and_end() -> None:
        async def end() -> None:
            async with running(create_app(store, by(Late()))) as ask:
                request = asyncio.create_task(ask("/api/1/envelope/", whole(envelope(event_item())), auth(origin)))
                await promised.wait()
                request.cancel()

        asyncio.run(end())

    await anyio.to_thread.run_sync(serve_and_end)
    promise.set_result(Recorded(origin.id, 0))

    assert caplog.text == ""
