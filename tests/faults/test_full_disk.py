"""A disk without room: senders are told, nothing acknowledged is lost, and it goes on by itself once there is room."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.faults.disks import namespace
from tests.faults.law import conserved
from tests.faults.load import Load
from tests.faults.servers import Server, running, until
from tests.processes import Installation

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its limits and mounts are needed")
REFUSED = 50
PADDING = 16_000


def test_a_full_disk_is_told_and_left_behind(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    machine = Installation(tmp_path, f"sqlite:///{disk / 'small.sqlite3'}")
    with namespace() as there:
        there.run('mount -t tmpfs -o size=4m,mode=700 none "$1"', disk)
        with running(machine, there.command) as server, Load(server.origin(), padding=PADDING) as load:
            load.aim(server.url)
            load.wait_for(20)
            _refuses(server, load)
            there.run('mount -o remount,size=64m "$1"', disk)
            _goes_on(server, load)
        there.run('cp "$1"/small.sqlite3* "$2"', disk, tmp_path)
    kept = f"sqlite:///{tmp_path / 'small.sqlite3'}"
    books = conserved(kept, load)

    assert len(books.stored) > 20


def test_a_limit_on_the_size_of_files_is_told_and_left_behind(tmp_path: Path) -> None:
    machine = Installation(tmp_path)
    path = tmp_path / "provenance.sqlite3"
    with running(machine) as server, Load(server.origin(), padding=PADDING) as load:
        load.aim(server.url)
        load.wait_for(20)
        processes = (server.process.pid, server.writing_process)
        size = max(path.stat().st_size, path.with_name(path.name + "-wal").stat().st_size)
        for process in processes:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size + 500_000, resource.RLIM_INFINITY))
        _refuses(server, load)
        for process in processes:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        _goes_on(server, load)
    books = conserved(machine.store_url, load)

    assert len(books.stored) > 20


def _not_ready(client: httpx.Client) -> httpx.Response:
    """Ask whether the server is ready until it is not: a batch may find the room that another one left."""
    limit = time.monotonic() + 20
    while (ready := client.get("/readyz")).status_code == 200 and time.monotonic() < limit:
        time.sleep(0.02)
    return ready


def _refuses(server: Server, load: Load) -> None:
    """Find that senders are refused in words, that everything can still be read, and that readiness tells."""
    load.wait_for_refusals(REFUSED)
    with server.client() as client:
        ready = _not_ready(client)
        issues = client.get("/api/error-issues")
        path = f"/api/error-issues/{issues.json()['items'][0]['id']}"
        issue = client.get(path)
        resolved = client.patch(f"{path}/status", json={"status": "muted"})
        alive = client.get("/healthz")

    assert {refusal.status for refusal in load.refusals} == {503}
    assert {refusal.headers["x-sentry-error"] for refusal in load.refusals} == {
        "The server cannot write events now; its log says why."
    }
    assert (issues.status_code, issue.status_code, alive.status_code) == (200, 200, 200)
    assert resolved.status_code in {200, 503}  # a change may find room that an event does not
    assert (ready.status_code, ready.json()["error"]["code"]) == (503, "unavailable")
    assert os.fspath(Path(server.store).parent) not in load.refusals[0].body


def _goes_on(server: Server, load: Load) -> None:
    """Find that events are taken again, by the same process, and that readiness tells."""
    load.wait_for(100)
    with server.client() as client:
        until(lambda: client.get("/readyz").status_code == 200)
    load.stop()
    log = server.stop()

    assert "Check disk space" in log
    assert "Traceback" not in log
    assert "started again" not in log
