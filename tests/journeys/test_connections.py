"""Connections that send nothing are closed, and keep nobody from being answered."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest
from tests.processes import RunningServer

from provenance_http.connections import HEADER_SECONDS

SILENT = 1_200


def _connect(server: RunningServer) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=30)


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
def test_a_connection_without_whole_headers_is_closed(server: RunningServer, begun: bytes) -> None:
    with _connect(server) as connection:
        started = time.monotonic()
        connection.sendall(begun)
        rest = connection.recv(1)
        taken = time.monotonic() - started

    assert rest == b""
    assert HEADER_SECONDS - 1 < taken < HEADER_SECONDS + 5


def test_many_silent_connections_keep_nobody_from_being_answered(server: RunningServer) -> None:
    silent = [_connect(server) for _ in range(SILENT)]
    try:
        answer = httpx.get(f"{server.url}/healthz", timeout=30, trust_env=False)
    finally:
        for connection in silent:
            connection.close()

    assert answer.status_code == 200


def test_a_connection_is_kept_between_requests(server: RunningServer) -> None:
    limits = httpx.Limits(keepalive_expiry=60)
    with httpx.Client(base_url=server.url, limits=limits, trust_env=False) as client:
        first = client.get("/healthz").extensions["network_stream"]
        time.sleep(HEADER_SECONDS + 1)
        second = client.get("/healthz").extensions["network_stream"]

    assert first is second
