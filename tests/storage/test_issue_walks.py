"""Lists of issues page by page, compared with sorting all issues: every order with every filter, on both stores."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

import pytest
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error
from tests.stores import KINDS, new_database_url

from provenance_core.events import Level
from provenance_core.lifecycle import Status
from provenance_core.listing import Sort
from provenance_core.origins import OriginConfig
from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.issues import StatusRequest
from provenance_storage.records import IssueRecord, OriginRecord
from provenance_storage.store import Store

ISSUES = 90
STATUSES = (Status.RESOLVED, Status.IGNORED, Status.MUTED)
SECOND = 1_000_000

_VALUES: dict[Sort, Callable[[IssueRecord], int]] = {
    Sort.LAST_SEEN: lambda issue: issue.last_seen,
    Sort.FIRST_SEEN: lambda issue: issue.first_seen,
    Sort.EVENT_COUNT: lambda issue: issue.event_count,
    Sort.USER_COUNT: lambda issue: issue.user_count,
}


@dataclass
class Filled:
    """A store with issues that differ in everything, and what is known of them."""

    store: Store
    clock: HeldClock
    origins: list[OriginRecord]
    environments: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    releases: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def issues(self) -> list[IssueRecord]:
        """Return all issues."""
        return self.store.issues.list(IssueFilters(), IssueOrder(), 10 * ISSUES).issues

    def matching(self, filters: IssueFilters) -> list[IssueRecord]:
        """Return the issues that match, in no order."""
        return [issue for issue in self.issues() if self._matches(issue, filters)]

    def _matches(self, issue: IssueRecord, filters: IssueFilters) -> bool:
        return (
            filters.origin_id in {None, issue.origin_id}
            and (not filters.statuses or issue.status in filters.statuses)
            and (not filters.levels or issue.level in filters.levels)
            and (not filters.environment or filters.environment in self.environments[issue.fingerprint])
            and (not filters.release or filters.release in self.releases[issue.fingerprint])
            and all(word in issue.title for word in filters.query.split())
            and (filters.since is None or issue.last_seen >= filters.since)
            and (filters.until is None or issue.last_seen <= filters.until)
        )


@pytest.fixture
def filled(store: Store, clock: HeldClock) -> Filled:
    """Fill a store for one test, which may change it."""
    return _fill(store, clock)


@pytest.fixture(scope="module", params=KINDS)
def unchanged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Fill a store for all tests that only read."""
    clock = HeldClock()
    with (
        new_database_url(request.param, tmp_path_factory.mktemp("walks")) as url,
        closing(Store.open(url, clock)) as store,
    ):
        yield _fill(store, clock)


def _fill(store: Store, clock: HeldClock) -> Filled:
    """Record issues of three origins; some have many events, most have few; an environment and a release are rare."""
    chance = random.Random(5)
    origins = [store.origins.create(f"app-{number}", "App", None, OriginConfig()) for number in range(3)]
    filled = Filled(store, clock, origins)
    for number in range(ISSUES):
        fingerprint, origin = f"f{number}", origins[number % 3]
        level = chance.choice([Level.ERROR, Level.ERROR, Level.WARNING, Level.FATAL])
        clock.now += chance.randrange(3) * SECOND
        batch = [
            new_error(
                origin,
                fingerprint,
                level=level,
                title=f"Error {number % 7}",
                user=bytes([chance.randrange(60)]),
                release=chance.choice(["1.0", "1.0", "1.1"]) if number % 30 else "0.9",
                tags={"environment": chance.choice(["live", "live", "test"]) if number % 20 else "rare"},
            )
            for _ in range(chance.choice([1, 1, 2, 3, 15, 16, 17, 40]))
        ]
        store.record(batch)
        events = [new.event for new in batch if new.event is not None]
        filled.environments[fingerprint] = {event.tags["environment"] for event in events}
        filled.releases[fingerprint] = {str(event.release) for event in events}
    for issue in chance.sample(filled.issues(), 30):
        store.issues.change_status(str(issue.id), StatusRequest(chance.choice(STATUSES), None, None, TESTER))
    return filled


def _filters(filled: Filled) -> list[IssueFilters]:
    middle = sorted(issue.last_seen for issue in filled.issues())[ISSUES // 2]
    return [
        IssueFilters(),
        IssueFilters(origin_id=filled.origins[1].id),
        IssueFilters(statuses=[Status.OPEN]),
        IssueFilters(statuses=[Status.MUTED, Status.IGNORED], levels=[Level.ERROR]),
        IssueFilters(levels=[Level.FATAL]),
        IssueFilters(environment="live"),
        IssueFilters(environment="live", statuses=[Status.OPEN]),
        IssueFilters(environment="rare"),
        IssueFilters(environment="rare", statuses=[Status.OPEN], origin_id=filled.origins[2].id),
        IssueFilters(environment="nowhere"),
        IssueFilters(release="1.0"),
        IssueFilters(release="1.1", statuses=[Status.OPEN], levels=[Level.ERROR, Level.WARNING]),
        IssueFilters(release="1.0", statuses=[Status.RESOLVED]),
        IssueFilters(release="0.9"),
        IssueFilters(release="9.9"),
        IssueFilters(release="1.1", environment="test"),
        IssueFilters(query="Error 3"),
        IssueFilters(query="Error 3", environment="live"),
        IssueFilters(since=middle),
        IssueFilters(until=middle, statuses=[Status.OPEN], environment="live"),
        IssueFilters(since=middle, until=middle),
    ]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", list(Sort))
def test_every_order_with_every_filter(unchanged: Filled, sort: Sort, descending: bool):
    for filters in _filters(unchanged):
        matching = unchanged.matching(filters)
        matching.sort(key=lambda issue: (_VALUES[sort](issue), issue.id), reverse=descending)
        walked: list[IssueRecord] = []
        order = IssueOrder(sort=sort, descending=descending)
        for _ in range(ISSUES):
            page = unchanged.store.issues.list(filters, order, 4)
            walked += page.issues
            assert page.total == len(matching), filters
            if page.next_after is None:
                break
            order = replace(
                order,
                watermark=page.watermark,
                began=unchanged.clock.now + SECOND,
                total=page.total,
                after=page.next_after,
            )

        assert [issue.number for issue in walked] == [issue.number for issue in matching], filters


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_any_size_of_page(unchanged: Filled, limit: int):
    for sort in Sort:
        page = unchanged.store.issues.list(IssueFilters(), IssueOrder(sort=sort), limit)

        everything = sorted(unchanged.issues(), key=lambda issue: (_VALUES[sort](issue), issue.id), reverse=True)
        assert page.issues == everything[:limit]


def test_a_walk_by_environment_stays_while_events_arrive(filled: Filled, clock: HeldClock):
    filters = IssueFilters(environment="live", statuses=[Status.OPEN])
    order = IssueOrder()
    expected = sorted(filled.matching(filters), key=lambda issue: (issue.last_seen, issue.id), reverse=True)
    walked: list[int] = []
    chance = random.Random(1)
    for _ in range(ISSUES):
        page = filled.store.issues.list(filters, order, 5)
        walked += [issue.number for issue in page.issues]
        if page.next_after is None:
            break
        order = replace(order, watermark=page.watermark, began=clock.now, total=page.total, after=page.next_after)
        clock.now += SECOND
        for number in chance.sample(range(ISSUES), 5):
            filled.store.record([new_error(filled.origins[number % 3], f"f{number}", level=chance.choice(list(Level)))])

    assert walked == [issue.number for issue in expected]


@pytest.mark.parametrize("sort", list(Sort))
def test_a_walk_through_many_groups_stays_while_events_arrive(filled: Filled, clock: HeldClock, sort: Sort):
    expected = sorted(filled.issues(), key=lambda issue: (_VALUES[sort](issue), issue.id), reverse=True)
    order = IssueOrder(sort=sort)
    walked: list[int] = []
    chance = random.Random(2)
    for _ in range(ISSUES):
        page = filled.store.issues.list(IssueFilters(), order, 7)
        walked += [issue.number for issue in page.issues]
        if page.next_after is None:
            break
        order = replace(order, watermark=page.watermark, began=clock.now, total=page.total, after=page.next_after)
        clock.now += SECOND
        for number in chance.sample(range(ISSUES), 5):
            user = bytes([chance.randrange(250)])
            filled.store.record([new_error(filled.origins[number % 3], f"f{number}", user=user)])

    assert walked == [issue.number for issue in expected]
