"""What a request costs whose key opens nothing: neither its body is taken in nor more than a line inflated."""

from __future__ import annotations

import random
from collections.abc import Iterator

import brotli  # pyright: ignore[reportMissingTypeStubs]  # it has none
import pytest
from starlette.applications import Starlette
from starlette.types import Message
from tests.http_api.sending import envelope, event_item, item
from tests.http_api.test_bodies import ENCODERS

from provenance_http import bodies
from provenance_http.app import create_app
from provenance_http.bodies import START_BYTES
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
CHUNK = 64 * 1024
BODY = 1024 * 1024


async def _ask(app: Starlette, path: str, query: str, body: bytes, encoding: str = "identity") -> tuple[int, int]:
    """Send a body in chunks; return the status and how many bytes were taken."""
    taken = 0
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal taken
        chunk = body[taken : taken + CHUNK]
        taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": taken < len(body)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": query.encode()}
    headers = [(b"host", b"x"), (b"content-encoding", encoding.encode())]
    async with app.router.lifespan_context(app) as state:
        await app({**scope, "headers": headers, "http_version": "1.1", "state": dict(state or {})}, receive, send)
    return sent[0]["status"], taken


def _noise() -> bytes:
    return item("attachment", random.Random(2).randbytes(BODY))


@pytest.mark.parametrize("path", ["/api/1/envelope/", "/api/1/store/", "/api/7/envelope/"])
async def test_no_body_is_taken_in_with_an_unknown_key(store: Store, origin: OriginRecord, path: str) -> None:
    status, taken = await _ask(create_app(store), path, "sentry_key=" + "0" * 32, bytes(BODY))

    assert (status, taken) == (403, 0)


async def test_no_single_event_is_taken_in_without_a_key(store: Store, origin: OriginRecord) -> None:
    assert await _ask(create_app(store), "/api/1/store/", "", bytes(BODY)) == (403, 0)


@pytest.mark.parametrize("dsn", [None, "https://00000000@errors.example/1"])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "zstd"])
async def test_little_is_taken_in_of_an_envelope_whose_header_names_no_good_key(
    store: Store, origin: OriginRecord, dsn: str | None, encoding: str
) -> None:
    body = ENCODERS[encoding][1](envelope(_noise(), dsn=dsn))

    status, taken = await _ask(create_app(store), "/api/1/envelope/", "", body, encoding)

    assert status == 403
    assert START_BYTES <= taken < START_BYTES + CHUNK


@pytest.mark.parametrize("name", ENCODERS)
async def test_a_key_in_the_header_of_a_large_envelope_is_found(store: Store, origin: OriginRecord, name: str) -> None:
    encoding, encode = ENCODERS[name]
    header = {"sdk": {"name": "x" * 7000}, "dsn": f"https://{origin.public_key}@errors.example/1"}
    body = encode(envelope(_noise(), event_item(), **header))

    status, taken = await _ask(create_app(store), "/api/1/envelope/", "", body, encoding)

    assert (status, taken) == (200, len(body))
    assert store.issues.find("MY-APP-1").event_count == 1


async def test_a_line_is_inflated_of_a_bomb_without_a_key(
    store: Store, origin: OriginRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = brotli.compress(b"{}\n" + b"\n" * (20 * 1024 * 1024))
    original, inflated = bodies.DECODERS["br"], 0

    def watched(data: bytes) -> Iterator[bytes]:
        nonlocal inflated
        for piece in original(data):
            inflated += len(piece)
            yield piece

    monkeypatch.setattr(bodies, "DECODERS", {"br": watched})

    status, _ = await _ask(create_app(store), "/api/1/envelope/", "", bomb, "br")

    assert status == 403
    assert inflated <= 2 * CHUNK
