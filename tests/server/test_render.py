"""Answers for models: bounded whatever an event holds, reports under `reported` only, nothing hidden."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.factory import make_context, make_origin, payload, report
from tests.rendering import to_json
from tests.server.monsters import MONSTERS, frame
from tests.stores import Kind, new_database_url

from provenance_core.lifecycle import Status
from provenance_server.answers import Outlier, StatusChange, TrustCounts
from provenance_server.arguments import Detail
from provenance_server.operations import GET_ERROR_ISSUE, GET_ERROR_ISSUES
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: what is rendered is the same on either."""
    return "sqlite"


def _shown(store: Store, detail: Detail = Detail.CONCISE, issue: str = "shop-1") -> dict[str, Any]:
    return to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": issue}), detail)


def test_a_list_row_holds_what_tells_issues_apart_and_nothing_else(store: Store) -> None:
    report(store, make_origin(store), payload(), payload())
    shown = to_json(GET_ERROR_ISSUES(make_context(store), {}))
    (row,) = shown["items"]

    assert set(shown) == {"items", "total"}
    assert list(row) == ["shortId", "status", "eventCount", "userCount", "lastSeen", "reported"]
    assert list(row["reported"]) == ["title", "culprit", "level", "lastRelease"]
    assert len(row["lastSeen"]) == len("2026-11-23T10:00:00Z")


def test_a_detail_begins_with_facts_and_its_event_with_the_stack(store: Store) -> None:
    report(store, make_origin(store), payload())
    shown, whole = _shown(store), _shown(store, Detail.FULL)

    assert list(shown)[:3] == ["shortId", "origin", "status"]
    assert list(whole)[:3] == ["id", "shortId", "origin"]
    assert list(shown["event"])[:3] == ["id", "action", "via"]
    assert list(whole["event"])[:4] == ["id", "receivedAt", "action", "via"]
    assert next(iter(shown["event"]["reported"])) == "stack"
    assert {"trust", "regressionCount", "statusChangedAt", "cut"}.isdisjoint(shown)


HOUR = 3_600_000_000


def test_a_trend_begins_where_events_do(store_kind: Kind, tmp_path: Path) -> None:
    now = [1_795_437_407_000_000]
    with (
        new_database_url(store_kind, tmp_path) as url,
        closing(Store.open(url, lambda: now[0])) as store,
    ):
        origin = make_origin(store)
        report(store, origin, payload())
        first = _shown(store)
        now[0] += 50 * HOUR
        report(store, origin, payload(), payload())
        now[0] += 2 * HOUR
        later = _shown(store)

    assert "eventsPerDay" not in first
    assert first["eventsPerHour"] == [1]
    assert later["eventsPerDay"] == [1, 0, 2]
    assert later["eventsPerHour"] == [2, 0, 0]
    assert "firstSeen" not in first
    assert later["firstSeen"] == first["lastSeen"] < later["lastSeen"]


def test_what_all_events_of_an_issue_agree_on_is_told_once(store: Store) -> None:
    origin = make_origin(store)
    runtime = {"name": "CPython", "version": "3.13"}
    report(store, origin, payload(environment="production", serverName="web-1", runtime=runtime))
    alone, whole = _shown(store), _shown(store, Detail.FULL)
    report(store, origin, payload(environment="production", serverName="web-2", runtime=runtime, release="shop@2.0.0"))
    shown = _shown(store)

    assert {"release", "environment", "serverName", "runtime"}.isdisjoint(alone["event"]["reported"])
    assert {"release", "environment", "serverName", "runtime"} <= set(whole["event"]["reported"])
    assert "firstRelease" not in alone["reported"]
    assert whole["reported"]["firstRelease"] == alone["reported"]["lastRelease"] == "shop@1.0.0"
    assert (shown["reported"]["firstRelease"], shown["reported"]["lastRelease"]) == ("shop@1.0.0", "shop@2.0.0")
    assert (shown["event"]["reported"]["serverName"], shown["event"]["reported"]["release"]) == ("web-2", "shop@2.0.0")
    assert "environment" not in shown["event"]["reported"]
    assert shown["reported"]["tags"]["environment"] == {"production": 2}
    assert [entry["reported"]["version"] for entry in shown["releases"]] == ["shop@2.0.0", "shop@1.0.0"]


def test_a_value_that_not_all_events_carry_is_told_of_the_event(store: Store) -> None:
    origin = make_origin(store)
    report(store, origin, payload(environment=None, release=None), payload(environment="production"))
    shown = _shown(store)

    assert shown["reported"]["tags"]["environment"] == {"production": 1}
    assert shown["event"]["reported"]["environment"] == "production"
    assert shown["event"]["reported"]["release"] == "shop@1.0.0"
    assert shown["releases"][0]["eventCount"] == 1


def test_when_it_happened_is_told_where_that_is_not_when_it_was_received(store: Store) -> None:
    origin = make_origin(store)
    report(store, origin, payload(timestamp=datetime.now(UTC).isoformat()))
    at_once = _shown(store)["event"]["reported"]
    report(store, origin, payload(timestamp="2026-01-01T10:00:00.5Z"))
    late = _shown(store)["event"]["reported"]

    assert "timestamp" not in at_once
    assert late["timestamp"] == "2026-01-01T10:00:00Z"


def test_breadcrumbs_read_as_what_happened(store: Store) -> None:
    at = "2026-11-24T10:20:5"
    request = {"url": "https://api.example.org/cart", "method": "GET", "status_code": 200, "reason": "OK"}
    crumbs: list[dict[str, Any]] = [
        {"timestamp": f"{at}1Z", "category": "http", "data": request},
        {"timestamp": f"{at}1.9Z", "category": "navigation", "data": {"from": "/", "to": "/cart", "state": {"n": 1}}},
        {"timestamp": f"{at}2Z", "category": "console", "level": "warning", "message": "slow"},
    ]
    report(store, make_origin(store), payload(breadcrumbs=crumbs))

    assert _shown(store)["event"]["reported"]["breadcrumbs"] == [
        "10:20:51 http GET https://api.example.org/cart 200 reason=OK",
        "navigation from=/ to=/cart state={n: 1}",
        "10:20:52 console warning slow",
    ]


def test_what_stands_out_and_what_is_matched_is_told(store: Store) -> None:
    report(store, make_origin(store), payload())
    answer = GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"})
    assert answer.event is not None
    outlier = Outlier(key="region", value="eu\u202e", share=0.96, elsewhere=0.12)
    told = answer.model_copy(
        update={
            "reported": answer.reported.model_copy(update={"stands_out": [outlier]}),
            "event": answer.event.model_copy(update={"frames": 7, "frames_matched": 5}),
            "trust": TrustCounts(authenticated=0, matched=3),
        }
    )
    shown = to_json(told)

    assert shown["reported"]["standsOut"] == {"region=eu\\u{202e}": "96% here, 12% elsewhere"}
    assert shown["event"]["framesMatched"] == "5/7"
    assert shown["trust"] == {"matched": 3}


def test_earlier_resolutions_are_told_of_a_long_history(store: Store) -> None:
    report(store, make_origin(store), payload())
    change: dict[str, Any] = {"at": "2026-11-23T10:00:00.000Z", "actor": "key:ci", "client": "agent"}
    history = [
        StatusChange(**change, from_status=Status.OPEN, to_status=Status.RESOLVED, note="the index was missing"),
        *[StatusChange(**change, from_status=Status.OPEN, to_status=Status.MUTED) for _ in range(50)],
    ]
    answer = GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"}).model_copy(update={"history": history})
    shown = to_json(answer)

    assert shown["history"][0]["note"] == "the index was missing"
    assert shown["history"][0]["client"] == "agent"
    assert shown["cut"] == ["46 earlier changes", "the rest: detail=full"]


def test_what_was_cut_is_said_with_how_to_get_it(store: Store) -> None:
    report(store, make_origin(store), MONSTERS["a thousand frames"])
    concise, full = _shown(store), _shown(store, Detail.FULL)

    assert any(text.endswith(" frames") for text in concise["event"]["reported"]["cut"])
    assert concise["event"]["reported"]["cut"][-1] == "the rest: detail=full"
    rest = "the rest: `provenance errors get SHOP-1 --json`, GET /api/error-issues/SHOP-1"
    assert full["event"]["reported"]["cut"][-1] == rest
    assert concise["event"]["reported"]["trimmedAtIngest"] > 0


def _strings(value: object, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        keys = [(path, key) for key in entries]
        return keys + [found for key, item in entries.items() for found in _strings(item, (*path, key))]
    if isinstance(value, list):
        return [found for item in cast("list[object]", value) for found in _strings(item, path)]
    return []


CANARY = "CaNaRy"
FIELDS: list[dict[str, Any]] = [
    {"errorType": CANARY},
    {"message": CANARY},
    {"transaction": CANARY},
    {"environment": CANARY},
    {"release": CANARY},
    {"dist": CANARY},
    {"serverName": CANARY},
    {"platform": CANARY},
    {"logger": CANARY},
    {"tags": {CANARY: CANARY}},
    {"user": {"id": CANARY, "email": CANARY}},
    {"request": {"url": f"https://x/{CANARY}", "headers": {CANARY: CANARY}, "data": {CANARY: CANARY}}},
    {"breadcrumbs": [{"message": CANARY, "data": {CANARY: CANARY}}]},
    {"extra": {CANARY: CANARY}},
    {"contexts": {CANARY: {CANARY: CANARY}}},
    {"frames": [{"file": CANARY, "function": CANARY, "contextLine": CANARY, "vars": {CANARY: CANARY}, "inApp": True}]},
    {"causes": [{"errorType": CANARY, "message": CANARY}]},
    {"via": "server", "registered": True, "reported": {}, "_meta": CANARY, "status": CANARY},
]


@pytest.mark.parametrize("detail", list(Detail))
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: "+".join(field))
def test_event_text_stands_under_reported_only(store: Store, field: dict[str, Any], detail: Detail) -> None:
    origin = make_origin(store)
    report(store, origin, payload(**field))
    context = make_context(store)
    for shown in (
        to_json(GET_ERROR_ISSUE(context, {"issueId": "shop-1"}), detail),
        to_json(GET_ERROR_ISSUES(context, {})),
    ):
        outside = [path for path, text in _strings(shown) if CANARY in text and "reported" not in path]

        assert outside == []
        assert "via" not in shown or shown["via"] == "public"


def _facts(value: object) -> object:
    """Return an answer without what is reported."""
    if isinstance(value, dict):
        left = cast("dict[str, object]", value)
        return {key: _facts(item) for key, item in left.items() if key != "reported"}
    return [_facts(item) for item in cast("list[object]", value)] if isinstance(value, list) else value


texts = st.text(max_size=60)


@settings(
    max_examples=examples(40, thorough=400), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(message=texts, kind=texts, release=texts.map("x{}".format), tag=texts, url=texts, name=texts)
def test_reported_strings_change_nothing_outside_reported(
    tmp_path_factory: pytest.TempPathFactory, message: str, kind: str, release: str, tag: str, url: str, name: str
) -> None:
    """Two events that differ only in reported strings give the same answer outside `reported`."""
    told: list[object] = []
    for one in (
        payload(fingerprint=["same"]),
        payload(
            fingerprint=["same"],
            message=message,
            errorType=kind or "E",
            release=release,
            tags={tag or "t": tag},
            request={"url": url},
            user={"id": name or "u"},
            transaction=name,
        ),
    ):
        with (
            new_database_url("sqlite", tmp_path_factory.mktemp("same")) as url,
            closing(Store.open(url, lambda: 1_795_437_407_000_000)) as store,
        ):
            report(store, make_origin(store), one)
            for detail in Detail:
                shown = to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"}), detail)
                told.append(_facts({key: value for key, value in shown.items() if key not in {"id", "event"}}))
                told.append(_facts({key: value for key, value in shown["event"].items() if key != "id"}))

    assert told[:4] == told[4:]


def test_hidden_characters_are_made_visible(store: Store) -> None:
    hidden = "a\u202eb\x1b[31m\u200b\U000e0041"
    origin = make_origin(store)
    report(
        store,
        origin,
        payload(message=hidden, tags={hidden: hidden}, frames=[frame(1, function=hidden, vars={hidden: hidden})]),
    )
    shown = to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"}), Detail.FULL)
    bad = [
        text
        for _, text in _strings(shown)
        if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"} and letter not in "\n\t" for letter in text)
    ]

    assert bad == []
    assert "\\u{202e}" in shown["event"]["reported"]["stack"]
