"""What lists and details tell beside the counts: events by hour, and values of tags that stand out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factory import make_context, make_origin
from tests.storage import conftest as held
from tests.storage.conftest import HeldClock, new_error

from provenance_core.events import Level, Via
from provenance_server.answers import Outlier
from provenance_server.context import Context
from provenance_server.operations import GET_ERROR_ISSUE, GET_ERROR_ISSUES
from provenance_server.outliers import ISSUES_COMPARED, MOST_SHOWN, NAMES_OF_ISSUE
from provenance_storage.counters import HOUR
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

clock, store = held.clock, held.store


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    return make_origin(store, "shop")


@pytest.fixture
def context(store: Store, origin: OriginRecord) -> Context:
    return make_context(store)


def test_a_trend_counts_the_last_day_by_the_hour(context: Context, origin: OriginRecord, clock: HeldClock):
    now = clock.now
    other = make_origin(context.store, "other")
    for hours, events in ((24, 7), (23, 1), (5, 2), (0, 3)):
        clock.now = now - hours * HOUR
        context.store.record([new_error(origin) for _ in range(events)] + [new_error(other)])
    expected = [1, *[0] * 17, 2, *[0] * 4, 3]
    listed = GET_ERROR_ISSUES(context, {}).items

    assert {item.short_id: item.trend for item in listed}["SHOP-1"] == expected
    assert {item.short_id: sum(item.trend) for item in listed} == {"SHOP-1": 6, "OTHER-1": 3}
    assert GET_ERROR_ISSUE(context, {"issueId": "shop-1"}).trend == expected


def test_an_issue_that_lies_still_has_an_empty_trend(context: Context, origin: OriginRecord, clock: HeldClock):
    context.store.record([new_error(origin)])
    clock.now += 25 * HOUR

    assert GET_ERROR_ISSUES(context, {}).items[0].trend == [0] * 24


def test_what_the_clock_has_still_to_come_is_the_present_hour(context: Context, origin: OriginRecord, clock: HeldClock):
    context.store.record([new_error(origin)])
    clock.now -= 2 * HOUR

    assert GET_ERROR_ISSUES(context, {}).items[0].trend == [*[0] * 23, 1]
    assert GET_ERROR_ISSUE(context, {"issueId": "shop-1"}).trend[-1] == 1


def test_lists_by_trust_are_asked_for_by_name(context: Context, origin: OriginRecord):
    public = new_error(origin, "a")
    context.store.record([public, replace(new_error(origin, "b"), matched=True)])
    context.store.record([replace(new_error(origin, "c"), via=Via.SERVER)])
    found = {
        trust: [item.short_id for item in GET_ERROR_ISSUES(context, {"sort": "firstSeen", "trust": trust}).items]
        for trust in (None, "matched", "authenticated")
    }

    assert found == {None: ["SHOP-3", "SHOP-2", "SHOP-1"], "matched": ["SHOP-3", "SHOP-2"], "authenticated": ["SHOP-3"]}


def _stands_out(context: Context, issue: str = "shop-1") -> list[tuple[str, str]]:
    found = GET_ERROR_ISSUE(context, {"issueId": issue}).reported.stands_out
    return [(one.key, one.value) for one in found]


def _others(store: Store, origin: OriginRecord, *tagged: dict[str, str], issues: int = 5) -> None:
    for number in range(issues):
        levels = [Level.ERROR, Level.WARNING, Level.FATAL]
        store.record([new_error(origin, f"o{number}", tags=tags, level=levels[number % 3]) for tags in tagged])


def test_a_value_that_most_events_carry_and_few_elsewhere_stands_out(context: Context, origin: OriginRecord):
    here = [{"region": "eu", "browser": "Firefox 140", "os": "Linux"}] * 9 + [{"region": "us", "os": "Windows"}]
    context.store.record([new_error(origin, tags=tags) for tags in here])
    _others(context.store, origin, {"region": "eu", "os": "Linux"}, *[{"region": "us", "os": "Linux"}] * 3)
    found = GET_ERROR_ISSUE(context, {"issueId": "shop-1"}).reported.stands_out

    assert found == [
        Outlier(key="browser", value="Firefox 140", share=0.9, elsewhere=0),
        Outlier(key="region", value="eu", share=0.9, elsewhere=0.25),
    ]


@pytest.mark.parametrize(("carrying", "stands"), [(4, False), (5, True), (10, True)])
def test_half_of_the_events_must_carry_it(context: Context, origin: OriginRecord, carrying: int, stands: bool):
    tags = [{"region": "eu"}] * carrying + [{}] * (10 - carrying)
    context.store.record([new_error(origin, tags=one) for one in tags])
    _others(context.store, origin, *[{"region": "us"}] * 4)

    assert bool(_stands_out(context)) is stands


@pytest.mark.parametrize(("elsewhere", "stands"), [(9, True), (10, True), (11, False), (20, False)])
def test_elsewhere_it_is_half_as_frequent_at_most(context: Context, origin: OriginRecord, elsewhere: int, stands: bool):
    context.store.record([new_error(origin, tags={"region": "eu"}) for _ in range(4)])
    tags = [{"region": "eu"}] * elsewhere + [{}] * (20 - elsewhere)
    context.store.record([new_error(origin, f"o{number % 3}", tags=one) for number, one in enumerate(tags)])

    assert bool(_stands_out(context)) is stands


@pytest.mark.parametrize(("here", "elsewhere", "stands"), [(3, 20, False), (4, 19, False), (4, 20, True)])
def test_of_few_events_nothing_stands_out(
    context: Context, origin: OriginRecord, here: int, elsewhere: int, stands: bool
):
    context.store.record([new_error(origin, tags={"region": "eu"}) for _ in range(here)])
    context.store.record([new_error(origin, f"o{number % 3}") for number in range(elsewhere)])

    assert bool(_stands_out(context)) is stands


def test_what_names_the_issue_does_not_stand_out(context: Context, origin: OriginRecord):
    tags = dict.fromkeys(NAMES_OF_ISSUE, "mine") | {"region": "eu"}
    context.store.record([new_error(origin, tags=tags) for _ in range(4)])
    _others(context.store, origin, *[{}] * 4)

    assert _stands_out(context) == [("region", "eu")]


def test_only_the_most_striking_are_shown(context: Context, origin: OriginRecord):
    tags = {f"tag{number}": "x" for number in range(9)}
    context.store.record([new_error(origin, tags=tags) for _ in range(4)])
    _others(context.store, origin, {"tag3": "x"}, {"tag0": "x"}, {}, {})

    assert _stands_out(context) == [(f"tag{number}", "x") for number in (1, 2, 4, 5, 6)][:MOST_SHOWN]


def test_other_origins_are_not_elsewhere(context: Context, origin: OriginRecord):
    other = make_origin(context.store, "other")
    context.store.record([new_error(origin, tags={"region": "eu"}) for _ in range(4)])
    _others(context.store, other, *[{"region": "us"}] * 4)

    assert _stands_out(context) == []


def test_only_the_issues_seen_last_are_looked_at(context: Context, origin: OriginRecord, clock: HeldClock):
    context.store.record([new_error(origin, tags={"region": "eu"}) for _ in range(4)])
    context.store.record([new_error(origin, "old", tags={"region": "eu"}, level=Level.FATAL) for _ in range(900)])
    clock.now += HOUR
    context.store.record([new_error(origin, f"o{number}", tags={"region": "us"}) for number in range(ISSUES_COMPARED)])

    assert _stands_out(context) == [("region", "eu")]
