"""The server as a process: where it binds, what it refuses, how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from queue import Queue

import httpx
import pytest
from tests.http_api.sending import EVENT_ID, envelope, event_item
from tests.stores import on_postgresql, on_sqlite

from provenance_core.access import Scope
from provenance_core.errors import Conflict, InvalidInput, Unavailable
from provenance_core.origins import OriginConfig
from provenance_http.serve import serve
from provenance_server.settings import Settings
from provenance_storage.engine import sqlite_path
from provenance_storage.store import Store

PROGRAM = """
import sys
from provenance_http.serve import serve
from provenance_server.settings import Settings

settings = Settings(database_url=sys.argv[1], port=int(sys.argv[2]), host=sys.argv[3])
serve(settings, on_ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and ports are another matter there")


@contextlib.contextmanager
def _serving(url: str, port: int = 0, host: str = "127.0.0.1") -> Generator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, url, str(port), host],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said: Queue[str] = Queue()
    assert process.stdout is not None
    output = process.stdout
    reader = threading.Thread(target=lambda: said.put(output.readline()))
    reader.start()
    try:
        yield process, said.get(timeout=60).strip()
    finally:
        process.kill()
        process.communicate()
        reader.join()


def test_it_serves_on_a_free_port_until_it_is_told_to_stop(url: str) -> None:
    with _serving(url) as (process, address):
        made = httpx.post(f"{address}/api/origins", json={"mnemonic": "my-app"}, timeout=30).json()
        sent = httpx.post(
            f"{address}/api/1/envelope/?sentry_key={made['publicKey']}",
            content=envelope(event_item()),
            timeout=30,
        )
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)

    store = Store.open(url)
    issue = store.issues.find("my-app-1")
    path = sqlite_path(url)
    left = [found.name for found in path.parent.glob("*server.json")] if path else []
    store.close()
    assert address.startswith("http://127.0.0.1:")
    assert sent.json() == {"id": EVENT_ID}
    assert "server" not in sent.headers
    assert (process.returncode, output, errors) == (0, "ended\n", "")
    assert issue.event_count == 1
    assert left == []


@on_sqlite
def test_an_interrupt_ends_it_cleanly(url: str) -> None:
    with _serving(url) as (process, _):
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)

    assert (process.returncode, output, errors) == (0, "ended\n", "")


@on_postgresql
def test_several_servers_share_a_database(url: str) -> None:
    with closing(Store.open(url)) as store:
        origin = store.origins.create("my-app", "My app", None, OriginConfig())
    with _serving(url) as (_, one), _serving(url) as (_, other):
        path, key = f"/api/{origin.number}/envelope/", {"x-sentry-auth": f"Sentry sentry_key={origin.public_key}"}
        sent = [
            httpx.post(address + path, headers=key, content=envelope(event_item(event_id=f"{number:032x}")))
            for number, address in ((1, one), (2, other), (2, one))
        ]
        listed = [httpx.get(f"{address}/api/error-issues").json()["items"] for address in (one, other)]

    assert [answer.status_code for answer in sent] == [200, 200, 200]
    assert [[issue["eventCount"] for issue in issues] for issues in listed] == [[2], [2]]


@on_sqlite
def test_a_second_server_on_one_store_is_told_of_the_first(url: str) -> None:
    with _serving(url) as (process, address):
        with pytest.raises(Conflict) as on_a_free_port:
            serve(Settings(database_url=url, port=0))
        with pytest.raises(Conflict) as on_the_same_port:
            serve(Settings(database_url=url, port=int(address.rpartition(":")[2])))

    for refused in (on_a_free_port, on_the_same_port):
        assert address in refused.value.message
        assert str(process.pid) in refused.value.message


def test_a_port_in_use_is_named(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(Unavailable, match=f"Port {port} is in use"):
            serve(Settings(database_url=url, port=port))


OTHERS_REACH = [
    *({"host": host} for host in ("0.0.0.0", "::", "192.168.1.4", "example.org", "")),
    {"public_url": "https://errors.example"},
]


@pytest.mark.parametrize("where", OTHERS_REACH, ids=str)
def test_what_others_reach_is_refused_before_anything_is_made(tmp_path: Path, where: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="provenance keys create --label me --scope admin"):
        serve(Settings.model_validate({"database_url": f"sqlite:///{tmp_path / 'store' / 'a.sqlite3'}", **where}))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", OTHERS_REACH, ids=str)
def test_what_others_reach_is_refused_while_no_key_is_good_for_it(url: str, where: dict[str, str]) -> None:
    with closing(Store.open(url)) as store:
        origin = store.origins.create("my-app", "My app", None, OriginConfig())
        store.keys.create("shop", [Scope.INGEST], origin.id)
        store.keys.revoke(str(store.keys.create("gone", [Scope.ADMIN], None)[0].id))

    with pytest.raises(InvalidInput, match="provenance keys create"):
        serve(Settings.model_validate({"database_url": url, **where}))


def test_an_address_of_another_machine_is_refused_even_with_a_key(url: str) -> None:
    with closing(Store.open(url)) as store:
        store.keys.create("me", [Scope.READ], None)

    with pytest.raises(InvalidInput, match=r"203\.0\.113\.9"):
        serve(Settings(database_url=url, host="203.0.113.9", port=0))


@on_sqlite
def test_with_a_key_it_serves_all_interfaces_and_asks_everybody(url: str) -> None:
    with closing(Store.open(url)) as store:
        key = store.keys.create("me", [Scope.READ], None)[1]
    with _serving(url, host="0.0.0.0") as (_, address):
        answers = [httpx.get(f"{address}/api/origins", headers=shown) for shown in ({}, {"x-api-key": key})]

    assert [answer.status_code for answer in answers] == [401, 200]


@on_sqlite
def test_headers_without_an_end_are_refused(url: str) -> None:
    with _serving(url) as (_, address):
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: ")
            with contextlib.suppress(OSError):
                for _ in range(200):
                    connection.sendall(b"x" * 1024)
            with contextlib.suppress(ConnectionError):
                answer = connection.recv(1000)
                assert not answer or b"431" in answer.splitlines()[0]

        assert httpx.get(f"{address}/healthz", timeout=30).status_code == 200
