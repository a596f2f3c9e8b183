"""Keys: looked up once a second at most, for all who send meanwhile."""

from __future__ import annotations

import threading
from typing import Any, cast
from uuid import UUID

import anyio
import pytest
from starlette.testclient import TestClient
from tests.http_api.clock import FakeClock
from tests.http_api.conftest import BASE
from tests.http_api.sending import envelope, item, send

from provenance_core.errors import Forbidden, Unavailable
from provenance_core.events import Via
from provenance_http.admissions import KEY_SECONDS, MOST_STRANGERS, Admissions
from provenance_http.app import create_app
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
SESSION = envelope(item("session", b"{}"))
STRANGE = frozenset({"0" * 32})


class Watched:
    """Count what a store is asked, and let the test hold the answers back."""

    def __init__(self, store: Store) -> None:
        self.origins = self
        self.artifacts = store.artifacts
        self.asked = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.away = False
        self._store = store

    def find(self, reference: str) -> OriginRecord:
        """Return an origin."""
        self.asked += 1
        if self.away:
            raise Unavailable("The store is away.")
        found = self._store.origins.find(reference)
        assert self.go_on.wait(30)
        return found

    def key_kind(self, origin_id: UUID, key: str) -> Via | None:
        """Return what a key is."""
        return self._store.origins.key_kind(origin_id, key)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def watched(store: Store) -> Watched:
    return Watched(store)


def _admissions(watched: Watched, clock: FakeClock) -> Admissions:
    return Admissions(cast("Store", watched), clock, used=lambda _key_id: None)


async def test_a_key_is_asked_for_once_a_second(watched: Watched, clock: FakeClock, origin: OriginRecord) -> None:
    admissions, keys = _admissions(watched, clock), frozenset({origin.public_key})

    senders = [await admissions.admit(1, keys) for _ in range(5)]
    clock.pass_seconds(KEY_SECONDS - 0.01)
    await admissions.admit(1, keys)
    before = watched.asked
    clock.pass_seconds(0.02)
    await admissions.admit(1, keys)

    assert {sender.origin.id for sender in senders} == {origin.id}
    assert senders[0].via is Via.PUBLIC
    assert (before, watched.asked) == (1, 2)


@pytest.mark.parametrize("number", [1, 7])
async def test_a_key_that_opens_nothing_is_asked_for_once_a_second(
    watched: Watched, clock: FakeClock, origin: OriginRecord, number: int
) -> None:
    admissions = _admissions(watched, clock)

    for _ in range(5):
        with pytest.raises(Forbidden, match="not known"):
            await admissions.admit(number, STRANGE)
    clock.pass_seconds(KEY_SECONDS)
    with pytest.raises(Forbidden):
        await admissions.admit(number, STRANGE)

    assert watched.asked == 2


async def test_guessed_keys_take_little_memory_and_push_out_no_sender(
    watched: Watched, clock: FakeClock, origin: OriginRecord
) -> None:
    admissions = _admissions(watched, clock)
    await admissions.admit(1, frozenset({origin.public_key}))

    for guess in range(MOST_STRANGERS + 50):
        with pytest.raises(Forbidden):
            await admissions.admit(1, frozenset({f"{guess:032x}"}))
    before = watched.asked
    await admissions.admit(1, frozenset({origin.public_key}))

    assert watched.asked == before
    assert len(cast("Any", admissions)._strangers) == MOST_STRANGERS


@pytest.mark.parametrize("keys", [frozenset[str](), frozenset({"a", "b"}), frozenset({"k" * 101})])
async def test_what_can_be_no_key_is_not_asked_for(watched: Watched, clock: FakeClock, keys: frozenset[str]) -> None:
    with pytest.raises(Forbidden):
        await _admissions(watched, clock).admit(1, keys)

    assert watched.asked == 0


async def test_all_who_ask_at_once_share_one_answer_though_one_of_them_leaves(
    watched: Watched, clock: FakeClock, origin: OriginRecord
) -> None:
    admissions, keys = _admissions(watched, clock), frozenset({origin.public_key})
    admitted: list[UUID] = []

    async def admit() -> None:
        admitted.append((await admissions.admit(1, keys)).origin.id)

    watched.go_on.clear()
    async with anyio.create_task_group() as tasks:
        leaving = anyio.CancelScope()

        async def leave() -> None:
            with leaving:
                await admit()

        tasks.start_soon(leave)
        for _ in range(10):
            tasks.start_soon(admit)
        await anyio.wait_all_tasks_blocked()
        leaving.cancel()
        watched.go_on.set()

    assert admitted == [origin.id] * 10
    assert watched.asked == 1


async def test_what_was_read_before_a_change_is_not_remembered(
    watched: Watched, clock: FakeClock, store: Store, origin: OriginRecord
) -> None:
    admissions, keys = _admissions(watched, clock), frozenset({origin.public_key})
    watched.go_on.clear()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(admissions.admit, 1, keys)
        with anyio.fail_after(30):
            while watched.asked == 0:
                await anyio.lowlevel.checkpoint()
        store.origins.update(origin.id, {"name": "Changed"})
        admissions.clear()
        watched.go_on.set()

    assert (await admissions.admit(1, keys)).origin.name == "Changed"


async def test_a_store_that_is_away_is_told_and_not_remembered(
    watched: Watched, clock: FakeClock, origin: OriginRecord
) -> None:
    admissions, keys = _admissions(watched, clock), frozenset({origin.public_key})
    watched.away = True

    with pytest.raises(Unavailable):
        await admissions.admit(1, keys)
    watched.away = False

    assert (await admissions.admit(1, keys)).origin.id == origin.id


async def test_who_is_known_may_send_while_the_store_is_away(
    watched: Watched, clock: FakeClock, origin: OriginRecord
) -> None:
    admissions, keys = _admissions(watched, clock), frozenset({origin.public_key})
    await admissions.admit(1, keys)
    watched.away = True
    for _ in range(3):
        clock.pass_seconds(10 * KEY_SECONDS)

        assert (await admissions.admit(1, keys)).origin.id == origin.id
    with pytest.raises(Unavailable):
        await admissions.admit(1, STRANGE)
    assert watched.asked == 5


def test_a_change_through_this_server_is_seen_at_once(store: Store, origin: OriginRecord, clock: FakeClock) -> None:
    with TestClient(create_app(store, clock=clock), base_url=BASE) as client:
        before = send(client, origin, SESSION).status_code
        client.delete("/api/origins/my-app")
        after = send(client, origin, SESSION).status_code

    assert (before, after) == (200, 403)


def test_an_origin_that_is_made_is_found_though_it_was_asked_for_before(store: Store, clock: FakeClock) -> None:
    with TestClient(create_app(store, clock=clock), base_url=BASE) as client:
        strange = client.post(f"/api/1/envelope/?sentry_key={'0' * 32}", content=SESSION).status_code
        made = client.post("/api/origins", json={"mnemonic": "my-app"}).json()
        known = client.post(f"/api/1/envelope/?sentry_key={made['publicKey']}", content=SESSION).status_code

    assert (strange, known) == (403, 200)


def test_a_change_by_another_process_is_seen_a_second_later(
    store: Store, origin: OriginRecord, clock: FakeClock
) -> None:
    with TestClient(create_app(store, clock=clock), base_url=BASE) as client:
        send(client, origin, SESSION)
        store.origins.delete(origin.id)
        meanwhile = send(client, origin, SESSION).status_code
        clock.pass_seconds(KEY_SECONDS)
        later = send(client, origin, SESSION).status_code

    assert (meanwhile, later) == (200, 403)
