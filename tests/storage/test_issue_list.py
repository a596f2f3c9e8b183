"""Lists of issues: filters, orders, and walks that show every issue once while events arrive."""

from __future__ import annotations

import random

import pytest
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error

from provenance_core.events import Level
from provenance_core.lifecycle import Status
from provenance_core.listing import Sort
from provenance_core.origins import OriginConfig
from provenance_storage.issue_list import IssueFilters, IssueOrder, IssuePage
from provenance_storage.issues import StatusRequest
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


def _walk(store: Store, sort: Sort, descending: bool, between: object = None) -> list[list[int]]:
    pages: list[list[int]] = []
    order = IssueOrder(sort=sort, descending=descending)
    while True:
        page: IssuePage = store.issues.list(IssueFilters(), order, 3)
        pages.append([issue.number for issue in page.issues])
        if page.next_after is None:
            return pages
        order = IssueOrder(sort=sort, descending=descending, watermark=page.watermark, after=page.next_after)
        if callable(between):
            between()


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("descending", [True, False])
def test_a_walk_shows_every_issue_once_while_events_arrive(
    store: Store, origin: OriginRecord, clock: HeldClock, sort: Sort, descending: bool
) -> None:
    chance = random.Random(f"{sort}{descending}")
    for number in range(10):
        for _ in range(chance.randint(1, 4)):
            clock.now += 1000
            store.record([new_error(origin, f"f{number}", user=bytes([chance.randint(0, 5)]))])
    quiet = [number for page in _walk(store, sort, descending) for number in page]

    def arrive() -> None:
        for _ in range(6):
            clock.now += 1000
            store.record([new_error(origin, f"f{chance.randint(0, 12)}", user=bytes([chance.randint(0, 40)]))])

    walked = [number for page in _walk(store, sort, descending, arrive) for number in page]
    assert sorted(quiet) == list(range(1, 11))
    assert walked == quiet


def test_the_total_of_a_walk_does_not_change(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, f"f{number}") for number in range(5)])
    first = store.issues.list(IssueFilters(), IssueOrder(), 2)
    store.record([new_error(origin, "new"), new_error(origin, "f0")])
    second = store.issues.list(
        IssueFilters(), IssueOrder(watermark=first.watermark, total=first.total, after=first.next_after), 2
    )

    assert (first.total, second.total) == (5, 5)


@pytest.fixture
def mixed(store: Store, origin: OriginRecord, clock: HeldClock) -> Store:
    """Five issues that differ in everything filters ask for."""
    other = store.origins.create("other", "Other", None, OriginConfig())
    store.record([new_error(origin, "a", release="1.0", tags={"environment": "live"}, title="KeyError: 100% _sure")])
    clock.now += 1_000_000
    store.record([new_error(origin, "b", release="1.1", tags={"environment": "test"}, level=Level.WARNING)])
    clock.now += 1_000_000
    store.record([new_error(other, "a", release="1.0", title="TypeError: x is undefined")])
    store.issues.change_status("my-app-2", StatusRequest(Status.MUTED, None, None, TESTER))
    return store


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (IssueFilters(), ["TypeError: x is undefined", "ValueError: no", "KeyError: 100% _sure"]),
        (IssueFilters(statuses=[Status.MUTED]), ["ValueError: no"]),
        (IssueFilters(statuses=[Status.MUTED, Status.OPEN], levels=[Level.WARNING]), ["ValueError: no"]),
        (IssueFilters(environment="live"), ["KeyError: 100% _sure"]),
        (IssueFilters(environment="Live"), []),
        (IssueFilters(release="1.0"), ["TypeError: x is undefined", "KeyError: 100% _sure"]),
        (IssueFilters(query="keyerror sure"), ["KeyError: 100% _sure"]),
        (IssueFilters(query="100%"), ["KeyError: 100% _sure"]),
        (IssueFilters(query="1_0"), []),
        (IssueFilters(query="'; drop table error_issue; --"), []),
        (IssueFilters(since=1_795_437_408_000_000), ["TypeError: x is undefined", "ValueError: no"]),
        (IssueFilters(until=1_795_437_408_000_000), ["ValueError: no", "KeyError: 100% _sure"]),
    ],
)
def test_filters_select(mixed: Store, filters: IssueFilters, found: list[str]) -> None:
    page = mixed.issues.list(filters, IssueOrder(), 10)

    assert [issue.title for issue in page.issues] == found
    assert page.total == len(found)


def test_one_origin_at_a_time(mixed: Store) -> None:
    other = mixed.origins.find("other")
    page = mixed.issues.list(IssueFilters(origin_id=other.id), IssueOrder(), 10)

    assert [issue.origin_id for issue in page.issues] == [other.id]


@pytest.mark.parametrize("filters", [IssueFilters(levels=[Level.ERROR]), IssueFilters(statuses=[Status.RESOLVED])])
def test_a_walk_shows_what_matched_when_it_began(
    store: Store, origin: OriginRecord, clock: HeldClock, filters: IssueFilters
) -> None:
    for number in range(6):
        clock.now += 1_000
        store.record([new_error(origin, f"f{number}", release="1.0")])
        store.issues.change_status(f"my-app-{number + 1}", StatusRequest(Status.RESOLVED, None, None, TESTER))
    clock.now += 1_000
    began = clock.now
    shown: list[int] = []
    order = IssueOrder()
    while True:
        page = store.issues.list(filters, order, 2)
        shown += [issue.number for issue in page.issues]
        if page.next_after is None:
            break
        order = IssueOrder(watermark=page.watermark, began=began, after=page.next_after)
        clock.now += 1_000
        store.record([new_error(origin, f"f{number}", release="2.0", level=Level.WARNING) for number in range(6)])

    assert shown == [6, 5, 4, 3, 2, 1]
