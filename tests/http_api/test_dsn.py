"""Keys of DSNs: where they may stand and what is refused."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.factory import make_origin
from tests.http_api.sending import envelope, event_item, total
from tests.stores import Kind

from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

OTHER_KEY = "0" * 32


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: how an address is read does not depend on it."""
    return "sqlite"


@pytest.mark.parametrize(
    ("query", "headers", "dsn"),
    [
        ("", {"x-sentry-auth": "Sentry sentry_version=7, sentry_key={key}"}, None),
        ("", {"x-sentry-auth": "sentry sentry_key={key},sentry_client=a/1"}, None),
        ("", {"authorization": "Sentry sentry_key={key}, sentry_version=7"}, None),
        ("?sentry_version=7&sentry_key={key}", {}, None),
        ("", {}, "https://{key}@errors.example/1"),
        ("", {}, "https://{key}:secret@errors.example/1"),
        ("?sentry_key={key}", {"x-sentry-auth": "Sentry sentry_key={key}"}, "http://{key}@localhost/1"),
    ],
)
def test_a_key_is_found_where_sdks_put_it(
    client: TestClient, origin: OriginRecord, query: str, headers: dict[str, str], dsn: str | None
) -> None:
    key = origin.public_key
    header = {"dsn": dsn.format(key=key)} if dsn else {}

    answer = client.post(
        "/api/1/envelope/" + query.format(key=key),
        content=envelope(event_item(), **header),
        headers={name: value.format(key=key) for name, value in headers.items()},
    )

    assert answer.status_code == 200, answer.text
    assert client.get("/api/interactions").json()["items"][0]["via"] == "public"


@pytest.mark.parametrize(
    ("query", "headers", "dsn"),
    [
        ("", {}, None),
        ("", {"x-sentry-auth": "Sentry sentry_version=7"}, None),
        ("", {"authorization": "Bearer {key}"}, None),
        ("?sentry_key=", {}, None),
        ("?sentry_key={other}", {}, None),
        ("?sentry_key=" + "x" * 5000, {}, None),
        ("?sentry_key={key}&sentry_key={other}", {}, None),
        ("?sentry_key={key}", {"x-sentry-auth": "Sentry sentry_key={other}"}, None),
        ("", {}, "https://errors.example/1"),
        ("", {}, "https://[broken"),
        ("", {}, ["{key}"]),
    ],
)
@pytest.mark.parametrize("door", ["envelope", "store"])
def test_a_missing_wrong_or_contradicted_key_is_403(
    client: TestClient, origin: OriginRecord, query: str, headers: dict[str, str], dsn: object, door: str
) -> None:
    words = {"key": origin.public_key, "other": OTHER_KEY}
    header = {"dsn": dsn.format(**words) if isinstance(dsn, str) else dsn} if dsn else {}

    answer = client.post(
        f"/api/1/{door}/" + query.format(**words),
        content=envelope(event_item(), **header),
        headers={name: value.format(**words) for name, value in headers.items()},
    )

    assert answer.status_code == 403
    assert answer.json().keys() == {"detail", "causes"}
    assert answer.headers["x-sentry-error"]
    assert total(client) == 0


def test_an_envelope_that_names_another_key_than_its_request_is_403(client: TestClient, origin: OriginRecord) -> None:
    body = envelope(event_item(), dsn=f"https://{OTHER_KEY}@errors.example/1")

    answer = client.post(f"/api/1/envelope/?sentry_key={origin.public_key}", content=body)

    assert answer.status_code == 403
    assert total(client) == 0


def test_a_key_opens_only_its_own_project_and_nothing_tells_which_exist(
    client: TestClient, store: Store, origin: OriginRecord
) -> None:
    make_origin(store, "other")

    answers = [client.post(f"/api/{number}/envelope/?sentry_key={origin.public_key}") for number in (2, 3, 10**17)]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert len({answer.text for answer in answers}) == 1


def test_a_body_that_cannot_be_read_without_a_key_is_403(client: TestClient, origin: OriginRecord) -> None:
    answer = client.post("/api/1/envelope/", content=b"no gzip", headers={"content-encoding": "gzip"})

    assert answer.status_code == 403
