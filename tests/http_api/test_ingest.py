"""Envelopes and single events: what is kept, what is counted, what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient
from tests.http_api.sending import EVENT_ID, auth, envelope, event_item, item, send, sentry_event, total
from tests.samples import envelopes

from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

OTHER_ID = "a" * 32
DASHED = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
TOO_LARGE = event_item(event_id="b" * 32, extra={"x": "y" * 1_100_000})
INVALID = item("event", b'{"message": ')
SESSION = item("session", b"{}")
Counted = Callable[[], dict[tuple[str, str], int]]


@pytest.fixture
def counted(client: TestClient, store: Store, origin: OriginRecord) -> Counted:
    """Return what was counted once the application has ended."""

    def ended() -> dict[tuple[str, str], int]:
        client.__exit__()
        try:
            return store.discarded(origin.id)
        finally:
            client.__enter__()

    return ended


@pytest.mark.parametrize("kind", ["small", "large", "node"])
def test_real_envelopes_of_sdks_are_recorded(client: TestClient, origin: OriginRecord, kind: str) -> None:
    bodies = [path.read_bytes() for path in envelopes(kind)[:10]]

    answers = [send(client, origin, body) for body in bodies]

    assert {answer.status_code for answer in answers} == {200}
    assert total(client) == len({answer.json()["id"] for answer in answers}) == len(bodies)


def test_an_event_is_on_disk_when_it_is_answered(client: TestClient, url: str, origin: OriginRecord) -> None:
    answer = send(client, origin, envelope(event_item(release="1.2.3")))

    with_another_connection = Store.open(url)
    issue = with_another_connection.issues.find("my-app-1")
    with_another_connection.close()

    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert issue.event_count == 1


@pytest.mark.parametrize("path", ["/api/1/store/", "/api/1/store"])
def test_a_single_event_is_recorded(client: TestClient, origin: OriginRecord, path: str) -> None:
    answer = client.post(path, content=orjson.dumps(sentry_event()), headers=auth(origin))

    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert total(client) == 1


@pytest.mark.parametrize(
    ("header", "inner", "answered"),
    [
        (None, EVENT_ID, EVENT_ID),
        (OTHER_ID, EVENT_ID, EVENT_ID),
        (OTHER_ID, None, OTHER_ID),
        (DASHED, None, OTHER_ID),
        (DASHED.upper(), "no id", OTHER_ID),
        (OTHER_ID, 5, OTHER_ID),
    ],
)
def test_the_events_own_id_wins_over_the_envelopes(
    client: TestClient, origin: OriginRecord, header: str | None, inner: object, answered: str
) -> None:
    answer = send(client, origin, envelope(event_item(event_id=inner), event_id=header))

    assert answer.json() == {"id": answered}
    assert client.get("/api/interactions").json()["items"][0]["reported"]["eventId"] == answered


@pytest.mark.parametrize("header", [None, "no id", 7])
def test_an_event_without_an_id_gets_one(client: TestClient, origin: OriginRecord, header: object) -> None:
    answers = [send(client, origin, envelope(event_item(event_id=None), event_id=header)).json() for _ in range(2)]

    assert all(len(bytes.fromhex(answer["id"])) == 16 for answer in answers)
    assert total(client) == 2


def test_two_events_without_ids_in_one_envelope_are_two(client: TestClient, origin: OriginRecord) -> None:
    body = envelope(event_item(event_id=None), event_item(event_id=None), event_id=OTHER_ID)

    assert send(client, origin, body).json() == {"id": OTHER_ID}
    assert total(client) == 2


def test_the_same_event_twice_is_counted_once(client: TestClient, origin: OriginRecord) -> None:
    answers = [send(client, origin, envelope(event_item())) for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"id": EVENT_ID}] * 2
    assert total(client) == 1


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (envelope(), {}),
        (b"{}", {}),
        (envelope(event_id=DASHED), {"id": OTHER_ID}),
        (envelope(SESSION, event_id=OTHER_ID), {"id": OTHER_ID}),
        (envelope(item("never heard of", b"x")), {}),
    ],
)
def test_an_envelope_without_events_is_accepted(
    client: TestClient, origin: OriginRecord, body: bytes, answer: dict[str, str]
) -> None:
    accepted = send(client, origin, body)

    assert (accepted.status_code, accepted.json()) == (200, answer)


def test_what_is_no_event_is_counted_by_category(client: TestClient, origin: OriginRecord, counted: Counted) -> None:
    kinds = ["transaction", "session", "sessions", "attachment", "check_in", "log", "replay_video", "canary-kind"]

    answer = send(client, origin, envelope(*(item(kind, b"{}") for kind in kinds), event_item()))

    assert answer.json() == {"id": EVENT_ID}
    assert counted() == {
        ("transaction", "not_kept"): 1,
        ("session", "not_kept"): 2,
        ("attachment", "not_kept"): 1,
        ("monitor", "not_kept"): 1,
        ("log_item", "not_kept"): 1,
        ("replay", "not_kept"): 1,
        ("other", "not_kept"): 1,
    }


def test_client_reports_are_added_up(client: TestClient, origin: OriginRecord, counted: Counted) -> None:
    entries: list[Any] = [
        {"reason": "before_send", "category": "error", "quantity": 3},
        {"reason": "before_send", "category": "error", "quantity": 2},
        {"reason": "canary", "category": "canary", "quantity": 10**30},
        {"reason": "canary", "category": ["canary"], "quantity": -5},
        {"reason": "sample_rate", "category": "transaction", "quantity": True},
        "canary",
    ]
    report = item("client_report", b'{"discarded_events":' + orjson_big(entries) + b"}")

    answer = send(client, origin, envelope(report))

    assert answer.status_code == 200
    counts = counted()
    assert counts.pop(("error", "client_before_send")) == 5
    assert "canary" not in str(counts)


def orjson_big(entries: list[Any]) -> bytes:
    """Return JSON with integers of any size."""
    return str(entries).replace("'", '"').replace("True", "true").encode()


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"discarded_events":3}', b"x" * 200_000])
def test_a_report_that_is_none_is_counted_as_an_item(
    client: TestClient, origin: OriginRecord, counted: Counted, payload: bytes
) -> None:
    assert send(client, origin, envelope(item("client_report", payload))).status_code == 200
    assert counted() == {("internal", "not_kept"): 1}


@pytest.mark.parametrize(
    ("items", "status", "recorded", "counts"),
    [
        ([TOO_LARGE], 413, 0, {("error", "too_large"): 1}),
        ([TOO_LARGE, SESSION], 413, 0, {("error", "too_large"): 1, ("session", "not_kept"): 1}),
        ([TOO_LARGE, INVALID], 413, 0, {("error", "too_large"): 1, ("error", "invalid"): 1}),
        ([TOO_LARGE, event_item()], 200, 1, {("error", "too_large"): 1}),
        ([event_item(), TOO_LARGE], 200, 1, {("error", "too_large"): 1}),
        ([INVALID], 400, 0, {("error", "invalid"): 1}),
        ([item("event", b"[]"), item("event", b"")], 400, 0, {("error", "invalid"): 2}),
        ([INVALID, event_item()], 200, 1, {("error", "invalid"): 1}),
        ([INVALID, SESSION], 200, 0, {("error", "invalid"): 1, ("session", "not_kept"): 1}),
    ],
)
def test_an_event_that_cannot_be_kept_does_not_harm_its_neighbours(
    client: TestClient,
    origin: OriginRecord,
    counted: Counted,
    items: list[bytes],
    status: int,
    recorded: int,
    counts: dict[tuple[str, str], int],
) -> None:
    answer = send(client, origin, envelope(*items))

    assert answer.status_code == status
    assert total(client) == recorded
    assert counted() == counts


@pytest.mark.parametrize(
    ("body", "status"),
    [(sentry_event(extra={"x": "y" * 1_100_000}), 413), ([sentry_event()], 400), ("text", 400), (None, 400)],
)
def test_a_single_event_that_cannot_be_kept_is_refused(
    client: TestClient, origin: OriginRecord, body: object, status: int
) -> None:
    answer = client.post("/api/1/store/", content=orjson.dumps(body), headers=auth(origin))

    assert answer.status_code == status
    assert answer.json().keys() == {"detail", "causes"}
    assert total(client) == 0


def test_an_envelope_that_is_cut_keeps_its_whole_items(
    client: TestClient, origin: OriginRecord, counted: Counted
) -> None:
    whole = envelope(event_item(), event_item(event_id=OTHER_ID))

    answer = send(client, origin, whole[:-40])

    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert counted() == {("other", "truncated"): 1}


@pytest.mark.parametrize("cut", [1, 40, 100])
def test_an_envelope_without_a_whole_item_is_refused(
    client: TestClient, origin: OriginRecord, counted: Counted, cut: int
) -> None:
    answer = send(client, origin, envelope(event_item())[: -cut - 1])

    assert answer.status_code == 400
    assert total(client) == 0
    assert counted() == {("other", "invalid"): 1}


def test_items_over_the_limit_are_counted(client: TestClient, origin: OriginRecord, counted: Counted) -> None:
    items = [event_item(event_id=f"{number:032x}") for number in range(105)]

    answer = send(client, origin, envelope(*items))

    assert answer.status_code == 200
    assert total(client) == 100
    assert counted() == {("other", "too_many"): 5}


@pytest.mark.parametrize("body", [b"", b"\n", b"[]\n", b"no json\n", b"{}\n[]\n", b'{}\n{"type":5}\nx\n', b"\x00\xff"])
def test_what_is_no_envelope_is_400(client: TestClient, origin: OriginRecord, body: bytes) -> None:
    answer = send(client, origin, body)

    assert answer.status_code == 400
    assert answer.headers["x-sentry-error"] == answer.json()["detail"]


def test_broken_text_is_repaired_and_marked(client: TestClient, origin: OriginRecord) -> None:
    broken = item("event", b'{"message":"a\\u0000b\\ud800 \xff","extra":{"n":NaN}}')

    answer = send(client, origin, envelope(broken))
    event = client.get("/api/error-issues/MY-APP-1").json()["event"]["reported"]

    assert answer.status_code == 200
    assert event["message"] == "a\ufffdb\ufffd \ufffd"
    assert event["marks"]["repaired"] > 0
