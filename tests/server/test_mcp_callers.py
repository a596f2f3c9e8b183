"""The process that serves one client: it opens one store, or one connection, however many names programs give."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.factory import make_origin
from tests.stores import Kind

from provenance_core.errors import Unavailable
from provenance_server.mcp_process import ACCESS_SECONDS, Process
from provenance_server.operations import CREATE_RELEASE, GET_ERROR_ISSUES, LIST_ACTIVITY
from provenance_server.settings import load_settings
from provenance_storage.store import Store

NAMES = [f"agent-{number}" for number in range(60)]


@pytest.fixture
def store_kind() -> Kind:
    return "sqlite"


class Counting(ThreadingHTTPServer):
    """A server that answers nonsense and counts the connections."""

    connections = 0

    def process_request(self, request: object, client_address: object) -> None:
        """Count a connection."""
        self.connections += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]  # as the base class has it


class Answering(BaseHTTPRequestHandler):
    """Answer an empty object and keep the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def elsewhere() -> Iterator[Counting]:
    with Counting(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted where Linux shows them")
def test_a_store_is_opened_once_for_all_names(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'p.sqlite3'}"
    Store.open(url).close()
    process = Process(load_settings({"databaseUrl": url}, {}), "me", None)
    before = _descriptors()
    process.caller(None, "first").open_client().call(GET_ERROR_ISSUES, {})
    one = _descriptors() - before
    for name in NAMES:
        process.caller(None, name).open_client().call(GET_ERROR_ISSUES, {})
    all_of_them = _descriptors() - before
    process.close()

    assert one > 0
    assert all_of_them <= one + 1
    assert _descriptors() <= before + 1


def test_each_name_is_written_into_the_history(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'p.sqlite3'}"
    store = Store.open(url)
    make_origin(store)
    store.close()
    process = Process(load_settings({"databaseUrl": url}, {}), "me", None)
    for name in NAMES[:2]:
        process.caller(None, name).open_client().call(CREATE_RELEASE, {"origin": "shop", "version": name})
    told = process.caller(None, "reader").open_client().call(LIST_ACTIVITY, {})
    process.close()

    assert {entry.client for entry in told.items} >= set(NAMES[:2])


def test_a_server_elsewhere_is_asked_over_one_connection(elsewhere: Counting) -> None:
    process = Process(load_settings({"apiUrl": f"http://127.0.0.1:{elsewhere.server_address[1]}"}, {}), "me", None)
    for name in NAMES:
        with suppress(Unavailable):
            process.caller(None, name).open_client().call(GET_ERROR_ISSUES, {})
    process.close()

    assert elsewhere.connections <= 2  # one of them asked what the key allows


class Dripping(Answering):
    """Answer byte by byte, each well within the time that a client waits for the next."""

    def do_GET(self) -> None:
        """Answer for as long as anybody listens."""
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx-drip: ")
            while True:
                self.wfile.write(b"x")
                time.sleep(0.1)


def test_a_server_that_answers_byte_by_byte_keeps_nobody_waiting(elsewhere: Counting) -> None:
    elsewhere.RequestHandlerClass = Dripping
    process = Process(load_settings({"apiUrl": f"http://127.0.0.1:{elsewhere.server_address[1]}"}, {}), "me", None)
    begun = time.monotonic()
    first = process.caller(None, "first")
    second = process.caller(None, "second")
    taken = time.monotonic() - begun
    process.close()

    assert taken < ACCESS_SECONDS + 2
    assert first.access.scopes == second.access.scopes != frozenset()
