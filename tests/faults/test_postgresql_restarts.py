"""A database server that restarts, or is away for a while: what waits is recorded once, and nobody need do anything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.faults.law import conserved
from tests.faults.load import Load
from tests.faults.servers import Server, running, until
from tests.postgres import Cluster, own_cluster
from tests.processes import Installation

AWAY_SECONDS = 2.5


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with own_cluster() as server:
        yield server


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path) -> Iterator[Server]:
    with running(Installation(tmp_path, cluster.url(cluster.create()))) as server:
        yield server


def test_a_restart_is_waited_for(server: Server, cluster: Cluster) -> None:
    with Load(server.origin()) as load:
        load.aim(server.url)
        for _ in range(3):
            load.wait_for(200)
            cluster.restart("immediate")
        _goes_on(server, load)


def test_a_database_that_was_killed_is_waited_for(server: Server, cluster: Cluster) -> None:
    with Load(server.origin()) as load:
        load.aim(server.url)
        load.wait_for(200)
        cluster.kill()
        gone, before = time.monotonic(), len(load.acknowledged)
        with server.client() as client:
            until(lambda: client.get("/readyz").status_code == 503)
            listed = client.get("/api/error-issues")
            alive = client.get("/healthz").status_code
        while time.monotonic() < gone + AWAY_SECONDS:  # what a server remembers of a key is forgotten meanwhile
            load.pause(0.1)
        meanwhile = len(load.acknowledged) - before
        cluster.start()
        _goes_on(server, load)

    assert meanwhile <= load.clients
    assert alive == 200
    assert (listed.status_code, listed.json()["error"]["code"]) == (503, "busy")


def test_a_database_that_can_only_be_read_is_not_served(cluster: Cluster, tmp_path: Path) -> None:
    machine = Installation(tmp_path, cluster.url(cluster.create()))
    machine.run("origins", "create", "shop")
    with psycopg.connect(machine.store_url, autocommit=True) as connection:
        connection.execute("alter role provenance set default_transaction_read_only = on")

    told = machine.run("serve", "--port", "0", expect=3)
    doctor = machine.json("doctor")

    assert "can only be read" in told
    assert "Traceback" not in told
    assert doctor["problems"] == 0


def _goes_on(server: Server, load: Load) -> None:
    """Find that events are taken again, and that none was lost, refused or counted twice."""
    load.wait_for(200)
    with server.client() as client:
        until(lambda: client.get("/readyz").status_code == 200)
        listed = client.get("/api/error-issues").json()
    load.stop()
    log = server.stop()
    conserved(server.store, load)

    assert load.refusals == []
    assert load.unanswered == 0
    assert listed["total"] == load.issues
    assert "Traceback" not in log
