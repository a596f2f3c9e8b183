"""Who follows what happens to issues misses nothing and is told nothing twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error
from tests.stores import on_postgresql, on_sqlite

from provenance_core.lifecycle import ChangeKind, Status
from provenance_core.origins import OriginConfig
from provenance_storage import changes as module
from provenance_storage.changes import ChangeRecord, Changes, ChangesPosition
from provenance_storage.issues import StatusRequest
from provenance_storage.recording import Receipt, record
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

MOST = 500
NEW, STATUS, EVENT = ChangeKind.NEW, ChangeKind.STATUS, ChangeKind.EVENT


class Follower:
    """Somebody who asks again and again."""

    def __init__(self, store: Store, origin_id: UUID | None = None, most: int = MOST) -> None:
        self.store, self.origin_id, self.most = store, origin_id, most
        _, self.position = store.changes.after(None, origin_id, most)

    def __call__(self) -> list[ChangeRecord]:
        found, self.position = self.store.changes.after(self.position, self.origin_id, self.most)
        return found

    def until_nothing(self) -> Iterator[ChangeRecord]:
        while found := self():
            assert len(found) <= self.most
            yield from found


def said(found: list[ChangeRecord]) -> list[tuple[str, int, ChangeKind]]:
    return [(one.mnemonic, one.number, one.kind) for one in found]


def change(store: Store, issue: str, status: Status) -> None:
    store.issues.change_status(issue, StatusRequest(status, None, None, TESTER))


def test_what_was_before_is_not_told(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin)])
    change(store, "my-app-1", Status.MUTED)
    follower = Follower(store)

    assert follower() == []
    assert store.changes.after(None, None, MOST)[0] == []


def test_new_issues_more_events_and_statuses_are_told_once_oldest_first(
    store: Store, origin: OriginRecord, clock: HeldClock
) -> None:
    follower = Follower(store)
    store.record([new_error(origin), new_error(origin, "f2"), new_error(origin)])
    first = follower()
    clock.now += 5
    store.record([new_error(origin)])
    clock.now += 5
    change(store, "my-app-2", Status.RESOLVED)
    clock.now += 5
    store.record([new_error(origin, "f2", release="2"), new_error(origin), new_error(origin)])
    second = follower()

    assert said(first) == [("my-app", 1, NEW), ("my-app", 2, NEW)]
    assert said(second)[0] == ("my-app", 2, STATUS)
    assert set(said(second)[1:3]) == {("my-app", 2, EVENT), ("my-app", 2, STATUS)}
    assert said(second)[3:] == [("my-app", 1, EVENT)]
    assert [one.at for one in second] == sorted(one.at for one in second)
    assert {one.status for one in second if one.kind is STATUS} == {Status.RESOLVED, Status.REGRESSED}
    assert len({one.id for one in first + second}) == 6
    assert follower() == []


def test_a_follower_of_one_origin_hears_of_that_one(store: Store, origin: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    follower = Follower(store, other.id)
    store.record([new_error(origin), new_error(other)])

    assert said(follower()) == [("other", 1, NEW)]
    assert follower() == []


def test_a_small_page_loses_nothing_and_repeats_nothing(store: Store, clock: HeldClock) -> None:
    origins = [store.origins.create(f"app-{number}", "App", None, OriginConfig()) for number in range(5)]
    follower = Follower(store, most=3)
    chance = random.Random(7)
    for _ in range(40):
        clock.now += chance.randrange(1, 50)
        store.record([new_error(chance.choice(origins), f"f{chance.randrange(4)}") for _ in range(3)])
    change(store, "app-0-1", Status.MUTED)
    change(store, "app-1-1", Status.MUTED)

    found = list(follower.until_nothing())
    there = {f"{one.mnemonic}-{number}" for one in origins for number in range(1, 5)}
    assert {f"{one.mnemonic}-{one.number}" for one in found if one.kind is NEW} == there
    assert sum(one.kind is STATUS for one in found) == 2
    assert len({(one.id, one.kind) for one in found}) == len(found)


def test_a_walk_while_events_arrive_tells_each_issue_in_the_end(store: Store, origin: OriginRecord) -> None:
    follower = Follower(store, most=2)
    told: list[ChangeRecord] = []
    for number in range(30):
        store.record([new_error(origin, f"f{number % 7}"), new_error(origin, f"f{(number * 3) % 7}")])
        told += follower()
    told += follower.until_nothing()

    last = {one.number: one.at for one in told if one.kind in {NEW, EVENT}}
    assert {one.number for one in told if one.kind is NEW} == set(range(1, 8))
    assert last == {number: store.issues.find(f"my-app-{number}").last_seen for number in range(1, 8)}


def test_a_clock_behind_does_not_hide_a_change_of_status(store: Store, origin: OriginRecord, url: str) -> None:
    behind = HeldClock(HeldClock().now - 5_000_000)
    follower = Follower(store)
    store.record([new_error(origin), new_error(origin, "f2")])
    change(store, "my-app-1", Status.MUTED)
    first = follower()
    with closing(Store.open(url, behind)) as other:
        change(other, "my-app-2", Status.IGNORED)

    assert [one.status for one in first if one.kind is STATUS] == [Status.MUTED]
    assert [one.status for one in follower()] == [Status.IGNORED]
    assert follower() == []


@on_postgresql
def test_what_is_committed_late_is_told(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    follower = Follower(store)
    with store.database.write() as late:
        record(store.database, late, [new_error(origin)], Receipt(HeldClock(clock.now)))
        clock.now += 10_000_000
        store.record([new_error(other)])
        between = follower()

    assert said(between) == [("other", 1, NEW)]
    assert said(follower()) == [("my-app", 1, NEW)]
    assert follower() == []


def test_a_position_is_short_however_many_origins_there_are(store: Store, clock: HeldClock) -> None:
    store.changes = Changes(store.database, most_ahead=3)
    origins = [store.origins.create(f"app-{number}", "App", None, OriginConfig()) for number in range(6)]
    follower = Follower(store)
    store.record([new_error(one) for one in origins[:3]])
    follower()
    few = follower.position
    store.record([new_error(one) for one in origins])
    told = follower()
    many = follower.position
    clock.now += 1
    store.record([new_error(origins[0])])

    assert len(few.ahead) == 3
    assert many.ahead == {}
    assert len(told) == 6
    assert said(follower()) == [("app-0", 1, EVENT)]
    assert follower() == []


def test_origins_where_nothing_happened_of_late_leave_the_position(
    store: Store, origin: OriginRecord, clock: HeldClock
) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    follower = Follower(store)
    store.record([new_error(origin)])
    follower()
    clock.now += module.OVERLAP + 1
    store.record([new_error(other)])
    follower()

    assert set(follower.position.ahead) == {other.number}
    store.record([new_error(origin)])
    assert said(follower()) == [("my-app", 1, EVENT)]


@on_sqlite
def test_asking_where_nothing_is_new_costs_next_to_nothing(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, f"f{number}") for number in range(200)])
    follower = Follower(store)
    follower()
    taken: list[float] = []
    for _ in range(200):
        began = time.perf_counter()
        follower()
        taken.append(time.perf_counter() - began)

    assert sorted(taken)[20] < 0.001


def test_positions_from_elsewhere_do_no_harm(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin)])
    last = module.Mark(module.LAST, module.LAST)

    assert store.changes.after(ChangesPosition(last, {1: last, 99: last}), None, MOST)[0] == []
    assert said(store.changes.after(ChangesPosition(module.Mark(-1, -1), {99: last}), None, MOST)[0]) == [
        ("my-app", 1, NEW)
    ]
