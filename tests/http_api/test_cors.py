"""Browsers on any page may send events: preflights and headers as Relay answers them."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.http_api.sending import auth, envelope, event_item

from provenance_storage.records import OriginRecord

INGEST = ["/api/1/envelope/", "/api/1/envelope", "/api/1/store/", "/api/1/store"]
ALLOWED = (
    "Content-Type, X-Sentry-Auth, X-Requested-With, Origin, Accept, Authentication, Authorization, Content-Encoding, "
    "sentry-trace, baggage"
)


@pytest.mark.parametrize("path", INGEST)
def test_a_preflight_is_answered(client: TestClient, path: str) -> None:
    headers = {"origin": "https://shop.example", "access-control-request-method": "POST", "host": "errors.example"}

    answer = client.options(path, headers=headers)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == ALLOWED
    assert answer.headers["access-control-max-age"] == "3600"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("POST", {}, envelope(event_item()), 200),
        ("POST", {}, b"", 400),
        ("POST", {"x-sentry-auth": ""}, b"", 403),
        ("POST", {"content-encoding": "rot13"}, b"", 415),
        ("POST", {"content-length": "999999999999"}, b"", 413),
        ("GET", {}, b"", 405),
    ],
)
def test_every_answer_can_be_read_by_the_page(
    client: TestClient, origin: OriginRecord, method: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = client.request(method, "/api/1/envelope/", content=body, headers={**auth(origin), **headers})

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After"


@pytest.mark.parametrize(
    "path", ["/api/my-app/envelope/", "/api/1/minidump/", "/api/1/envelope/x", f"/api/{'1' * 19}/store/"]
)
def test_other_paths_have_no_cross_origin_access(client: TestClient, path: str) -> None:
    answer = client.post(path)

    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers
