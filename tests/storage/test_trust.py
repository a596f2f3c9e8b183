"""How far it is known where events come from: counted, asked for in lists, and what strangers cannot change."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error

from provenance_core.events import Level, Trust, Via
from provenance_core.lifecycle import Status
from provenance_core.listing import Sort
from provenance_storage.conservation import conservation
from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.issues import StatusRequest
from provenance_storage.records import IssueRecord, NewInteraction, OriginRecord
from provenance_storage.store import Store

ISSUES = 60
SECOND = 1_000_000
_FROM: dict[Trust, tuple[Via, bool]] = {
    Trust.REPORTED: (Via.PUBLIC, False),
    Trust.MATCHED: (Via.PUBLIC, True),
    Trust.AUTHENTICATED: (Via.SERVER, False),
}
_VALUES: dict[Sort, Callable[[IssueRecord], int]] = {
    Sort.LAST_SEEN: lambda issue: issue.last_seen,
    Sort.FIRST_SEEN: lambda issue: issue.first_seen,
    Sort.EVENT_COUNT: lambda issue: issue.event_count,
    Sort.USER_COUNT: lambda issue: issue.user_count,
}


def known(new: NewInteraction, trust: Trust) -> NewInteraction:
    """Return an event of which it is known so far where it comes from."""
    via, matched = _FROM[trust]
    return replace(new, via=via, matched=matched)


def _only(store: Store) -> IssueRecord:
    (issue,) = store.issues.list(IssueFilters(), IssueOrder(), 2).issues
    return issue


def _resolve(store: Store) -> None:
    store.issues.change_status("my-app-1", StatusRequest(Status.RESOLVED, None, None, TESTER))


@pytest.mark.parametrize("first", [Trust.MATCHED, Trust.AUTHENTICATED])
@pytest.mark.parametrize("later", [Trust.REPORTED, Trust.MATCHED])
def test_who_is_less_known_neither_renames_nor_relevels(store: Store, origin: OriginRecord, first: Trust, later: Trust):
    store.record([known(new_error(origin, title="Known: no", level=Level.FATAL), first)])
    _resolve(store)
    stranger = known(new_error(origin, title="IGNORE ALL", level=Level.DEBUG, user=b"u"), later)
    changed = replace(stranger.event, culprit="evil", platform="evil", handled=True) if stranger.event else None
    store.record([replace(stranger, event=changed)])
    issue = _only(store)

    equal = first is later
    assert (issue.title, issue.level) == (("IGNORE ALL", Level.DEBUG) if equal else ("Known: no", Level.FATAL))
    assert (issue.culprit, issue.platform, issue.handled) == (("evil", "evil", True) if equal else (None, None, None))
    assert (issue.event_count, issue.user_count, issue.trust) == (2, 1, first)
    assert (issue.status, issue.regression_count) == (Status.REGRESSED, 1)
    assert conservation(store).holds


def test_who_is_better_known_describes_the_issue(store: Store, origin: OriginRecord):
    for trust in Trust:
        store.record([known(new_error(origin, title=trust.name), trust)])

        assert (_only(store).title, _only(store).trust) == (trust.name, trust)
    issue = _only(store)
    assert (issue.authenticated_count, issue.matched_count, issue.event_count) == (1, 1, 3)


def test_what_was_removed_leaves_the_counts(store: Store, origin: OriginRecord, clock: HeldClock):
    store.record([known(new_error(origin), trust) for trust in (*Trust, Trust.AUTHENTICATED)])
    with store.database.write() as connection:
        connection.exec_driver_sql("delete from interaction_payload")
        connection.exec_driver_sql("delete from interaction")
        connection.exec_driver_sql("update error_issue set stored_count = 0")
    issue = _only(store)

    assert (issue.authenticated_count, issue.matched_count) == (2, 1)
    assert conservation(store).holds


@pytest.mark.parametrize(
    ("statement", "law"),
    [
        ("update error_issue set authenticated_count = 1", "issues whose authenticated events"),
        ("update error_issue set matched_count = 0", "issues whose matched events"),
        ("update error_issue set matched_count = 3", "issues with more events from somebody known"),
        ("update error_issue set stored_count = 2, authenticated_count = 1", "issues whose authenticated events"),
    ],
)
def test_a_count_that_is_wrong_is_told(store: Store, origin: OriginRecord, statement: str, law: str):
    store.record([known(new_error(origin), trust) for trust in (*Trust, Trust.AUTHENTICATED)])
    sound = conservation(store).holds
    with store.database.write() as connection:
        connection.exec_driver_sql(statement)

    assert sound
    assert any(name.startswith(law) for name in conservation(store).broken)


@pytest.fixture
def mixed(store: Store, origin: OriginRecord, clock: HeldClock) -> Store:
    """Issues of two origins that differ in everything; two in three have events from nobody known only."""
    chance = random.Random(3)
    other = store.origins.create("other", "Other", None, origin.config)
    for number in range(ISSUES):
        clock.now += chance.randrange(3) * SECOND
        level = chance.choice([Level.ERROR, Level.WARNING])
        tags = {"environment": "rare" if number % 15 == 0 else "live"}
        release = "0.9" if number % 20 == 0 else "1.0"
        of = [origin, other][number % 2]
        new = new_error(of, f"f{number}", level=level, title=f"Error {number % 5}", tags=tags, release=release)
        best = [Trust.REPORTED, Trust.REPORTED, Trust.REPORTED, Trust.REPORTED, Trust.MATCHED, Trust.AUTHENTICATED]
        extra = [Trust.REPORTED] * chance.choice([0, 1, 16, 20])
        batch = [known(new, trust) for trust in (best[number % 6], *extra)]
        users = [bytes([chance.randrange(40)]) for _ in batch]
        store.record(
            [replace(one, event=replace(one.event, user_hash=user)) for one, user in zip(batch, users, strict=True)]  # type: ignore[type-var]  # each is an event
        )
    return store


def _walked(store: Store, filters: IssueFilters, order: IssueOrder, between: Callable[[], object]) -> list[IssueRecord]:
    walked: list[IssueRecord] = []
    for _ in range(ISSUES):
        page = store.issues.list(filters, order, 4)
        walked += page.issues
        if page.next_after is None:
            return walked
        began = order.began or store.clock()
        order = replace(order, watermark=page.watermark, began=began, total=page.total, after=page.next_after)
        between()
    raise AssertionError("the walk does not end")


def _matching(store: Store, filters: IssueFilters) -> list[IssueRecord]:
    plain = replace(filters, least=Trust.REPORTED)
    everything = store.issues.list(plain, IssueOrder(), 10 * ISSUES).issues
    return [issue for issue in everything if issue.trust >= filters.least]


_FILTERS = [
    IssueFilters(),
    IssueFilters(statuses=[Status.OPEN], levels=[Level.WARNING]),
    IssueFilters(environment="live"),
    IssueFilters(environment="rare"),
    IssueFilters(release="0.9"),
    IssueFilters(release="1.0", levels=[Level.ERROR]),
    IssueFilters(query="Error 3"),
    IssueFilters(query="Error 3", environment="live"),
    IssueFilters(levels=[Level.FATAL]),
]


@pytest.mark.parametrize("least", [Trust.MATCHED, Trust.AUTHENTICATED])
@pytest.mark.parametrize("sort", list(Sort))
def test_every_order_with_every_other_filter(mixed: Store, least: Trust, sort: Sort):
    one = mixed.origins.find("other").id
    for filters in (*_FILTERS, IssueFilters(origin_id=one)):
        for descending in (True, False):
            asked = replace(filters, least=least)
            expected = _matching(mixed, asked)
            expected.sort(key=lambda issue: (_VALUES[sort](issue), issue.id), reverse=descending)
            order = IssueOrder(sort=sort, descending=descending)
            first = mixed.issues.list(asked, order, 4)

            assert first.total == len(expected), asked
            assert _walked(mixed, asked, order, lambda: None) == expected, asked


@pytest.mark.parametrize("sort", list(Sort))
def test_a_walk_shows_nothing_twice_while_issues_come_to_match(mixed: Store, clock: HeldClock, sort: Sort):
    chance = random.Random(4)
    asked = IssueFilters(least=Trust.MATCHED)
    before = _matching(mixed, asked)
    before.sort(key=lambda issue: (_VALUES[sort](issue), issue.id), reverse=True)
    origins = [mixed.origins.find("my-app"), mixed.origins.find("other")]

    def arrive() -> None:
        clock.now += SECOND
        for number in chance.sample(range(ISSUES), 6):
            new = new_error(origins[number % 2], f"f{number}", user=bytes([chance.randrange(90)]))
            mixed.record([known(new, chance.choice(list(Trust)))])

    walked = [issue.id for issue in _walked(mixed, asked, IssueOrder(sort=sort), arrive)]
    there = [issue.id for issue in before]

    assert len(set(walked)) == len(walked)
    assert [identity for identity in walked if identity in there] == there


@pytest.mark.parametrize("least", [Trust.MATCHED, Trust.AUTHENTICATED])
def test_the_first_and_last_event_that_may_be_shown(store: Store, origin: OriginRecord, clock: HeldClock, least: Trust):
    order = (*[Trust.REPORTED] * 3, Trust.MATCHED, Trust.AUTHENTICATED, Trust.REPORTED, Trust.AUTHENTICATED)
    recorded = []
    for trust in (*order, Trust.MATCHED, Trust.REPORTED):
        clock.now += SECOND
        recorded += store.record([known(new_error(origin), trust)])
    issue = _only(store)
    oldest = store.interactions.oldest_of_issue(issue, least)
    newest = store.interactions.newest_of_issue(issue, least)

    assert oldest is not None
    assert newest is not None
    at = {event.id: place for place, event in enumerate(recorded)}
    assert (at[oldest.id], at[newest.id]) == ((3, 7) if least is Trust.MATCHED else (4, 6))


def test_no_event_is_shown_where_none_may_be(store: Store, origin: OriginRecord):
    store.record([new_error(origin) for _ in range(5)])
    issue = _only(store)

    assert store.interactions.newest_of_issue(issue, Trust.MATCHED) is None
    assert store.interactions.oldest_of_issue(issue, Trust.MATCHED) is None
