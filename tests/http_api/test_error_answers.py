"""Refusals: one form for the API, Sentry's for SDKs, and never a word of an event."""

from __future__ import annotations

import logging
from concurrent.futures import Future

import pytest
from starlette.testclient import TestClient
from tests.factory import payload, report
from tests.http_api.conftest import BASE
from tests.http_api.recorders import Standing, by
from tests.http_api.sending import auth, envelope, event_item, item, send

from provenance_core.errors import Unavailable
from provenance_http.app import create_app
from provenance_server.faults import trace
from provenance_storage.records import NewInteraction, OriginRecord, Recorded
from provenance_storage.store import Store

CANARY = "canary-7f3a"


class Failing(Standing):
    """Take nothing: raise what the test says."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def submit(self, new: NewInteraction) -> Future[Recorded]:
        """Refuse."""
        raise self._error


def test_an_unknown_path_says_where_to_look(client: TestClient) -> None:
    answer = client.get("/api/issues")

    assert answer.status_code == 404
    assert answer.json()["error"].keys() == {"code", "message", "details"}
    assert answer.json()["error"]["code"] == "not_found"
    assert "/openapi.json" in answer.json()["error"]["message"]


@pytest.mark.parametrize("method", ["PUT", "TRACE", "OPTIONS"])
def test_a_wrong_method_is_told_the_right_ones(client: TestClient, method: str) -> None:
    answer = client.request(method, "/api/origins")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert "GET, HEAD, POST" in answer.json()["error"]["message"]


def test_a_thing_that_is_not_there_is_404(client: TestClient) -> None:
    answer = client.get("/api/error-issues/MY-APP-1")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_a_refused_change_is_409_and_changes_nothing(client: TestClient, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload())
    client.patch("/api/error-issues/MY-APP-1/status", json={"status": "ignored"})

    answer = client.patch("/api/error-issues/MY-APP-1/status", json={"status": "muted"})

    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"
    assert client.get("/api/error-issues/MY-APP-1").json()["status"] == "ignored"


def test_a_system_entity_is_409(client: TestClient) -> None:
    assert client.delete("/api/resource-types/ERROR").status_code == 409


def test_an_unexpected_error_is_logged_and_not_told(
    store: Store, origin: OriginRecord, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(store, by(Failing(RuntimeError(CANARY))))
    body = {"origin": "my-app", "resourceType": "ERROR", "interaction": {"message": "x"}}

    with TestClient(app, base_url=BASE) as client, caplog.at_level(logging.ERROR, "provenance_http"):
        api = client.post("/api/interactions", json=body)
        sdk = send(client, origin, envelope(event_item()))

    assert api.status_code == sdk.status_code == 500
    assert api.json()["error"]["code"] == "internal"
    assert api.headers["x-content-type-options"] == "nosniff"
    assert sdk.json()["causes"] == []
    assert sdk.headers["access-control-allow-origin"] == "*"
    assert CANARY not in api.text + sdk.text
    assert caplog.text.count("Traceback") == 2
    assert caplog.text.count("builtins.RuntimeError") == 2
    assert "in submit" in caplog.text
    assert CANARY not in caplog.text


def test_the_errors_behind_an_error_are_traced_without_their_words() -> None:
    def fail() -> None:
        try:
            {}[CANARY]
        except KeyError as error:
            raise ValueError(CANARY) from error

    with pytest.raises(ValueError, match=CANARY) as raised:
        fail()
    told = trace(raised.value)

    assert told.index("builtins.KeyError") < told.index("builtins.ValueError")
    assert CANARY not in told


def test_a_store_that_cannot_be_reached_is_503(store: Store, origin: OriginRecord) -> None:
    with TestClient(create_app(store, by(Failing(Unavailable("The store is away.")))), base_url=BASE) as client:
        answer = send(client, origin, envelope(event_item()))

    assert answer.status_code == 503
    assert answer.json() == {"detail": "The server cannot write events now; its log says why.", "causes": []}
    assert answer.headers["x-sentry-error"] == answer.json()["detail"]


def test_no_error_holds_text_of_an_event(client: TestClient, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload(message=CANARY, errorType=CANARY, release=CANARY, tags={CANARY: CANARY}))
    big = {CANARY: CANARY * 100_000}
    refused = [
        client.post("/api/interactions", json={"origin": "my-app", "resourceType": "ERROR", "interaction": CANARY}),
        client.post("/api/interactions", json={"origin": "my-app", "resourceType": "ERROR", "interaction": big}),
        client.post("/api/interactions", content=b'{"interaction":{"a":"' + CANARY.encode()),
        client.patch("/api/error-issues/MY-APP-1/status", json={"status": "regressed"}),
        client.get("/api/error-issues/MY-APP-1?event=x"),
        send(client, origin, envelope(item("event", b'{"message":"' + CANARY.encode()))),
        send(client, origin, envelope(item("event", b'"' + CANARY.encode() + b'"'))),
        send(client, origin, CANARY.encode()),
        send(
            client, origin, b'{"a":"' + CANARY.encode() + b'"}\n{"type":"event","length":"' + CANARY.encode() + b'"}\n'
        ),
        send(client, origin, CANARY.encode(), content_encoding="gzip"),
        client.post("/api/1/store/", content=CANARY.encode(), headers=auth(origin)),
    ]

    assert [answer.status_code for answer in refused if answer.status_code < 400] == []
    assert [answer.text for answer in refused if CANARY in answer.text + str(answer.headers)] == []
