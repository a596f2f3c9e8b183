"""How a key is shown, what it does, and what it never does."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient
from tests.factory import make_origin, payload, report
from tests.http_api.clock import FakeClock
from tests.http_api.conftest import BASE
from tests.http_api.keys import MALFORMED, UNKNOWN, bearer, make_key
from tests.http_api.sending import envelope, event_item
from tests.stores import on_sqlite

from provenance_core.access import Scope
from provenance_http.app import create_app
from provenance_http.exposure import Exposure
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = on_sqlite
CLIENT_LOG = "httpx2"
"""Where the test's own client logs what it asks for."""


@pytest.fixture
def key(store: Store) -> str:
    return make_key(store, Scope.ADMIN, label="alice")


def _get(client: TestClient, path: str = "/api/origins", **headers: str) -> Any:
    return client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_this_machine_may_everything_until_the_first_key_is_made(client: TestClient, store: Store) -> None:
    before = _get(client)
    origin = make_origin(store, "my-app")
    make_key(store, Scope.INGEST, origin=origin)
    with_a_key_of_senders = _get(client)
    made = client.post("/api/keys", json={"label": "me", "scopes": ["admin"]})
    after = _get(client)
    client.delete(f"/api/keys/{made.json()['id']}", headers=bearer(made.json()["key"]))

    assert (before.status_code, with_a_key_of_senders.status_code, made.status_code) == (200, 200, 201)
    assert after.status_code == 401
    assert after.headers["www-authenticate"] == "Bearer"
    assert _get(client).status_code == 401


def test_a_key_that_another_process_makes_closes_the_server_at_once(client: TestClient, store: Store) -> None:
    before = _get(client)

    make_key(store, Scope.READ)

    assert (before.status_code, _get(client).status_code) == (200, 401)


def test_an_open_server_does_not_mind_a_key_that_is_none(client: TestClient) -> None:
    assert _get(client, authorization="Bearer of-another-tracker").status_code == 200
    assert client.get("/api/access").json()["open"] is True


@pytest.mark.parametrize(
    "exposure",
    [
        Exposure(host="0.0.0.0"),
        Exposure(host="192.168.1.4"),
        Exposure(public_url="https://errors.example"),
    ],
)
def test_a_server_that_others_reach_is_never_open(store: Store, exposure: Exposure) -> None:
    with TestClient(create_app(store, exposure=exposure), base_url=BASE) as client:
        assert _get(client).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "X-Forwarded-Anything",
        "forwarded",
        "via",
        "x-real-ip",
        "cf-connecting-ip",
        "CF-Ray",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "fastly-client-ip",
    ],
)
def test_an_open_server_is_closed_to_whom_a_proxy_asks_for(client: TestClient, header: str) -> None:
    assert client.get("/api/origins", headers={header: "203.0.113.9"}).status_code == 401


def test_a_key_is_shown_in_either_header(client: TestClient, key: str) -> None:
    statuses = [
        _get(client, x_api_key=key).status_code,
        _get(client, authorization=f"Bearer {key}").status_code,
        _get(client, authorization=f"bearer  {key}").status_code,
        _get(client, x_api_key=key, authorization=f"Bearer {key}").status_code,
        _get(client, x_api_key=key, authorization="Basic YTpi").status_code,
        _get(client, x_api_key=key, authorization="").status_code,
        _get(client, x_api_key=key, authorization="Bearer ").status_code,
        _get(client, x_api_key="", authorization=f"Bearer {key}").status_code,
    ]

    assert statuses == [200] * 8


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": MALFORMED},
        {"x-api-key": UNKNOWN},
        {"x-api-key": "{key}0"},
        {"x-api-key": "{upper}"},
        {"authorization": "Bearer {key} {key}"},
        {"x-api-key": "{key}", "authorization": f"Bearer {UNKNOWN}"},
        {"x-api-key": UNKNOWN, "authorization": "Bearer {key}"},
    ],
)
def test_a_wrong_key_is_401_and_told_so(client: TestClient, key: str, headers: dict[str, str]) -> None:
    told = {name: value.format(key=key, upper=key.upper()) for name, value in headers.items()}

    answer = client.get("/api/origins", headers=told)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": " "},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Basic {key}"},
        {"authorization": "Sentry sentry_key={dsn}"},
        {"cookie": "{key}"},
    ],
)
def test_what_shows_no_key_is_401(client: TestClient, key: str, origin: OriginRecord, headers: dict[str, str]) -> None:
    told = {name: value.format(key=key, dsn=origin.public_key) for name, value in headers.items()}

    answers = [client.get("/api/origins", headers=told), client.get(f"/api/origins?x-api-key={key}", headers=told)]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].headers["www-authenticate"] == "Bearer"


def test_who_lacks_a_key_is_told_whom_to_ask_and_not_how_to_make_one(
    client: TestClient, store: Store, key: str
) -> None:
    reader = make_key(store, Scope.READ, label="reader")
    sent: list[Any] = [
        client.get("/api/keys"),
        client.get("/api/keys", headers=bearer(UNKNOWN)),
        client.get("/api/keys", headers=bearer(reader)),
    ]
    told = [answer.json()["error"]["message"] for answer in sent]
    nowhere = client.get("/nothing").json()["error"]["message"]

    assert [answer.status_code for answer in sent] == [401, 401, 403]
    assert all(message.endswith("Ask who runs this server for a key with the scope `admin`.") for message in told)
    assert nowhere.endswith("Ask who runs this server for a key.")
    assert "keys create" not in "".join([*told, nowhere])


def test_a_dsn_key_is_no_key_of_the_api(client: TestClient, key: str, origin: OriginRecord) -> None:
    assert _get(client, x_api_key=origin.public_key).status_code == 401


def test_wrong_keys_are_told_the_same_whatever_is_wrong_with_them(client: TestClient, store: Store, key: str) -> None:
    gone, revoked = store.keys.create("gone", [Scope.ADMIN], None)
    store.keys.revoke(str(gone.id))

    answers = [_get(client, x_api_key=wrong) for wrong in (UNKNOWN, key[:12] + "0" * 56, revoked, MALFORMED, "x")]

    assert len({(answer.status_code, answer.text, answer.headers["www-authenticate"]) for answer in answers}) == 1


def test_a_revoked_key_is_worth_nothing_at_once(client: TestClient, store: Store, key: str) -> None:
    record, other = store.keys.create("other", [Scope.READ], None)
    before = _get(client, x_api_key=other)
    store.keys.revoke(str(record.id))

    assert (before.status_code, _get(client, x_api_key=other).status_code) == (200, 401)


def test_sentrys_api_is_refused_in_sentrys_form(client: TestClient, store: Store) -> None:
    read = make_key(store, Scope.READ)

    refused = [
        client.get("/api/0/"),
        client.post("/api/0/organizations/acme/releases/", json={}, headers=bearer(read)),
        client.get("/api/0/", headers={"host": "evil.example"}),
        client.get("/api/0/", headers={"origin": "https://evil.example"}),
    ]

    assert [answer.status_code for answer in refused] == [401, 403, 421, 403]
    assert {tuple(answer.json()) for answer in refused} == {("detail",)}
    assert refused[1].headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="write"'


def test_the_history_names_the_key_and_the_programs_own_word_apart(
    client: TestClient, store: Store, key: str, origin: OriginRecord
) -> None:
    report(store, origin, payload())

    headers = bearer(key) | {"x-userid": "root\u202e"}
    told = {name.encode(): value.encode() for name, value in headers.items()}
    client.patch("/api/error-issues/MY-APP-1/status", json={"status": "muted"}, headers=told)

    change = client.get("/api/error-issues/MY-APP-1", headers=bearer(key)).json()["history"][0]
    assert (change["actor"], change["client"]) == ("key:alice", "root\\u{202e}")


@pytest.mark.parametrize(
    ("headers", "method", "path", "status"),
    [
        ({"x-provenance-read-only": "1"}, "GET", "/api/error-issues", 200),
        ({"x-provenance-read-only": "1"}, "PATCH", "/api/error-issues/MY-APP-1/status", 403),
        ({"x-provenance-read-only": "yes"}, "PATCH", "/api/error-issues/MY-APP-1/status", 403),
        ({"x-provenance-read-only": "0"}, "PATCH", "/api/error-issues/MY-APP-1/status", 200),
        ({"x-provenance-origin": "my-app"}, "GET", "/api/error-issues/MY-APP-1", 200),
        ({"x-provenance-origin": "other"}, "GET", "/api/error-issues/MY-APP-1", 404),
        ({"x-provenance-origin": "nowhere"}, "GET", "/api/error-issues", 404),
    ],
)
@pytest.mark.parametrize("is_open", [True, False])
def test_a_caller_can_bound_itself(
    client: TestClient,
    store: Store,
    origin: OriginRecord,
    headers: dict[str, str],
    method: str,
    path: str,
    status: int,
    is_open: bool,
) -> None:
    make_origin(store, "other")
    report(store, origin, payload())
    shown = {} if is_open else bearer(make_key(store, Scope.ADMIN))
    body: dict[str, Any] = {"json": {"status": "muted"}} if method == "PATCH" else {}

    assert client.request(method, path, headers=shown | headers, **body).status_code == status


def test_bounds_hold_for_sentrys_api_too(client: TestClient, store: Store, origin: OriginRecord) -> None:
    other = make_origin(store, "other")
    for one in (origin, other):
        report(store, one, payload(release=f"{one.mnemonic}@1"))
    bound = bearer(make_key(store, Scope.ADMIN)) | {"x-provenance-origin": "my-app"}
    releases = "/api/0/organizations/acme/releases/"

    projects = client.get("/api/0/organizations/acme/projects/", headers=bound).json()
    listed = client.get(releases, headers=bound).json()
    locked = client.get(releases, headers=bound | {"x-provenance-lockdown": "1"})
    refused = [
        client.get(f"{releases}other@1/", headers=bound),
        client.post(releases, json={"version": "2", "projects": ["other"]}, headers=bound),
        client.post(
            releases, json={"version": "2", "projects": ["my-app"]}, headers=bound | {"x-provenance-read-only": "1"}
        ),
        client.delete(f"{releases}other@1/", headers=bound),
    ]

    assert [one["slug"] for one in projects] == ["my-app"]
    assert [one["version"] for one in listed] == ["my-app@1"]
    assert locked.status_code == 200
    assert "my-app@1" not in locked.text
    assert [answer.status_code for answer in refused] == [404, 400, 403, 404]


def test_lockdown_withholds_whoever_asks(client: TestClient, store: Store, key: str, origin: OriginRecord) -> None:
    report(store, origin, payload())
    own = client.get("/api/error-issues", headers=bearer(key) | {"x-provenance-lockdown": "1"})
    with TestClient(create_app(store, exposure=Exposure(lockdown=True)), base_url=BASE) as locked:
        servers = locked.get("/api/error-issues", headers=bearer(key) | {"x-provenance-lockdown": "0"})

    for answer in (own, servers):
        assert answer.status_code == 200
        assert "could not price" not in answer.text
    assert "could not price" in client.get("/api/error-issues", headers=bearer(key)).text


def test_the_last_use_is_written_now_and_then(store: Store, origin: OriginRecord) -> None:
    clock = FakeClock()
    secrets = [make_key(store, Scope.READ), make_key(store, Scope.INGEST, origin=origin)]

    def used() -> list[int | None]:
        return [key.last_used_at for key in store.keys.list(None, 10, None)[0]]

    def use(client: TestClient) -> None:
        client.get("/api/origins", headers=bearer(secrets[0]))
        client.post(f"/api/1/envelope/?sentry_key={secrets[1]}", content=envelope(event_item()))

    def wait(before: list[int | None]) -> list[int | None]:
        deadline = time.monotonic() + 10
        while any(now == then for now, then in zip(used(), before, strict=True)):
            assert time.monotonic() < deadline
        return used()

    with TestClient(create_app(store, clock=clock), base_url=BASE) as client:
        use(client)
        first = wait([None, None])
        use(client)
        client.get("/api/access", headers=bearer(secrets[0]))
        soon = used()
        clock.pass_seconds(61)
        use(client)
        later = wait(first)

    assert soon == first
    assert all(now and then and now > then for now, then in zip(later, first, strict=True))


def test_keys_stand_in_no_answer_and_no_log(
    client: TestClient, store: Store, key: str, origin: OriginRecord, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sender = make_key(store, Scope.INGEST, origin=origin)
    shown = [key, sender, UNKNOWN, key[:12] + "0" * 56]
    said = ""
    for secret in shown:
        for path in ("/api/origins", "/api/access", "/api/0/", "/api/keys", "/nothing", f"/api/keys/{secret}"):
            answer = client.get(path, headers=bearer(secret))
            said += answer.text + str(answer.headers)
        said += client.delete(f"/api/keys/{secret}", headers=bearer(key)).text
        said += client.post("/mcp", json={}, headers=bearer(secret)).text
        said += client.post(f"/api/1/envelope/?sentry_key={secret}", content=b"no envelope").text

    for secret in shown:
        assert secret not in said
        assert not [one for one in caplog.records if secret in one.getMessage() and one.name != CLIENT_LOG]


def test_a_route_that_says_nothing_is_closed(store: Store, key: str, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(store)

    async def forgotten(_request: object) -> None:
        raise AssertionError("nobody gets here")

    app.router.routes.insert(0, Route("/forgotten", forgotten))
    with TestClient(app, base_url=BASE) as client:
        answer = client.get("/forgotten", headers=bearer(key))

    assert answer.status_code == 403
    assert "/forgotten" in caplog.text
