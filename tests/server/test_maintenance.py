"""What a server does for its store from time to time."""

from __future__ import annotations

import pytest
from tests.factory import payload, report

from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_server.maintenance import Maintenance
from provenance_storage.conservation import conservation
from provenance_storage.partitions import Month
from provenance_storage.records import OriginRecord
from provenance_storage.retention import DAY
from provenance_storage.store import Store

NOW = 1_795_437_407_000_000


@pytest.fixture
def store(url: str) -> Store:
    return Store.open(url, lambda: NOW)


def make_origin(store: Store, mnemonic: str) -> OriginRecord:
    config = OriginConfig(error_tracking=ErrorTracking(retention_days=30, max_events_per_issue=10))
    return store.origins.create(mnemonic, mnemonic, None, config)


def test_a_run_does_what_is_due(store: Store):
    origin = make_origin(store, "shop")
    for _ in range(25):
        report(store, origin, payload())
    maintenance = Maintenance(store)

    early, soon = maintenance.run_once(NOW), maintenance.run_once(NOW + DAY)
    # on PostgreSQL the month, which is over by then, is dropped as a whole
    late, after = maintenance.run_once(NOW + 60 * DAY), maintenance.run_once(NOW + 60 * DAY)
    law = conservation(store)
    store.close()

    assert (early.expired, early.thinned, early.dropped, early.finished) == (0, 0, 0, True)
    assert (soon.expired, soon.thinned) == (0, 15)
    assert late.expired + late.dropped == 10
    assert late.bytes > 0
    assert (after.expired, after.dropped, after.finished) == (0, 0, True)
    assert law.holds
    assert (law.counted_events, law.stored_events) == (25, 0)


def test_months_are_made_ahead(store: Store):
    maintenance = Maintenance(store)
    maintenance.prepare(NOW)
    kind = store.database.dialect.name

    made = maintenance.run_once(Month.of(NOW).next.begin)
    again = maintenance.run_once(Month.of(NOW).next.begin)
    store.close()

    assert made.months_made == (1 if kind == "postgresql" else 0)
    assert again.months_made == 0


def test_a_short_run_ends_and_the_next_goes_on(store: Store):
    for mnemonic in ("a1", "b1", "c1"):
        report(store, make_origin(store, mnemonic), payload(), payload(errorType="Other"))
    short = Maintenance(store, seconds=0)
    first = short.run_once(NOW + 31 * DAY)
    some = Maintenance(store)
    rest = some.run_once(NOW + 31 * DAY)
    store.close()

    assert (first.finished, first.expired) == (False, 0)
    assert (rest.finished, rest.expired) == (True, 6)
