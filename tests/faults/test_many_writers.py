"""Several processes on one store at once: every number is exact, whoever wrote it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.faults.law import conserved
from tests.faults.load import Load, Resolver
from tests.faults.servers import Server, running
from tests.postgres import cluster
from tests.processes import Installation
from tests.stores import on_postgresql, on_sqlite

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")
EVENTS = 60
RECORD = """
import sys
from provenance_core.events import Via
from provenance_server.context import DirectRecorder
from provenance_server.ingest import InteractionFields, from_payload
from provenance_storage.store import Store

url, prefix, count = sys.argv[1:]
store = Store.open(url)
origin = store.origins.find("shop")
recorder = DirectRecorder(store)
for number in range(int(count)):
    payload = {"errorType": f"Type{number % 12}", "message": "no", "release": f"3.{number % 3}",
               "eventId": f"{int(prefix):08x}{number:024x}"}
    recorder.submit(from_payload(origin, payload, Via.LOCAL, InteractionFields()))
store.close()
"""


def test_three_processes_record_at_once(machine: Installation) -> None:
    with running(machine) as server, Load(server.origin()) as load, Resolver([server.url]) as resolver:
        load.aim(server.url)
        load.wait_for(50)
        others = [_recording(machine, prefix) for prefix in (1, 2)]
        told = [other.communicate(timeout=100) for other in others]
        load.wait_for(50)
        load.stop()
        resolver.stop()
        log = server.stop()
    for prefix in (1, 2):
        ids = {f"{prefix:08x}{number:024x}" for number in range(EVENTS)}
        load.sent |= ids
        load.acknowledged |= ids
    books = conserved(machine.store_url, load)

    assert [other.returncode for other in others] == [0, 0], told
    assert books.resolves == resolver.changed > 0
    assert sum(books.regressions.values()) > 0
    assert resolver.statuses <= {200, 409}
    assert load.refusals == []
    assert log == ""


@on_postgresql
def test_two_servers_share_a_database_under_load(machine: Installation) -> None:
    before = cluster().log
    with running(machine) as one, running(machine) as other:
        with Load(one.origin(), issues=40) as load, Resolver([one.url, other.url]) as resolver:
            load.aim(one.url, other.url)
            load.wait_for(400)
            load.stop()
            resolver.stop()
        logs = [one.stop(), other.stop()]
    books = conserved(machine.store_url, load)

    assert logs == ["", ""]
    assert "deadlock" not in cluster().log.removeprefix(before)
    assert len(books.counted) == load.issues
    assert books.resolves == resolver.changed > 0
    assert sum(books.regressions.values()) > 0
    assert load.refusals == []
    assert resolver.statuses <= {200, 409}


@on_sqlite
def test_a_second_server_on_a_file_is_refused(machine: Installation) -> None:
    with running(machine) as server, Load(server.origin()) as load:
        load.aim(server.url)
        told = machine.run("serve", "--port", "0", expect=1)
        load.wait_for(100)
        load.stop()
        log = server.stop()
    conserved(machine.store_url, load)

    assert str(server.process.pid) in told
    assert server.url in told
    assert machine.store_url.removeprefix("sqlite:///") in told
    assert "Traceback" not in told
    assert log == ""


@on_sqlite
def test_a_file_can_be_served_again_after_its_server_was_killed(machine: Installation) -> None:
    server = Server(machine)
    try:
        key = server.origin()
        server.process.kill()  # its writing process may still be there when the next one begins
        server.process.wait(30)
    finally:
        server.end()
    with running(machine) as server, Load(key) as load:
        load.aim(server.url)
        load.wait_for(50)
        load.stop()
        server.stop()

    conserved(machine.store_url, load)


def _recording(machine: Installation, prefix: int) -> subprocess.Popen[str]:
    """Start a process that records events without a server."""
    command = [sys.executable, "-c", RECORD, machine.store_url, str(prefix), str(EVENTS)]
    return subprocess.Popen(command, env=machine.environment, stderr=subprocess.PIPE, text=True)
