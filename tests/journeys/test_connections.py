"""Connections: those that send nothing are closed, and what could be read in two ways is refused."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.processes import RunningServer

from provenance_http.connections import HEADER_SECONDS, LARGEST_HEADERS, MOST_PIPELINED

pytestmark = pytest.mark.parametrize("machine", ["sqlite"], indirect=True)
"""What holds a connection together has nothing to do with the store."""

SILENT = 1_200
HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /api/origins HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
MADE = b'{"mnemonic":"smuggled"}'
BEGUN = (b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"\r\n")
LIMITS = httpx.Limits(keepalive_expiry=60)


def _connect(server: RunningServer) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def _all(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    parts: list[bytes] = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def _until(connection: socket.socket, end: bytes) -> bytes:
    """Return what comes up to an end."""
    got = b""
    while end not in got:
        part = connection.recv(65_536)
        assert part, got
        got += part
    return got


def _statuses(answers: bytes) -> list[int]:
    return [int(part[1:4]) for part in answers.split(b"HTTP/1.1")[1:]]


@pytest.fixture
def connection(server: RunningServer) -> Iterator[socket.socket]:
    with _connect(server) as connection:
        yield connection


@dataclass(frozen=True)
class Idle:
    """What became of connections on which nothing was sent for longer than headers may take."""

    closed_after: dict[bytes, float]
    kept: bool


@pytest.fixture(scope="module")
def idle(server: RunningServer) -> Idle:
    """Let one connection rest after an answer, while those on which headers have begun wait for their end."""
    with contextlib.ExitStack() as opened:
        client = opened.enter_context(httpx.Client(base_url=server.url, limits=LIMITS, trust_env=False))
        first = client.get("/healthz").extensions["network_stream"]
        started = time.monotonic()
        connections = {begun: opened.enter_context(_connect(server)) for begun in BEGUN}
        for begun, connection in connections.items():
            connection.sendall(begun)
        closed_after: dict[bytes, float] = {}
        for begun, connection in connections.items():
            assert connection.recv(1) == b""
            closed_after[begun] = time.monotonic() - started
        time.sleep(max(0.0, started + HEADER_SECONDS + 1 - time.monotonic()))
        return Idle(closed_after, client.get("/healthz").extensions["network_stream"] is first)


@pytest.mark.parametrize("begun", BEGUN)
def test_a_connection_without_whole_headers_is_closed(idle: Idle, begun: bytes) -> None:
    assert HEADER_SECONDS - 1 < idle.closed_after[begun] < HEADER_SECONDS + 5


def test_a_connection_is_kept_between_requests(idle: Idle) -> None:
    assert idle.kept


def test_many_silent_connections_keep_nobody_from_being_answered(server: RunningServer) -> None:
    silent = [_connect(server) for _ in range(SILENT)]
    try:
        answer = httpx.get(f"{server.url}/healthz", timeout=30, trust_env=False)
    finally:
        for connection in silent:
            connection.close()

    assert answer.status_code == 200


def test_an_answer_does_not_wait_for_the_system_to_fill_a_packet(connection: socket.socket) -> None:
    times: list[float] = []
    for _ in range(50):
        began = time.monotonic()
        connection.sendall(ALIVE)
        _until(connection, b'"ok"}')
        times.append(time.monotonic() - began)

    assert median(times) < 0.035


def test_space_around_a_value_belongs_to_no_value(connection: socket.socket) -> None:
    connection.sendall(b"GET /api/origins HTTP/1.1\r\nHost: \t 127.0.0.1 \t\r\nConnection: close \r\n\r\n")

    assert _statuses(_all(connection)) == [200]


AMBIGUOUS = {
    "length and chunks": POST + b"Content-Length: 23\r\nTransfer-Encoding: chunked\r\n\r\n" + MADE,
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 23\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 23\r\nContent-Length: 5\r\n\r\n" + MADE,
    "a length twice": POST + b"Content-Length: 23\r\nContent-Length: 23\r\n\r\n" + MADE,
    "a list of lengths": POST + b"Content-Length: 23, 23\r\n\r\n" + MADE,
    "a signed length": POST + b"Content-Length: +23\r\n\r\n" + MADE,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + MADE,
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n\r\n" + MADE,
    "an empty length": POST + b"Content-Length:\r\n\r\n" + MADE,
    "nearly chunks": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "another transfer coding": POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "another coding below chunks": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks below another coding": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "identity and chunks": POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before a colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a lone line feed": POST + b"X: y\nContent-Length: 23\r\n\r\n" + MADE,
    "a lone carriage return": POST + b"X: y\rContent-Length: 23\r\n\r\n" + MADE,
    "line feeds alone": b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n",
    "a NUL": POST + b"X: a\0b\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /api/origins HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/2.0": b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("request_", AMBIGUOUS.values(), ids=list(AMBIGUOUS))
def test_what_can_be_read_in_two_ways_is_refused_with_all_that_follows(
    connection: socket.socket, request_: bytes
) -> None:
    connection.sendall(request_ + ALIVE)

    answers = _all(connection)

    assert _statuses(answers) == [400]
    assert b"connection: close" in answers.lower()


BROKEN_CHUNKS = {
    "no number": b"zz\r\n" + MADE,
    "a negative number": b"-5\r\n" + MADE,
    "a prefix": b"0x17\r\n" + MADE,
    "a space": b"17 \r\n" + MADE,
    "beyond 64 bits": b"ffffffffffffffffff\r\n" + MADE,
    "too short": b"5\r\n" + MADE + b"\r\n0\r\n\r\n",
    "a line feed after the size": b"17\n" + MADE + b"\r\n0\r\n\r\n",
    "a line feed after the data": b"17\r\n" + MADE + b"\n0\r\n\r\n",
    "a line feed in an extension": b"17;a\nb\r\n" + MADE + b"\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("chunk", BROKEN_CHUNKS.values(), ids=list(BROKEN_CHUNKS))
def test_a_broken_chunk_ends_the_connection_and_nothing_is_done(
    server: RunningServer, connection: socket.socket, chunk: bytes
) -> None:
    connection.sendall(CHUNKED + chunk + ALIVE)

    assert _statuses(_all(connection)) == [400]
    with server.client() as client:
        assert client.get("/api/origins/smuggled").status_code == 404


def test_an_absurd_length_is_refused_before_the_body_comes(
    server: RunningServer, origin: dict[str, Any], connection: socket.socket
) -> None:
    door = b"POST /api/%d/envelope/?sentry_key=%b HTTP/1.1\r\n" % (origin["number"], origin["publicKey"].encode())
    connection.sendall(door + HOST + b"Content-Length: 9223372036854775807\r\n\r\n")

    assert b" 413 " in _until(connection, b"\r\n\r\n")


@pytest.mark.parametrize(
    "headers",
    [
        b"X-Long: " + b"x" * LARGEST_HEADERS + b"\r\n\r\n",
        b"X: y\r\n" * (LARGEST_HEADERS // 5) + b"\r\n",
        b"x" * (4 * LARGEST_HEADERS),
        b"X-Long: " + b"x" * (4 * LARGEST_HEADERS),
    ],
)
def test_headers_that_are_too_large_are_refused(connection: socket.socket, headers: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + headers)

    assert _statuses(_all(connection)) in ([431], [])  # none where the rest came after the answer


def test_headers_a_little_smaller_are_not(connection: socket.socket) -> None:
    connection.sendall(ALIVE[:-2] + b"X-Long: " + b"x" * (LARGEST_HEADERS - 100) + b"\r\n\r\n")

    assert _statuses(_until(connection, b'"ok"}')) == [200]


ENDLESS = [b"5;" + b"a" * (32 * LARGEST_HEADERS), b"0\r\n" + b"X: y\r\n" * (6 * LARGEST_HEADERS)]


@pytest.mark.parametrize("endless", ENDLESS, ids=["an extension", "trailers"])
def test_what_stands_between_chunks_is_bounded_too(connection: socket.socket, endless: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        connection.sendall(CHUNKED + endless)  # more than the server reads at once

    assert _statuses(_all(connection)) in ([431], [])


def test_trailers_are_no_headers(server: RunningServer, origin: dict[str, Any], connection: socket.socket) -> None:
    head = b"POST /api/%d/store/ HTTP/1.1\r\n" % origin["number"] + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    connection.sendall(
        head + b"2\r\n{}\r\n0\r\nX-Sentry-Auth: Sentry sentry_key=%b\r\n\r\n" % origin["publicKey"].encode()
    )

    assert b" 403 " in _until(connection, b"\r\n\r\n")


def test_requests_that_come_together_are_answered_in_their_order(connection: socket.socket) -> None:
    other = ALIVE.replace(b"/healthz", b"/nothing")
    connection.sendall((ALIVE + other) * (MOST_PIPELINED // 2))

    answers = b""
    while answers.count(b"HTTP/1.1") < MOST_PIPELINED or not answers.endswith(b"}}"):
        answers += connection.recv(65_536)

    assert _statuses(answers) == [200, 404] * (MOST_PIPELINED // 2)


def test_not_endlessly_many_requests_wait_on_one_connection(connection: socket.socket) -> None:
    connection.sendall(ALIVE * 10 * MOST_PIPELINED)

    assert _statuses(_all(connection)) == [200] * (MOST_PIPELINED + 1)


def test_what_came_whole_is_answered_before_a_bad_request_ends_the_connection(connection: socket.socket) -> None:
    connection.sendall(ALIVE + b"nonsense\r\n\r\n" + ALIVE)

    assert _statuses(_all(connection)) == [200]


def test_the_rest_of_a_body_that_is_not_wanted_is_skipped(connection: socket.socket) -> None:
    body = bytes(300_000)
    connection.sendall(b"POST /api/1/store/ HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body))
    refused = _until(connection, b"\r\n\r\n")
    connection.sendall(body + ALIVE)

    assert _statuses(refused) == [403]
    assert b" 200 " in _until(connection, b'"ok"}')


def test_a_wish_for_another_protocol_is_not_heard(connection: socket.socket) -> None:
    connection.sendall(
        ALIVE[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n"
    )

    answer = _all(connection)

    assert _statuses(answer) == [200]
    assert b"connection: close" in answer


def test_a_body_is_asked_for_where_its_sender_waits_for_that(server: RunningServer, connection: socket.socket) -> None:
    body = b'{"mnemonic":"waiting"}'
    head = POST + b"Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head)
    asked = _until(connection, b"\r\n\r\n")
    connection.sendall(body)

    assert asked.startswith(b"HTTP/1.1 100 ")
    assert b" 201 " in _until(connection, b"\r\n\r\n")
