"""A clock that is set back or forward: order, counts, regressions and lists stay right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.factory import TESTER, make_origin, payload, report
from tests.faults.law import check, conserved
from tests.faults.load import Load, Resolver
from tests.faults.servers import running
from tests.processes import Installation
from tests.stores import on_sqlite

from provenance_core.lifecycle import Status
from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.issues import StatusRequest
from provenance_storage.records import IssueRecord, OriginRecord
from provenance_storage.store import Store

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_795_437_407_000_000
JUMPS = (0, -HOUR, 5, -DAY, DAY, 1, -3 * DAY, HOUR)
RESOLVE = StatusRequest(Status.RESOLVED, None, None, TESTER)
SHIFTED = """
import os, time
real, real_ns, place = time.time, time.time_ns, os.environ["SHIFTED_BY"]
def shift():
    with open(place) as file:
        return int(file.read() or 0)
time.time = lambda: real() + shift()
time.time_ns = lambda: real_ns() + shift() * 1_000_000_000
"""
"""What Python runs as it starts: from then on its clock is off by what a file says."""


@dataclass
class Clock:
    """A clock that goes where it is put."""

    now: int = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    return make_origin(store)


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    store = Store.open(url, clock)
    yield store
    store.close()


def _send(store: Store, origin: OriginRecord, numbers: Sequence[int], **changes: object) -> list[int]:
    """Record events of three issues and return when each was received."""
    payloads = [payload(eventId=f"{n:032x}", errorType=f"Type{n % 3}", **changes) for n in numbers]
    return [recorded.received_at for recorded in report(store, origin, *payloads)]


def test_the_order_of_receipt_is_kept(store: Store, origin: OriginRecord, clock: Clock) -> None:
    received: list[int] = []
    for number, jump in enumerate(JUMPS):
        clock.now += jump
        received += _send(store, origin, range(number * 6, number * 6 + 6))
    ids = {f"{number:032x}" for number in range(6 * len(JUMPS))}
    books = check(store, ids, ids)

    assert received == sorted(set(received))
    assert received[0] == START
    assert received[-1] < START + DAY + HOUR + 1_000_000
    assert sum(books.hours.values()) == len(received)


def test_an_issue_regresses_whichever_way_the_clock_goes(store: Store, origin: OriginRecord, clock: Clock) -> None:
    _send(store, origin, range(3), release="1.0")
    for number, jump in enumerate(JUMPS, 1):
        clock.now += jump
        for issue in _issues(store):
            assert store.issues.change_status(str(issue.id), RESOLVE).changed
        clock.now += jump
        _send(store, origin, range(number * 3, number * 3 + 3), release=f"1.{number}")
    issues = _issues(store)
    ids = {f"{number:032x}" for number in range(3 * len(JUMPS) + 3)}
    check(store, ids, ids)

    for issue in issues:
        history = store.issues.history(issue)
        assert issue.status is Status.REGRESSED
        assert issue.regression_count == len(JUMPS)
        assert [change.to_status for change in history] == [Status.RESOLVED, Status.REGRESSED] * len(JUMPS)
        moments = [change.changed_at for change in history]
        assert moments == sorted(set(moments))


def _issues(store: Store) -> Sequence[IssueRecord]:
    return store.issues.list(IssueFilters(), IssueOrder(), 100).issues


@on_sqlite
def test_a_server_whose_clock_jumps_counts_on(machine: Installation, tmp_path: Path) -> None:
    shift = tmp_path / "shift"
    shift.write_text("0")
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(SHIFTED)
    inherited = machine.environment.get("PYTHONPATH", "")
    environment = {"SHIFTED_BY": str(shift), "PYTHONPATH": f"{tmp_path / 'path'}:{inherited}"}
    with running(machine, environment=environment) as server, Load(server.origin()) as load:
        with Resolver([server.url]) as resolver:
            load.aim(server.url)
            for seconds in (0, -7_200, 90_000, -90_000, 3_600):
                shift.write_text(str(seconds))
                load.wait_for(100)
        load.stop()
        with server.client() as client:
            walked = _walk(client)
        log = server.stop()
    books = conserved(machine.store_url, load)

    assert len(walked) == len(set(walked)) == len(books.stored)
    assert load.refusals == []
    assert sum(books.regressions.values()) > 0
    assert books.resolves == resolver.changed
    assert log == ""


def _walk(client: httpx.Client) -> list[str]:
    """Return the ids of all interactions, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "100", "cursor": cursor} if cursor else {"limit": "100"}
        page = client.get("/api/interactions", params=params).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            return found
