"""What goes because of its age or its number, and what stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error
from tests.stores import on_sqlite

from provenance_core.errors import Conflict
from provenance_core.lifecycle import Status
from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_storage.conservation import conservation
from provenance_storage.database import Lock
from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.issues import StatusRequest
from provenance_storage.records import IssueRecord, NewInteraction, OriginRecord
from provenance_storage.retention import BATCH, DAY, RECENT, WINDOW, Pruning, prune
from provenance_storage.store import Store
from provenance_storage.system import ACTION_IDS
from provenance_storage.tables import EventKey, Interaction, IssueHour, table
from provenance_storage.turns import Result, Turns

MINUTE = 60_000_000


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    config = OriginConfig(error_tracking=ErrorTracking(retention_days=30, max_events_per_issue=40))
    return store.origins.create("my-app", "My app", None, config)


def plain(origin: OriginRecord, store: Store) -> NewInteraction:
    """Return an interaction that is no event."""
    kind = next(iter(store.resource_types.all())).id
    return replace(
        new_error(origin), event=None, resource_type_id=kind, action_id=next(iter(ACTION_IDS.values())), resource_id="x"
    )


def pruned(store: Store, now: int) -> Pruning:
    done = prune(store, now, Turns(store.database))
    assert conservation(store).holds
    assert done.unfinished is None
    return done


def moments(store: Store, issue: IssueRecord) -> list[int]:
    """Return when the stored events of an issue were received, oldest first."""
    return [row.received_at for row in reversed(store.interactions.of_issue(issue, 100_000, None))]


def count(store: Store, model: type[Interaction | EventKey | IssueHour]) -> int:
    with store.database.read() as connection:
        return connection.execute(select(func.count()).select_from(table(model))).scalar_one()


def test_what_is_too_old_goes_and_its_counts_stay(store: Store, origin: OriginRecord, clock: HeldClock):
    old = [new_error(origin, event_id=f"{number:032x}", user=bytes([number % 7])) for number in range(20)]
    store.record([*old, plain(origin, store), new_error(origin, "f2", release="1.0", tags={"a": "b"})])
    clock.now += 29 * DAY
    store.record([new_error(origin, event_id="f" * 32)])
    clock.now += 2 * DAY

    done = pruned(store, clock.now)

    both, gone = store.issues.find("my-app-1"), store.issues.find("my-app-2")
    assert done.removed.interactions == 22
    assert done.removed.payload_bytes > 0
    assert [one.expired.interactions for one in done.origins] == [22]
    assert (both.event_count, both.stored_count, both.user_count) == (21, 1, 7)
    assert (gone.event_count, gone.stored_count, gone.title) == (1, 0, "ValueError: no")
    assert (count(store, Interaction), count(store, EventKey), count(store, IssueHour)) == (1, 1, 3)
    assert len(store.issues.releases(gone)) == 1
    assert store.issues.tags(gone, 9, 9)[0].values == {"b": 1}
    assert (store.interactions.oldest_of_issue(gone), store.interactions.newest_of_issue(gone)) == (None, None)


def test_each_origin_has_its_own_age(store: Store, origin: OriginRecord, clock: HeldClock):
    other = store.origins.create("other", "Other", None, OriginConfig())
    store.record([new_error(origin), new_error(other)])
    clock.now += 31 * DAY

    pruned(store, clock.now)

    assert store.issues.find("my-app-1").stored_count == 0
    assert store.issues.find("other-1").stored_count == 1


def test_an_event_that_was_removed_may_come_again(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin, event_id="a" * 32)])
    clock.now += 31 * DAY
    pruned(store, clock.now)

    again = store.record([new_error(origin, event_id="a" * 32)])[0]

    assert not again.duplicate
    assert store.issues.find("my-app-1").event_count == 2
    assert conservation(store).holds


def test_more_than_a_batch_goes(store: Store, origin: OriginRecord, clock: HeldClock):
    for start in range(0, 2 * BATCH + 100, 500):
        store.record([new_error(origin, f"f{start + number}") for number in range(500)])
    clock.now += 31 * DAY

    assert pruned(store, clock.now).removed.interactions == 1500
    assert count(store, Interaction) == 0
    assert pruned(store, clock.now).removed.interactions == 0


def test_a_run_may_end_early_and_go_on_later(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin, f"f{number}") for number in range(100)])
    clock.now += 31 * DAY

    first = prune(store, clock.now, Turns(store.database, 0))

    assert (first.unfinished, first.removed.interactions) == (origin.id, 0)
    assert prune(store, clock.now, Turns(store.database), origin.id).removed.interactions == 100


def record_for_an_hour(store: Store, origin: OriginRecord, clock: HeldClock, every: int) -> None:
    for _ in range(3_600_000_000 // every):
        clock.now += every
        store.record([new_error(origin, event_id=f"{clock.now:032x}")])


def test_of_an_issue_so_many_stay_spread_over_its_life(store: Store, origin: OriginRecord, clock: HeldClock):
    record_for_an_hour(store, origin, clock, every=MINUTE // 4)
    first = moments(store, store.issues.find("my-app-1"))
    clock.now += RECENT + MINUTE

    done = pruned(store, clock.now)

    issue = store.issues.find("my-app-1")
    kept = moments(store, issue)
    assert done.removed.interactions == 200
    assert (issue.event_count, issue.stored_count, len(kept)) == (240, 40, 40)
    assert (kept[0], kept[-10:]) == (first[0], first[-10:])
    assert len([moment for moment in kept if moment < first[120]]) >= 12
    assert count(store, EventKey) == 40
    assert pruned(store, clock.now).removed.interactions == 0


def test_pruning_again_and_again_keeps_the_old_ones(store: Store, origin: OriginRecord, clock: HeldClock):
    began = clock.now
    for _ in range(12):
        record_for_an_hour(store, origin, clock, every=MINUTE)
        clock.now += RECENT
        pruned(store, clock.now)

    kept = moments(store, store.issues.find("my-app-1"))
    half = began + (clock.now - began) // 2
    assert len(kept) == 40
    assert len([moment for moment in kept if moment < half]) >= 10


@on_sqlite
def test_a_flood_does_not_wash_the_lonely_away(store: Store, origin: OriginRecord, clock: HeldClock):
    def now_and_then() -> None:
        for _ in range(12):
            clock.now += DAY // 10
            store.record([new_error(origin)])

    now_and_then()
    alone = moments(store, store.issues.find("my-app-1"))
    for _ in range(WINDOW // 500 + 2):
        store.record([new_error(origin) for _ in range(500)])
    now_and_then()

    done = pruned(store, clock.now + RECENT + MINUTE)

    kept = moments(store, store.issues.find("my-app-1"))
    assert done.removed.interactions == WINDOW + 1_000 + 24 - 40
    assert len(kept) == 40
    assert set(alone) <= set(kept)


def test_recent_events_are_not_thinned(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin) for _ in range(100)])

    assert pruned(store, clock.now + RECENT - MINUTE).removed.interactions == 0
    assert pruned(store, clock.now + RECENT + MINUTE).removed.interactions == 60


def test_the_event_that_made_an_issue_regress_stays(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin, release="1") for _ in range(100)])
    store.issues.change_status("my-app-1", StatusRequest(Status.RESOLVED, "1", None, TESTER))
    culprit = store.record([new_error(origin, release="2") for _ in range(60)])[0]
    clock.now += RECENT + MINUTE

    pruned(store, clock.now)

    assert store.interactions.find(culprit.id) is not None
    assert store.issues.find("my-app-1").stored_count == 40


def test_others_record_meanwhile(store: Store, origin: OriginRecord, clock: HeldClock, url: str):
    store.record([new_error(origin, f"f{number % 5}", event_id=f"{number:032x}") for number in range(2_000)])
    clock.now += 31 * DAY
    other = Store.open(url, clock)
    stop, sent = threading.Event(), [0]

    def send() -> None:
        while not stop.is_set():
            other.record([new_error(origin, f"f{number % 7}") for number in range(20)])
            sent[0] += 20

    sender = threading.Thread(target=send)
    sender.start()
    done = prune(store, clock.now, Turns(store.database))
    stop.set()
    sender.join()
    other.close()

    assert done.removed.interactions == 2_000
    assert sent[0] > 0
    assert count(store, Interaction) == sent[0]
    assert conservation(store).holds


def test_each_origin_gets_its_turn(store: Store, origin: OriginRecord, clock: HeldClock):
    other = store.origins.create("other", "Other", None, OriginConfig())

    first = prune(store, clock.now, Turns(store.database, 0))
    second = prune(store, clock.now, Turns(store.database, 0), first.unfinished)

    assert (first.unfinished, second.unfinished) == (other.id, origin.id)


def test_two_who_prune_at_once_do_not_remove_too_much(store: Store, origin: OriginRecord, clock: HeldClock, url: str):
    store.record([new_error(origin, f"f{number % 3}") for number in range(500)])
    clock.now += RECENT + MINUTE
    other = Store.open(url, clock)

    class Interrupted(Turns):
        """Turns before each of which somebody else prunes."""

        def take(self, what: UUID | Lock, work: Callable[[Connection], Result]) -> Result:
            prune(other, clock.now, Turns(other.database))
            return super().take(what, work)

    prune(store, clock.now, Interrupted(store.database))
    other.close()

    assert conservation(store).holds
    assert [store.issues.find(f"my-app-{number}").stored_count for number in (1, 2, 3)] == [40, 40, 40]


def test_an_origin_with_issues_stays_though_its_events_are_gone(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin)])
    clock.now += 31 * DAY
    pruned(store, clock.now)

    with pytest.raises(Conflict, match="cannot be deleted"):
        store.origins.delete(origin.id)


def test_a_walk_goes_on_over_an_issue_whose_events_are_gone(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([new_error(origin, "f1")])
    clock.now += 31 * DAY
    store.record([new_error(origin, "f2"), new_error(origin, "f3")])
    pruned(store, clock.now)
    order = IssueOrder(began=clock.now)
    first = store.issues.list(IssueFilters(), order, 2)
    store.record([new_error(origin, "f1")])

    rest = store.issues.list(IssueFilters(), replace(order, watermark=first.watermark, after=first.next_after), 2)

    assert [issue.number for issue in (*first.issues, *rest.issues)] == [3, 2, 1]
    assert rest.next_after is None
