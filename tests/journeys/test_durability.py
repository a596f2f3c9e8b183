"""What was acknowledged is there after the server was killed, counted once."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from uuid import uuid4

import httpx
from tests.factory import make_origin
from tests.processes import Installation, serving

from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.store import Store

ROUNDS = 3
SENDERS = 8
SECONDS = 1.0


def _send(address: str, acknowledged: list[str], stop: threading.Event) -> None:
    """Send events until told to stop or the server is gone; note those it acknowledged."""
    with httpx.Client(timeout=10, trust_env=False) as client:
        while not stop.is_set():
            event_id = uuid4().hex
            value = {"type": f"Type{event_id[0]}", "value": "v"}
            body = json.dumps({"event_id": event_id, "exception": {"values": [value]}, "release": "1.0"})
            try:
                if client.post(address, content=body).status_code == 200:
                    acknowledged.append(event_id)
            except httpx.HTTPError:
                return


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    machine = Installation(tmp_path)
    store = Store.open(machine.store_url)
    origin = make_origin(store)
    acknowledged: list[str] = []
    for _ in range(ROUNDS):
        stop = threading.Event()
        with serving(machine) as server:
            address = f"{server.url}/api/{origin.number}/store/?sentry_key={origin.public_key}"
            senders = [threading.Thread(target=_send, args=(address, acknowledged, stop)) for _ in range(SENDERS)]
            for sender in senders:
                sender.start()
            time.sleep(SECONDS)
            server.process.kill()
            stop.set()
            for sender in senders:
                sender.join(30)
            server.process.wait(30)
    issues = store.issues.list(IssueFilters(), IssueOrder(), 100).issues
    events = [event for issue in issues for event in store.interactions.of_issue(issue, 100_000, None)]
    with store.database.read() as connection:
        integrity = connection.exec_driver_sql("pragma integrity_check").scalar()

    stored = [event.event_id for event in events]
    assert len(acknowledged) > ROUNDS * SENDERS
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    for issue in issues:
        assert issue.event_count == sum(1 for event in events if event.issue_id == issue.id)
        assert issue.event_count == sum(store.issues.hours(issue, 0).values())
        assert issue.event_count == sum(release.event_count for release in store.issues.releases(issue))
    assert integrity == "ok"
    store.close()
