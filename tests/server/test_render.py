"""Answers for models: bounded whatever an event holds, reports under `reported` only, nothing hidden."""

from __future__ import annotations

import unicodedata
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factory import make_context, make_origin, payload, report

from provenance_server.arguments import Detail
from provenance_server.operations import GET_ERROR_ISSUE, GET_ERROR_ISSUES
from provenance_server.render import to_json, to_text
from provenance_storage.store import Store

LARGEST = {Detail.CONCISE: 16_000, Detail.FULL: 48_000}


def _frame(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "file": f"app/module_{number}.py",
        "function": f"function_{number}",
        "line": number,
        "inApp": True,
        "contextLine": "x = " + "y" * 500,
        "preContext": ["p" * 500] * 5,
        "postContext": ["q" * 500] * 5,
        "vars": {f"v{k}": "z" * 1000 for k in range(30)},
        **changes,
    }


MONSTERS = {
    "a thousand frames": payload(frames=[_frame(number) for number in range(1, 1001)]),
    "library frames": payload(frames=[_frame(number, inApp=False) for number in range(1, 1001)]),
    "a long message": payload(message="m" * 200_000),
    "a long type": payload(errorType="T" * 20_000),
    "many causes": payload(causes=[{"errorType": "E" * 999, "message": "c" * 9_999, "frames": [_frame(1)]}] * 50),
    "many tags": payload(tags={f"tag{number}" * 20: "v" * 999 for number in range(500)}),
    "many breadcrumbs": payload(breadcrumbs=[{"message": "b" * 9_999, "category": "c" * 999}] * 1_000),
    "deep extra": payload(extra={"a": [[[[{"b": "c" * 99_999}]]]]}, contexts={"x": {"y": "z" * 99_999}}),
    "a large request": payload(
        request={"url": "https://x/" + "u" * 99_999, "headers": {"h" * 99: "v" * 9_999}, "data": "d" * 99_999}
    ),
    "stack text": payload(frames=[], causes=[], stack="s" * 200_000),
    "wide characters": payload(message="\U000e0041" * 50_000, transaction="\u202e" * 50_000),
}


@pytest.mark.parametrize("detail", list(Detail))
@pytest.mark.parametrize("name", list(MONSTERS))
def test_a_result_is_bounded_whatever_the_event_holds(store: Store, name: str, detail: Detail) -> None:
    origin = make_origin(store)
    report(store, origin, MONSTERS[name])
    context = make_context(store)
    shown = to_json(GET_ERROR_ISSUE(context, {"issueId": "shop-1"}), detail)
    listed = to_json(GET_ERROR_ISSUES(context, {}))

    assert len(to_text(shown)) <= LARGEST[detail]
    assert len(to_text(listed)) <= 1_500


def test_what_was_cut_is_said_with_how_to_get_it(store: Store) -> None:
    origin = make_origin(store)
    report(
        store,
        origin,
        MONSTERS["a thousand frames"],
    )
    answer = GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"})
    shown = to_json(answer)

    assert any("frames: detail=full" in text for text in shown["event"]["reported"]["cut"])
    assert shown["event"]["reported"]["trimmedAtIngest"] > 0


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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=texts, kind=texts, release=texts.filter(bool), tag=texts, url=texts, name=texts)
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
        folder = tmp_path_factory.mktemp("same")
        store = Store.open(f"sqlite:///{folder / 'p.sqlite3'}", lambda: 1_795_437_407_000_000)
        report(store, make_origin(store), one)
        for detail in Detail:
            shown = to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"}), detail)
            told.append(_facts({key: value for key, value in shown.items() if key not in {"id", "event"}}))
            told.append(_facts({key: value for key, value in shown["event"].items() if key != "id"}))
        store.close()

    assert told[:4] == told[4:]


def test_hidden_characters_are_made_visible(store: Store) -> None:
    hidden = "a\u202eb\x1b[31m\u200b\U000e0041"
    origin = make_origin(store)
    report(
        store,
        origin,
        payload(message=hidden, tags={hidden: hidden}, frames=[_frame(1, function=hidden, vars={hidden: hidden})]),
    )
    shown = to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"}), Detail.FULL)
    bad = [
        text
        for _, text in _strings(shown)
        if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"} and letter not in "\n\t" for letter in text)
    ]

    assert bad == []
    assert "\\u{202e}" in shown["event"]["reported"]["stack"]
