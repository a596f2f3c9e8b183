"""Bad input over real HTTP: a clear error or a trimmed event, never a 5xx, never a lost neighbour, never an echo."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.processes import RunningServer

CANARY = "CaNaRy-from-the-event"
HEAD = b'{"event_id":"00000000000000000000000000000000"}\n'


def _event(**changes: Any) -> dict[str, Any]:
    frames = [{"filename": "app.py", "function": "work", "lineno": 3, "in_app": True}]
    value = {"type": "ValueError", "value": "no", "stacktrace": {"frames": frames}}
    return {"exception": {"values": [value]}, "platform": "python", **changes}


def _item(payload: bytes, kind: str = "event") -> bytes:
    return json.dumps({"type": kind, "length": len(payload)}).encode() + b"\n" + payload + b"\n"


def _dumped(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


def _raised(kind: str, **frame: Any) -> dict[str, Any]:
    return _event(exception={"values": [{"type": kind, "value": "v", "stacktrace": {"frames": [frame]}}]})


DEEP = b'{"extra":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b',"message":"deep"}'
TOO_DEEP = b'{"extra":' + b"[" * 50_000 + b"]" * 50_000 + b',"message":"too deep"}'
FRAMES = [{"filename": f"m{number}.py", "function": "f", "lineno": number} for number in range(10_000)]

STORED = {
    "NUL": _dumped(_event(message="a\0b", tags={"k\0": "v\0"})),
    "a lone surrogate": b'{"message":"half \\ud83d of one","exception":{"values":[{"type":"E","value":"\\udc00"}]}}',
    "invalid UTF-8": b'{"message":"caf\xe9 \xff\xfe","level":"error"}',
    "a byte order mark": b'\xef\xbb\xbf{"message":"bom"}',
    "NaN and huge numbers": b'{"message":"n","extra":{"a":NaN,"b":Infinity,"c":1e999,"d":1234567890123456789012}}',
    "10,000 frames": _dumped(
        _event(exception={"values": [{"type": "Deep", "value": "v", "stacktrace": {"frames": FRAMES}}]})
    ),
    "deep nesting": DEEP,
    "nesting deeper than parsers go": TOO_DEEP,
    "duplicate keys": b'{"message":"one","message":"two"}',
    "wrong types everywhere": _dumped(
        {
            "exception": 5,
            "message": ["x"],
            "tags": 7,
            "breadcrumbs": "no",
            "user": [],
            "request": 1,
            "level": {},
            "release": 9,
        }
    ),
    "frames that are none": _dumped(_raised("Odd", filename=5, lineno="x", vars=[1], in_app="maybe", pre_context=7)),
    "nulls everywhere": _dumped(dict.fromkeys(["exception", "message", "tags", "user", "request", "contexts", "sdk"])),
    "an empty object": b"{}",
}
REFUSED = {
    "cut in the middle": (_dumped(_event(message=CANARY))[:-20], 400),
    "no JSON": (f"{{{CANARY}".encode(), 400),
    "an array": (f'["{CANARY}"]'.encode(), 400),
    "a text": (f'"{CANARY}"'.encode(), 400),
    "a 10 MB message": (_dumped(_event(message=CANARY + "m" * 10_000_000)), 413),
}


@pytest.fixture
def http(server: RunningServer, origin: dict[str, Any]) -> Any:
    with httpx.Client(
        base_url=server.url,
        headers={"x-sentry-auth": f"Sentry sentry_version=7, sentry_key={origin['publicKey']}"},
        timeout=60,
        trust_env=False,
    ) as client:
        yield client


def _stored(http: httpx.Client, origin: dict[str, Any]) -> int:
    return int(http.get("/api/interactions", params={"origin": origin["mnemonic"]}).json()["total"])


@pytest.mark.parametrize("door", ["envelope", "store", "native"])
@pytest.mark.parametrize("name", list(STORED))
def test_a_malformed_event_is_mended_and_stored(
    http: httpx.Client, origin: dict[str, Any], name: str, door: str
) -> None:
    if door == "native":
        head = json.dumps({"origin": origin["id"], "resourceType": "ERROR"}).encode()[:-1]
        body = head + b', "interaction": ' + STORED[name].removeprefix(b"\xef\xbb\xbf") + b"}"
        answer = http.post("/api/interactions", content=body)
    else:
        body = STORED[name] if door == "store" else HEAD + _item(STORED[name])
        answer = http.post(f"/api/{origin['number']}/{door}/", content=body)
    issue = http.get("/api/error-issues", params={"origin": origin["mnemonic"]}).json()["items"][0]
    detail = http.get(f"/api/error-issues/{issue['id']}")

    assert answer.status_code in {200, 201}, answer.text
    assert detail.status_code == 200
    assert "\\u0000" not in detail.text
    assert "\\ud8" not in detail.text
    assert len(detail.content) < 2_000_000
    assert _stored(http, origin) == 1


@pytest.mark.parametrize("door", ["envelope", "store"])
@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_no_event_is_refused_without_an_echo(
    http: httpx.Client, origin: dict[str, Any], name: str, door: str
) -> None:
    body, status = REFUSED[name]
    answer = http.post(f"/api/{origin['number']}/{door}/", content=body if door == "store" else HEAD + _item(body))

    assert answer.status_code == status, answer.text
    assert CANARY not in answer.text
    assert answer.json()["detail"]
    assert _stored(http, origin) == 0


@pytest.mark.parametrize("name", list(REFUSED))
def test_a_neighbour_of_a_bad_event_is_stored(http: httpx.Client, origin: dict[str, Any], name: str) -> None:
    good = _item(_dumped(_event(event_id="1" * 32)))
    body = HEAD + good + _item(REFUSED[name][0]) + _item(_dumped(_event(event_id="2" * 32)))
    answer = http.post(f"/api/{origin['number']}/envelope/", content=body)

    assert answer.status_code == 200, answer.text
    assert _stored(http, origin) == 2


@pytest.mark.parametrize(("cut", "kept"), [(1, 2), (20, 1), (100, 1)])
def test_an_envelope_cut_in_the_middle_keeps_its_whole_items(
    http: httpx.Client, origin: dict[str, Any], cut: int, kept: int
) -> None:
    body = HEAD + _item(_dumped(_event())) + _item(_dumped(_event(message=CANARY)))[:-cut]
    answer = http.post(f"/api/{origin['number']}/envelope/", content=body)

    assert answer.status_code == 200, answer.text
    assert _stored(http, origin) == kept


QUERIES = [
    ("GET", "/api/error-issues?bogus=1", 400),
    ("GET", "/api/error-issues?limit=0", 400),
    ("GET", "/api/error-issues?limit=x", 400),
    ("GET", "/api/error-issues?status=closed", 400),
    ("GET", "/api/error-issues?since=2026-99-99", 400),
    ("GET", "/api/error-issues?until=soon", 400),
    ("GET", "/api/error-issues?cursor=%00%ff", 400),
    ("GET", "/api/error-issues?origin=nobody", 404),
    ("GET", "/api/error-issues?query=%00%25_%27%22", 200),
    ("GET", "/api/error-issues/nothing", 404),
    ("GET", "/api/error-issues/%00", 404),
    ("GET", "/api/interactions/nothing", 404),
    ("GET", "/api/origins/nobody", 404),
    ("GET", "/api/nothing", 404),
    ("DELETE", "/api/error-issues", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), QUERIES)
def test_a_bad_request_is_told_what_is_wrong(http: httpx.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)

    assert answer.status_code == status, answer.text
    if status != 200:
        assert set(answer.json()["error"]) == {"code", "message", "details"}


BODIES = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b"\xff\xfe", 400),
    (b'{"status":"resolved","bogus":1}', 400),
    (b'{"status":5}', 400),
    (b"{}", 400),
    (b'{"status":"resolved","release":"9.9"}', 404),
    (b'{"status":"regressed"}', 409),
    (b'{"status":"ignored","note":"\\ud800"}', 400),
    (b'{"status":"ignored","note":"' + b"n" * 20_000 + b'"}', 400),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
def test_a_bad_body_is_told_what_is_wrong(http: httpx.Client, origin: dict[str, Any], body: bytes, status: int) -> None:
    http.post(f"/api/{origin['number']}/store/", content=_dumped(_event(message=CANARY)))
    answer = http.patch(f"/api/error-issues/{origin['mnemonic']}-1/status", content=body)

    assert answer.status_code == status, answer.text
    assert CANARY not in answer.text
    assert http.get(f"/api/error-issues/{origin['mnemonic']}-1").json()["status"] == "open"
