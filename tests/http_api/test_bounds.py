"""What bounds a server or a caller: it holds at every door, whatever the key allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.factory import make_origin, payload, report
from tests.http_api.conftest import BASE
from tests.http_api.keys import bearer, make_key
from tests.http_api.sending import envelope, event_item
from tests.stores import on_sqlite

from provenance_core.access import Scope
from provenance_http.app import create_app
from provenance_http.exposure import Exposure
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = on_sqlite
SENTRY = "/api/0/organizations/acme"
NATIVE = {"resourceType": "ERROR", "origin": "my-app", "interaction": {"message": "x"}}
CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("PATCH", "/api/error-issues/MY-APP-1/status", {"status": "muted"}),
    ("POST", "/api/origins", {"mnemonic": "more"}),
    ("PATCH", "/api/origins/my-app", {"name": "Other"}),
    ("DELETE", "/api/origins/my-app", {}),
    ("POST", "/api/origins/my-app/releases", {"version": "1"}),
    ("POST", "/api/origins/my-app/releases/1/sourcemaps", {}),
    ("POST", "/api/resource-types", {"mnemonic": "MORE"}),
    ("POST", "/api/keys", {"label": "more", "scopes": ["read"]}),
    ("POST", f"{SENTRY}/releases/", {"version": "1", "projects": ["my-app"]}),
    ("PUT", f"{SENTRY}/releases/1/", {"ref": "abc"}),
    ("POST", f"{SENTRY}/chunk-upload/", {}),
    ("POST", f"{SENTRY}/artifactbundle/assemble/", {"checksum": "a" * 40, "chunks": []}),
]
MCP = {"accept": "application/json, text/event-stream"}


@pytest.fixture
def bound(store: Store, origin: OriginRecord) -> Iterator[TestClient]:
    """Return a client of a server that only takes in events."""
    report(store, origin, payload())
    with TestClient(create_app(store, exposure=Exposure(read_only=True)), base_url=BASE) as client:
        yield client


def _ask(client: TestClient, method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    sent: dict[str, Any] = {"json": body} if body else {}
    return client.request(method, path, headers=headers, **sent)


def _tools(client: TestClient, headers: dict[str, str]) -> set[str]:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    return {tool["name"] for tool in client.post("/mcp", json=message, headers=MCP | headers).json()["result"]["tools"]}


@pytest.mark.parametrize("is_open", [True, False])
def test_a_server_that_only_reads_takes_no_change_at_any_door(bound: TestClient, store: Store, is_open: bool) -> None:
    shown = {} if is_open else bearer(make_key(store, Scope.ADMIN))

    statuses = {
        (method, path): _ask(bound, method, path, body, shown | {"x-provenance-read-only": "0"}).status_code
        for method, path, body in CHANGES
    }

    assert statuses == {(method, path): 403 for method, path, _ in CHANGES}
    assert bound.get("/api/access", headers=shown).json()["readOnly"] is True
    assert "create_release" not in _tools(bound, shown)


def test_a_server_that_only_reads_answers_and_takes_in_events(
    bound: TestClient, store: Store, origin: OriginRecord
) -> None:
    sender, admin = (make_key(store, Scope.INGEST, origin=origin), make_key(store, Scope.ADMIN))

    read = [bound.get(path, headers=bearer(admin)).status_code for path in ("/api/error-issues", f"{SENTRY}/releases/")]
    sent = bound.post(f"/api/1/envelope/?sentry_key={origin.public_key}", content=envelope(event_item()))
    recorded = [bound.post("/api/interactions", json=NATIVE, headers=bearer(key)) for key in (sender, admin)]

    assert read == [200, 200]
    assert sent.status_code == 200
    assert [answer.status_code for answer in recorded] == [201, 201]


@pytest.mark.parametrize("pinned", ["my-app", "nowhere"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/origins", {"mnemonic": "more"}),
        *(
            (method, path, body)
            for words, word in (("resource-types", "MINE"), ("actions", "MY-DEED"))
            for method, path, body in (
                ("POST", f"/api/{words}", {"mnemonic": "MORE"}),
                ("PATCH", f"/api/{words}/{word}", {"name": "Other"}),
                ("DELETE", f"/api/{words}/{word}", {}),
            )
        ),
    ],
)
def test_who_may_see_one_origin_changes_nothing_that_belongs_to_all(
    client: TestClient, origin: OriginRecord, method: str, path: str, body: dict[str, Any], pinned: str
) -> None:
    client.post("/api/resource-types", json={"mnemonic": "MINE"})
    client.post("/api/actions", json={"mnemonic": "MY-DEED"})

    refused = _ask(client, method, path, body, {"x-provenance-origin": pinned})

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert _ask(client, method, path, body, {}).status_code in {200, 201}


def test_who_may_see_one_origin_changes_no_other(client: TestClient, store: Store, origin: OriginRecord) -> None:
    make_origin(store, "other")
    pin = {"x-provenance-origin": "my-app"}

    others = [client.patch("/api/origins/other", json={"name": "X"}, headers=pin)]
    others.append(client.delete("/api/origins/other", headers=pin))

    assert [answer.status_code for answer in others] == [404, 404]
    assert client.patch("/api/origins/my-app", json={"name": "X"}, headers=pin).status_code == 200


def test_who_may_see_one_origin_sees_no_numbers_of_all(client: TestClient, origin: OriginRecord) -> None:
    assert client.get("/metrics", headers={"x-provenance-origin": "my-app"}).status_code == 403
    assert client.get("/metrics").status_code == 200
