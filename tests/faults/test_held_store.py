"""A store that another process holds: events wait, what is too much is refused at once, and reads go on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.faults.law import conserved
from tests.faults.load import Key, Load
from tests.faults.servers import running, until
from tests.http_api.sending import envelope, event_item
from tests.processes import Installation
from tests.stores import on_sqlite

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")
HELD_SECONDS = 3.0
HOLDER = """
import sys
from provenance_storage.sqlite import sqlite_module
connection = sqlite_module().connect(sys.argv[1], isolation_level=None)
connection.execute("begin immediate")
print("held", flush=True)
sys.stdin.readline()
connection.execute("rollback")
connection.close()
"""
QUEUE = 10_000
"""Events that may wait."""

TOGETHER = 100
"""Events in an envelope, as many as are kept of one."""

FIRST = "f" * 32
MORE_MEMORY = 300_000_000


@contextlib.contextmanager
def held(path: Path) -> Generator[None]:
    """Hold a store for writing, from another process."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.communicate("\n", timeout=30)


@on_sqlite
def test_events_wait_for_a_store_that_is_held(machine: Installation) -> None:
    with running(machine) as server, Load(server.origin()) as load:
        load.aim(server.url)
        load.wait_for(100)
        with held(Path(server.store)), server.client() as client:
            began, before = time.monotonic(), len(load.acknowledged)
            reads = []
            while time.monotonic() < began + HELD_SECONDS:
                reads.append(client.get("/api/error-issues").status_code)
            ready = client.get("/readyz").status_code
            meanwhile = len(load.acknowledged) - before
        load.wait_for(100)
        load.stop()
        log = server.stop()
    conserved(machine.store_url, load)

    assert meanwhile <= load.clients  # those that were being answered when it began
    assert load.refusals == []
    assert load.unanswered == 0
    assert set(reads) == {200}
    assert len(reads) > 10
    assert ready == 200
    assert "Traceback" not in log


def test_what_is_too_much_is_refused_at_once(machine: Installation) -> None:
    with running(machine) as server:
        key = server.origin()
        with server.client() as client:
            client.post(f"/api/{key.number}/store/?sentry_key={key.public}", json={"event_id": FIRST})
        before = _memory(server.process.pid)
        os.kill(server.writing_process, signal.SIGSTOP)
        envelopes = [_envelope(number) for number in range(QUEUE // TOGETHER)]
        with ThreadPoolExecutor(len(envelopes)) as pool:
            waiting = [pool.submit(_post, server.url, key, body) for body in envelopes]
            with server.client() as client:
                until(lambda: f"provenance_queue_items {QUEUE:.1f}" in client.get("/metrics").text)
                ready = client.get("/healthz").status_code
            with Load(key, prefix=1) as load:
                load.aim(server.url)
                load.wait_for_refusals(1_000)
                load.stop()
            grown = _memory(server.process.pid) - before
            os.kill(server.writing_process, signal.SIGCONT)
            answered = [promise.result(60) for promise in waiting]
        with Load(key, prefix=2) as after:
            after.aim(server.url)
            after.wait_for(100)
            after.stop()
        log = server.stop()
    after.sent.update(f"{number:032x}" for number in range(QUEUE))
    after.sent.add(FIRST)
    after.acknowledged.update(f"{number:032x}" for number in range(QUEUE))
    conserved(machine.store_url, after)

    assert ready == 200
    assert answered == [200] * len(envelopes)
    assert load.acknowledged == set()
    assert after.refusals == []
    for refusal in load.refusals:
        assert refusal.status == 429
        assert refusal.headers["retry-after"] == "5"
        assert refusal.headers["x-sentry-rate-limits"] == "5:error:key:queue_full"
        assert refusal.seconds < 5
    assert grown < MORE_MEMORY
    assert log == ""


def _envelope(number: int) -> bytes:
    """Return an envelope of as many events as one may have."""
    return envelope(*(event_item(event_id=f"{number * TOGETHER + n:032x}") for n in range(TOGETHER)))


def _post(url: str, key: Key, body: bytes) -> int:
    parts = urlsplit(url)
    with contextlib.closing(HTTPConnection(str(parts.hostname), parts.port, timeout=100)) as connection:
        connection.request("POST", f"/api/{key.number}/envelope/?sentry_key={key.public}", body)
        return connection.getresponse().status


def _memory(process: int) -> int:
    """Return the bytes of memory that a process has, 0 where that is not told."""
    path = Path(f"/proc/{process}/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else 0
