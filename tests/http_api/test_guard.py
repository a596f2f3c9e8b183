"""Who may use the API: hosts, pages, and what every answer tells browsers."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.http_api.conftest import BASE, damage
from tests.http_api.keys import bearer, make_key
from tests.http_api.sending import auth, envelope, event_item
from tests.stores import Kind, on_sqlite

from provenance_core.access import Scope
from provenance_http.app import create_app
from provenance_http.exposure import Exposure
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: who is let in does not depend on it."""
    return "sqlite"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:4000", "127.0.0.1:9", "[::1]", "[::1]:4000"])
@pytest.mark.parametrize("path", ["/api/origins", "/docs", "/openapi.json"])
def test_the_machine_itself_may_ask(client: TestClient, host: str, path: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:4000", "evil@localhost", "", "[::1", "::1"),
        *(
            "localhost/evil",
            "localhost:port",
            "localhost:99999",
            "192.168.1.4",
            "0.0.0.0",
            "localhost?x",
            "localhost#x",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/api/origins", "/docs", "/openapi.json", "/mcp", "/api/x/envelope/", "/"])
def test_a_foreign_host_name_is_refused(client: TestClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"host": host})

    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "wrong_host"


@pytest.mark.parametrize(
    "page",
    [
        *("https://evil.example", "null", "", "file://", "http://127.0.0.1", "http://127.0.0.1:4001"),
        *("chrome-extension://127.0.0.1:4000", "http://localhost:4000", "http://127.0.0.1:4000.evil.example"),
    ],
)
def test_pages_of_other_sites_are_refused(client: TestClient, page: str) -> None:
    answer = client.post("/api/origins", json={"mnemonic": "x"}, headers={"origin": page})

    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert client.get("/api/origins").json()["total"] == 0


def test_a_page_of_this_server_may_ask(client: TestClient) -> None:
    answer = client.post("/api/origins", json={"mnemonic": "x"}, headers={"origin": "http://127.0.0.1:4000"})

    assert answer.status_code == 201


def test_the_api_offers_no_cross_origin_access(client: TestClient) -> None:
    answer = client.options(
        "/api/origins", headers={"origin": "https://a.example", "access-control-request-method": "POST"}
    )

    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_events_may_come_under_any_name_and_from_any_page(client: TestClient, origin: OriginRecord) -> None:
    headers = {**auth(origin), "host": "errors.example", "origin": "https://shop.example"}

    assert client.post("/api/1/envelope/", content=envelope(event_item()), headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_may_come_under_any_name(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"host": "10.0.0.7:4000"})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@on_sqlite
def test_agents_are_guarded_like_everybody(client: TestClient) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}

    answers = [
        client.post("/mcp", json=hello, headers={name: value, "accept": "application/json, text/event-stream"})
        for name, value in (("host", "evil.example"), ("origin", "https://evil.example"), ("x-other", "1"))
    ]

    assert [answer.status_code for answer in answers] == [421, 403, 200]


@on_sqlite
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "errors.example"}, 200),
        ({"host": "errors.example:8443"}, 200),
        ({"host": "127.0.0.1:4000"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "errors.example.evil.example"}, 421),
        ({"host": "errors.example", "origin": "https://errors.example"}, 200),
        ({"host": "127.0.0.1:4000", "origin": "https://errors.example"}, 200),
        ({"host": "127.0.0.1:4000", "origin": "https://errors.example:443"}, 200),
        ({"host": "127.0.0.1:4000", "origin": "http://errors.example"}, 403),
        ({"host": "127.0.0.1:4000", "origin": "https://errors.example:8443"}, 403),
        ({"host": "errors.example", "origin": "https://evil.example"}, 403),
        ({"host": "errors.example", "origin": "null"}, 403),
    ],
)
def test_a_public_url_is_the_servers_own(store: Store, headers: dict[str, str], status: int) -> None:
    key = make_key(store, Scope.READ)
    exposure = Exposure(public_url="https://errors.example/")

    with TestClient(create_app(store, exposure=exposure), base_url=BASE) as client:
        assert client.get("/api/origins", headers=headers | bearer(key)).status_code == status


@pytest.mark.parametrize("shown", [True, False])
@on_sqlite
def test_a_key_opens_the_guard_to_nobody(client: TestClient, store: Store, shown: bool) -> None:
    headers = bearer(make_key(store, Scope.ADMIN)) if shown else {}

    statuses = [
        client.get("/api/origins", headers=headers | foreign).status_code
        for foreign in ({"host": "evil.example"}, {"origin": "https://evil.example"})
    ]

    assert statuses == [421, 403]


def test_the_name_the_server_is_bound_to_is_its_own(store: Store) -> None:
    headers = bearer(make_key(store, Scope.READ))
    with TestClient(create_app(store, exposure=Exposure("errors.lan")), base_url="http://errors.lan:4000") as client:
        statuses = [
            client.get("/api/origins", headers=headers | {"host": x}).status_code for x in ("errors.lan", "x.lan")
        ]

    assert statuses == [200, 421]


def test_a_server_of_all_interfaces_answers_addresses_but_no_foreign_name(store: Store) -> None:
    hosts = ("192.168.1.4:4000", "[fe80::1]", "evil.example")
    headers = bearer(make_key(store, Scope.READ))

    with TestClient(create_app(store, exposure=Exposure("0.0.0.0"))) as client:
        statuses = [client.get("/api/origins", headers=headers | {"host": host}).status_code for host in hosts]

    assert statuses == [200, 200, 421]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/origins"),
        ("GET", "/nothing"),
        ("PUT", "/api/origins"),
        ("GET", "/healthz"),
        ("POST", "/api/1/store/"),
    ],
)
def test_every_answer_tells_browsers_to_keep_out(client: TestClient, method: str, path: str) -> None:
    headers = client.request(method, path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@on_sqlite
def test_the_store_that_cannot_be_read_is_not_ready(client: TestClient, store: Store, url: str) -> None:
    store.close()
    damage(url)

    answer = client.get("/readyz")

    assert client.get("/healthz").status_code == 200
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
