"""Months of interactions on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.storage.conftest import HeldClock, new_error
from tests.stores import new_database_url

from provenance_core.errors import Busy
from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_storage import partitions
from provenance_storage.conservation import conservation
from provenance_storage.partitions import Month
from provenance_storage.records import OriginRecord
from provenance_storage.retention import DAY, prune
from provenance_storage.store import Store
from provenance_storage.turns import Turns

NOVEMBER, DECEMBER, JANUARY, FEBRUARY = Month(2026, 11), Month(2026, 12), Month(2027, 1), Month(2027, 2)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with new_database_url("postgresql", tmp_path, migrated=False) as url:
        yield url


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    config = OriginConfig(error_tracking=ErrorTracking(retention_days=30))
    return store.origins.create("my-app", "My app", None, config)


def ask(store: Store, statement: str) -> list[Any]:
    with store.database.write() as connection:
        return [row[0] for row in connection.exec_driver_sql(statement)]


def present(store: Store) -> list[Month]:
    with store.database.read() as connection:
        return partitions.present(connection)


def test_a_month_knows_where_it_ends():
    assert Month.of(1_795_437_407_000_000) == NOVEMBER
    assert (NOVEMBER.next, DECEMBER.next) == (DECEMBER, JANUARY)
    assert Month.of(DECEMBER.end) == JANUARY
    assert Month.of(DECEMBER.end - 1) == DECEMBER
    assert DECEMBER.begin == NOVEMBER.end
    assert NOVEMBER.partition("interaction") == "interaction_2026_11"


def test_a_new_store_has_this_month_and_the_next_two(store: Store, origin: OriginRecord):
    store.record([new_error(origin)])

    assert present(store) == [NOVEMBER, DECEMBER, JANUARY]
    assert ask(store, "select count(*) from interaction_2026_11") == [1]
    assert ask(store, "select count(*) from interaction_payload_2026_11") == [1]


def test_payloads_are_not_compressed_again(store: Store):
    tables = "('interaction_payload_2026_11'::regclass, 'interaction_payload_other'::regclass)"
    storage = f"select attstorage::text from pg_attribute where attname = 'body' and attrelid in {tables}"

    assert ask(store, storage) == ["e", "e"]


def test_the_next_month_is_made_in_time_and_once(store: Store, clock: HeldClock):
    assert partitions.ensure(store.database, clock.now) == []
    assert partitions.ensure(store.database, DECEMBER.begin) == [FEBRUARY]
    assert partitions.ensure(store.database, DECEMBER.begin) == []


def test_many_may_make_them_at_once(store: Store, url: str):
    made: list[list[Month]] = []
    stores = [Store.open(url) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda one=one: made.append(partitions.ensure(one.database, DECEMBER.begin)))
        for one in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        one.close()

    assert sorted(made) == [[], [], [], [FEBRUARY]]


def test_a_month_with_rows_in_the_default_partition_stays_there(store: Store, origin: OriginRecord, clock: HeldClock):
    clock.now = FEBRUARY.begin
    store.record([new_error(origin)])

    assert partitions.ensure(store.database, clock.now) == [Month(2027, 3), Month(2027, 4)]
    with store.database.read() as connection:
        assert partitions.rows_by_default(connection) == 1


def test_old_months_are_dropped_as_a_whole(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin, event_id=f"{number:032x}", user=b"u") for number in range(300)])
    clock.now = DECEMBER.begin
    store.record([new_error(origin, event_id="e" * 32), new_error(origin, "f2")])
    clock.now = DECEMBER.begin + 31 * DAY

    done = prune(store, clock.now, Turns(store.database))

    issue = store.issues.find("my-app-1")
    assert present(store) == [DECEMBER, JANUARY]
    assert done.partitions["interaction_2026_11"].interactions == 300
    assert [one.expired.interactions for one in done.origins] == [2]
    assert (issue.event_count, issue.stored_count, issue.user_count) == (301, 0, 1)
    assert ask(store, "select count(*) from event_key") == [0]
    assert conservation(store).holds


def test_a_month_that_one_origin_still_keeps_is_not_dropped(store: Store, origin: OriginRecord, clock: HeldClock):
    keeper = store.origins.create("keeper", "Keeper", None, OriginConfig())
    store.record([new_error(origin), new_error(keeper)])
    clock.now = DECEMBER.begin + 31 * DAY

    done = prune(store, clock.now, Turns(store.database))

    assert NOVEMBER in present(store)
    assert done.partitions == {}
    assert done.removed.interactions == 1
    assert conservation(store).holds


def test_a_key_that_a_later_event_took_over_stays(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin, event_id="a" * 32)])
    ask(store, "delete from event_key returning 1")  # as a run leaves it that ended between the keys and the month
    clock.now = DECEMBER.begin + 20 * DAY
    store.record([new_error(origin, event_id="a" * 32)])
    clock.now = DECEMBER.begin + 31 * DAY

    prune(store, clock.now, Turns(store.database))

    assert present(store) == [DECEMBER, JANUARY]
    assert store.record([new_error(origin, event_id="a" * 32)])[0].duplicate
    assert conservation(store).holds


def test_whoever_reads_for_long_is_not_waited_for_long(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin)])
    clock.now = DECEMBER.begin + 31 * DAY
    with store.database.read() as reading:
        reading.exec_driver_sql("select count(*) from interaction")

        done = prune(store, clock.now, Turns(store.database))
        with pytest.raises(Busy):
            partitions.ensure(store.database, FEBRUARY.begin)

    assert done.partitions == {}
    assert NOVEMBER in present(store)
    assert conservation(store).holds
    assert prune(store, clock.now, Turns(store.database)).partitions.keys() == {"interaction_2026_11"}


def test_events_are_recorded_while_months_come_and_go(store: Store, origin: OriginRecord, clock: HeldClock, url: str):
    store.record([new_error(origin, f"f{number % 20}") for number in range(2_000)])
    clock.now = DECEMBER.begin + 31 * DAY
    stop = threading.Event()
    failed: list[Exception] = []

    def send(one: Store) -> None:
        while not stop.is_set():
            try:
                one.record([new_error(origin, f"f{number % 20}") for number in range(30)])
            except Exception as error:  # noqa: BLE001  # whatever it is, the test is to show it
                failed.append(error)
                return

    others = [Store.open(url, clock) for _ in range(3)]
    threads = [threading.Thread(target=send, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    partitions.ensure(store.database, FEBRUARY.end)
    done = prune(store, clock.now, Turns(store.database))
    partitions.ensure(store.database, FEBRUARY.end + 70 * DAY)
    stop.set()
    for thread in threads:
        thread.join()
    for one in others:
        one.close()

    assert failed == []
    assert done.partitions["interaction_2026_11"].interactions == 2_000
    assert conservation(store).holds
