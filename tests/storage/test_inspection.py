"""What an inspection finds, and that what is well is left alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.storage.conftest import new_error
from tests.storage.uploads import noise, put, script, source_map
from tests.stores import new_database_url

from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_storage import partitions
from provenance_storage.conservation import conservation
from provenance_storage.engine import open_database
from provenance_storage.findings import Finding, State
from provenance_storage.inspection import inspect
from provenance_storage.map_bodies import PART_BYTES
from provenance_storage.records import OriginRecord
from provenance_storage.retention import DAY
from provenance_storage.schema import HEAD
from provenance_storage.sqlite import SqliteDatabase
from provenance_storage.store import Store

NOW = time.time_ns() // 1_000


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    partitions.ensure(store.database, store.clock())
    yield store
    store.close()


def found(store: Store) -> dict[str, Finding]:
    return {finding.name: finding for finding in inspect(store.database)}


def run(store: Store, statement: str) -> None:
    with store.database.write() as connection:
        connection.exec_driver_sql(statement)


def broken(store: Store) -> dict[str, int]:
    law = conservation(store)
    assert law.holds is (law.broken == {})
    return law.broken


def test_a_sound_store_is_well(store: Store, origin: OriginRecord):
    store.record([new_error(origin, event_id=f"{number:032x}", user=b"u") for number in range(5)])
    findings = found(store)
    findings.pop("disk", None)  # of the machine that runs the test

    assert {finding.state for finding in findings.values()} == {State.OK}
    assert all(finding.advice is None for finding in findings.values())
    assert "1 issue, 5 of 5 events stored" in findings["counts"].message
    if isinstance(store.database, SqliteDatabase):
        named = {"store", "sqlite", "permissions", "log", "server", "integrity", "references"}
    else:
        named = {"store", "partitions"}
    assert set(findings) == named | {"counts", "clock", "retention", "source maps"}


@pytest.mark.parametrize(
    ("statement", "law"),
    [
        ("update error_issue set stored_count = 2", "issues whose stored events are not as many"),
        ("update error_issue set event_count = 4", "issues whose hours do not add up"),
        ("update error_issue set user_count = 7", "issues whose users are not as many"),
        ("update error_issue set event_count = 1", "issues that store more events"),
        ("delete from interaction_payload", "interactions without a payload"),
        ("delete from interaction", "payloads without an interaction"),
        ("delete from interaction", "event keys without an event"),
        ("delete from issue_hour", "issues whose hours do not add up"),
    ],
)
def test_each_broken_law_is_told(store: Store, origin: OriginRecord, statement: str, law: str):
    store.record([new_error(origin, event_id=f"{number:032x}", user=b"u") for number in range(3)])
    assert broken(store) == {}
    run(store, statement)

    assert any(name.startswith(law) for name in broken(store))
    finding = found(store)["counts"]
    assert (finding.state, bool(finding.advice)) == (State.PROBLEM, True)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("delete from source_map where size = 3", "2 artifacts refer to source maps that are not there"),
        ("delete from source_map", "3 artifacts refer to source maps that are not there"),
        ("delete from source_map_part", "4 source maps or indexes lack a part"),
        ("delete from source_map_part where number = 1", "1 source maps or indexes lack a part"),
    ],
)
def test_source_maps_that_are_not_whole_are_told(store: Store, origin: OriginRecord, statement: str, told: str) -> None:
    put(store, origin.id, b"map")
    put(store, origin.id, b"other", noise(2 * PART_BYTES))
    files = [source_map("a.map", b"map"), script("a.js", inline=b"map"), source_map("b.map", b"other"), script("b.js")]
    store.artifacts.publish(origin.id, None, "", files)
    before = found(store)["source maps"]
    run(store, statement)
    finding = found(store)["source maps"]

    assert (before.state, before.message) == (
        State.OK,
        "4 artifacts find their source maps, of which 2 are kept.",
    )
    assert (finding.state, finding.message.startswith(told), bool(finding.advice)) == (State.PROBLEM, True, True)


def test_a_clock_that_was_ahead_is_told(url: str):
    store = Store.open(url, lambda: NOW + DAY)
    store.record([new_error(store.origins.create("my-app", "My app", None, OriginConfig()))])

    finding = found(store)["clock"]
    store.close()

    assert (finding.state, "still to come" in finding.message) == (State.WARNING, True)


def test_what_waits_to_be_removed_is_told(url: str):
    clock = [NOW - 5 * DAY]
    store = Store.open(url, lambda: clock[0])
    config = OriginConfig(error_tracking=ErrorTracking(retention_days=1, max_events_per_issue=10))
    origin = store.origins.create("my-app", "My app", None, config)
    store.record([new_error(origin) for _ in range(7)])
    clock[0] = NOW
    store.record([new_error(origin, "f2") for _ in range(21)])

    finding = found(store)["retention"]
    store.close()

    assert finding.state is State.WARNING
    assert finding.message.startswith("7 interactions are kept for longer than they should be; 1 issues")
    assert "provenance db prune" in str(finding.advice)


@pytest.mark.parametrize(("head", "state"), [("0001", State.WARNING), ("9999", State.PROBLEM)])
def test_another_schema_is_told_and_nothing_is_changed(store: Store, head: str, state: State):
    run(store, f"update alembic_version set version_num = '{head}'")

    findings = found(store)

    assert (findings["store"].state, head in findings["store"].message) == (state, True)
    assert "counts" not in findings
    assert HEAD in findings["store"].message


def test_months_without_partitions_are_told(tmp_path: Path):
    with new_database_url("postgresql", tmp_path) as url:
        store = Store.open(url, lambda: NOW + 400 * DAY)
        origin = store.origins.create("my-app", "My app", None, OriginConfig())
        with store.database.write() as connection:
            names = [
                month.partition(name) for month in partitions.present(connection) for name in partitions.PARTITIONED
            ]
            connection.exec_driver_sql(f"drop table {', '.join(names)}")
        lacking = found(store)["partitions"]
        store.record([new_error(origin)])
        strays = found(store)["partitions"]
        store.close()

    assert (lacking.state, "There is no interaction_" in lacking.message) == (State.WARNING, True)
    assert strays.message.startswith("1 interactions lie in the default partition")


def test_a_database_that_does_not_answer_is_one_problem():
    database = open_database("postgresql://nobody@127.0.0.1:1/none")

    findings = list(inspect(database))
    database.close()

    assert [(finding.name, finding.state) for finding in findings] == [("store", State.PROBLEM)]
