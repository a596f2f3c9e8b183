"""Bodies: every encoding, and limits that hold whatever is sent."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

import anyio
import brotli  # pyright: ignore[reportMissingTypeStubs]  # it has none
import httpx
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from tests.http_api.conftest import BASE
from tests.http_api.sending import EVENT_ID, auth, envelope, event_item, send
from tests.stores import Kind

from provenance_core.errors import InvalidInput, TooLarge
from provenance_http import bodies, intake
from provenance_http.app import create_app
from provenance_http.decoders import DECODERS, MOST_BLOCKS, MOST_MEMBERS
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: how a body is read does not depend on it."""
    return "sqlite"


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def _noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


def _zstd_stream(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return packer.compress(data) + packer.flush()


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd stream": ("zstd", _zstd_stream),
}
LIMIT = 8 * 1024 * 1024
COMPRESSED = [name for name in ENCODERS if name != "identity"]


def inflate(data: bytes, encoding: str, largest: int = LIMIT) -> bytes:
    """Inflate under the limit of these tests."""
    return bodies.inflate(data, encoding, largest)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_envelope_is_read_in_every_encoding(client: TestClient, origin: OriginRecord, name: str) -> None:
    encoding, encode = ENCODERS[name]

    answer = send(client, origin, encode(envelope(event_item())), content_encoding=encoding.upper())

    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})


@pytest.mark.parametrize("name", ENCODERS)
@given(data=st.binary(max_size=300_000))
def test_what_was_encoded_comes_back(name: str, data: bytes) -> None:
    encoding, encode = ENCODERS[name]

    assert inflate(encode(data), encoding) == data


@pytest.mark.parametrize("name", ["gzip", "zstd", "zstd stream"])
def test_several_members_are_one_body(name: str) -> None:
    encoding, encode = ENCODERS[name]

    assert inflate(encode(b"first,") + encode(b"second"), encoding) == b"first,second"


@pytest.mark.parametrize("name", COMPRESSED)
def test_what_is_larger_than_a_piece_comes_back(name: str) -> None:
    encoding, encode = ENCODERS[name]
    data = _noise(300_000) + bytes(3_000_000) + _noise(70_000)

    assert inflate(encode(data), encoding) == data


@pytest.mark.parametrize("name", ["gzip", "deflate", "raw deflate"])
def test_what_is_not_read_yet_is_not_copied_with_each_piece(name: str) -> None:
    encoding, encode = ENCODERS[name]
    body = encode(_noise(2 * 1024 * 1024))
    held = 0

    tracemalloc.start()
    try:
        for _ in DECODERS[encoding](body):
            held = max(held, tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()

    assert held < 1024 * 1024


@pytest.mark.parametrize(
    ("encoding", "start", "part", "end", "most"),
    [
        ("gzip", b"", gzip.compress(b""), b"", MOST_MEMBERS),
        ("zstd", b"", zstandard.ZstdCompressor().compress(b""), b"", MOST_MEMBERS),
        ("zstd", b"", (0x184D2A50).to_bytes(4, "little") + bytes(4), b"", MOST_MEMBERS),
        ("zstd", b"\x28\xb5\x2f\xfd\x00\x58", bytes(3), b"\x01\x00\x00", MOST_BLOCKS - 1),
    ],
    ids=["members", "frames", "skippable frames", "blocks"],
)
def test_a_body_of_very_many_parts_is_refused(encoding: str, start: bytes, part: bytes, end: bytes, most: int) -> None:
    assert inflate(start + part * most + end, encoding) == b""
    with pytest.raises(InvalidInput, match="too many"):
        inflate(start + part * (most + 1) + end, encoding)


def test_a_skippable_frame_of_zstd_is_skipped() -> None:
    frame = (0x184D2A50).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"

    assert inflate(frame + zstandard.ZstdCompressor().compress(b"data"), "zstd") == b"data"


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.9, 1.0])
def test_a_stream_that_is_cut_is_refused(name: str, part: float) -> None:
    encoding, encode = ENCODERS[name]
    whole = encode(bytes(range(256)) * 2000)

    with pytest.raises(InvalidInput) as refused:
        inflate(whole[: min(int(len(whole) * part), len(whole) - 1)], encoding)

    assert "cut" in refused.value.message or "not valid" in refused.value.message


@pytest.mark.parametrize("encoding", [name for name in DECODERS if name != "identity"])
@given(data=st.binary(max_size=400))
def test_noise_is_refused_and_nothing_else_happens(encoding: str, data: bytes) -> None:
    try:
        inflate(data, encoding)
    except InvalidInput:
        return


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_bomb_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    encoding, encode = ENCODERS[name]
    bomb = encode(bytes(8 * 1024 * 1024))
    held = 0

    def watched(data: bytes) -> Iterator[bytes]:
        nonlocal held
        for piece in original(data):
            held += len(piece)
            yield piece

    original = DECODERS[encoding]
    monkeypatch.setattr(bodies, "DECODERS", {encoding: watched})

    with pytest.raises(TooLarge):
        inflate(bomb, encoding, 1024 * 1024)

    assert len(bomb) < 40_000
    assert held < 1.3 * 1024 * 1024


def test_a_bomb_of_the_real_limit_is_413(client: TestClient, store: Store, origin: OriginRecord) -> None:
    packer = brotli.Compressor()
    bomb = b"".join([*(packer.process(bytes(1024 * 1024)) for _ in range(101)), packer.finish()])

    answer = send(client, origin, bomb, content_encoding="br")

    assert len(bomb) < 1000
    assert answer.status_code == 413
    assert answer.json()["causes"] == []


def test_a_zstd_frame_that_asks_for_much_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()

    with pytest.raises(InvalidInput):
        inflate(packer.compress(b"a") + packer.flush(), "zstd")


@pytest.mark.parametrize("encoding", ["rot13", "gzip, gzip", "gzip,br", "compress", "gzip;q=1"])
def test_an_unknown_or_nested_encoding_is_415(client: TestClient, origin: OriginRecord, encoding: str) -> None:
    answer = send(client, origin, envelope(event_item()), content_encoding=encoding)

    assert answer.status_code == 415
    assert "zstd" in answer.json()["detail"]


def test_the_api_takes_encoded_bodies_too(client: TestClient) -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}

    answer = client.post("/api/origins", content=gzip.compress(b'{"mnemonic":"x"}'), headers=headers)

    assert answer.status_code == 201


def test_a_body_over_the_limit_is_413_however_it_is_sent(
    client: TestClient, origin: OriginRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "LARGEST_COMPRESSED", 1000)
    chunks = io.BytesIO(bytes(2000))

    declared = client.post("/api/1/envelope/", content=bytes(2000), headers=auth(origin))
    streamed = client.post("/api/1/envelope/", content=iter(lambda: chunks.read(100), b""), headers=auth(origin))

    assert (declared.status_code, streamed.status_code) == (413, 413)


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "zstd"])
def test_the_api_takes_smaller_bodies_than_the_doors_of_sdks(client: TestClient, encoding: str) -> None:
    _, encode = ENCODERS[encoding]
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    name = b"n" * (bodies.LARGEST_ARGUMENTS - 100)

    statuses = [
        client.post("/api/origins", content=encode(b'{"mnemonic":"x","name":"%s"}' % text), headers=headers).status_code
        for text in (name, name + b"n" * 101)
    ]

    assert statuses == [400, 413]


@pytest.mark.anyio
async def test_a_body_that_takes_too_long_is_408(
    store: Store, origin: OriginRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "READ_SECONDS", 0.05)

    async def trickle() -> AsyncIterator[bytes]:
        yield b"{"
        await anyio.sleep(30)

    app = create_app(store)
    async with (
        app.router.lifespan_context(app) as state,
        httpx.AsyncClient(transport=httpx.ASGITransport(_with_state(app, state or {})), base_url=BASE) as client,
    ):
        answer = await client.post("/api/1/envelope/", content=trickle(), headers=auth(origin))

    assert answer.status_code == 408
    assert answer.json()["causes"] == []


def _with_state(app: ASGIApp, state: Mapping[str, Any]) -> Callable[..., Awaitable[None]]:
    """Give requests what the lifespan made, as a server does."""
    return lambda scope, receive, send: app({**scope, "state": dict(state)}, receive, send)


@pytest.mark.parametrize("name", ENCODERS)
@given(data=st.binary(max_size=2_000), times=st.sampled_from([1, 100, 1000]), after=st.binary(max_size=4))
def test_what_is_inflated_at_once_is_what_is_inflated_piece_by_piece(
    name: str, data: bytes, times: int, after: bytes
) -> None:
    encoding, encode = ENCODERS[name]
    body = encode(data * times) + after

    at_once = bodies.inflate_small(body, encoding)

    assert at_once is None or at_once == inflate(body, encoding)


@pytest.mark.parametrize("name", ["identity", "gzip", "x-gzip", "deflate", "br"])
def test_a_small_body_is_inflated_at_once(name: str) -> None:
    encoding, encode = ENCODERS[name]
    event = b"could not price the order " * 200

    assert bodies.inflate_small(encode(event), encoding) == event


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("size", [bodies.SMALL_INFLATED + 1, 8 * 1024 * 1024])
def test_no_bomb_is_inflated_at_once(name: str, size: int) -> None:
    encoding, encode = ENCODERS[name]
    bomb = encode(bytes(size))

    tracemalloc.start()
    try:
        at_once = bodies.inflate_small(bomb, encoding)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert at_once is None
    assert held < 3 * bodies.SMALL_INFLATED


@pytest.mark.parametrize("encoding", DECODERS)
@given(data=st.binary(max_size=400))
def test_noise_is_not_inflated_at_once_into_anything_else(encoding: str, data: bytes) -> None:
    try:
        piece_by_piece = inflate(data, encoding)
    except InvalidInput:
        piece_by_piece = None

    assert bodies.inflate_small(data, encoding) in {None, piece_by_piece}
