"""Keys of senders: which events they may send, and how those count."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.factory import make_origin
from tests.http_api.clock import FakeClock
from tests.http_api.conftest import BASE
from tests.http_api.keys import bearer, make_key
from tests.http_api.sending import envelope, event_item
from tests.stores import on_sqlite

from provenance_core.access import Scope
from provenance_http.app import create_app
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = on_sqlite
CLIENT_LOG = "httpx2"
"""Where the test's own client logs what it asks for."""


@pytest.fixture
def key(store: Store) -> str:
    return make_key(store, Scope.ADMIN, label="alice")


def test_events_sent_with_a_secret_key_count_as_authenticated(
    client: TestClient, store: Store, origin: OriginRecord
) -> None:
    secret = make_key(store, Scope.INGEST, origin=origin)
    places: list[dict[str, Any]] = [
        {"params": {"sentry_key": secret}},
        {"headers": {"x-sentry-auth": f"Sentry sentry_key={secret}"}},
    ]
    for number, place in enumerate(places):
        body = envelope(event_item(event_id=f"{number:032x}"))
        assert client.post("/api/1/envelope/", content=body, **place).status_code == 200
    body = envelope(event_item(event_id=f"{9:032x}"), dsn=f"https://{secret}@errors.example/1")
    assert client.post("/api/1/envelope/", content=body).status_code == 200
    native = {"resourceType": "ERROR", "origin": "my-app", "interaction": {"message": "x"}}
    recorded = client.post("/api/interactions", json=native, headers=bearer(secret))

    assert recorded.status_code == 201
    assert {one["via"] for one in client.get("/api/interactions").json()["items"]} == {"server"}


def test_a_key_of_one_origin_sends_for_no_other(client: TestClient, store: Store, origin: OriginRecord) -> None:
    other = make_origin(store, "other")
    secret = make_key(store, Scope.INGEST, origin=other)
    body = {"resourceType": "ERROR", "origin": "my-app", "interaction": {"message": "x"}}
    bound = bearer(secret) | {"x-provenance-origin": "my-app"}

    statuses = [
        client.post(f"/api/1/envelope/?sentry_key={secret}", content=envelope(event_item())).status_code,
        client.post("/api/interactions", json=body, headers=bearer(secret)).status_code,
        client.post("/api/interactions", json=body, headers=bound).status_code,
    ]

    assert statuses == [403, 404, 403]
    assert client.get("/api/interactions").json()["total"] == 0


def test_a_senders_key_that_is_revoked_here_is_forgotten_here(
    client: TestClient, store: Store, key: str, origin: OriginRecord
) -> None:
    made = client.post(
        "/api/keys", json={"label": "shop", "scopes": ["ingest"], "origin": "my-app"}, headers=bearer(key)
    ).json()

    def send() -> int:
        return client.post(f"/api/1/envelope/?sentry_key={made['key']}", content=envelope(event_item())).status_code

    before = send()
    client.delete(f"/api/keys/{made['id']}", headers=bearer(key))

    assert (before, send()) == (200, 403)


def test_a_senders_key_that_is_revoked_elsewhere_is_forgotten_within_a_second(
    store: Store, origin: OriginRecord
) -> None:
    clock = FakeClock()
    record, secret = store.keys.create("shop", [Scope.INGEST], origin.id)
    with TestClient(create_app(store, clock=clock), base_url=BASE) as client:

        def send() -> int:
            return client.post(f"/api/1/envelope/?sentry_key={secret}", content=envelope(event_item())).status_code

        before = send()
        store.keys.revoke(str(record.id))
        clock.pass_seconds(1.1)

        assert (before, send()) == (200, 403)
