"""Frames and small values take a short way into the JSON of an event; it tells what the long way would."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from provenance_core import limits
from provenance_core.normalize import prepare_sentry


def stored(event: dict[str, Any]) -> dict[str, Any]:
    return orjson.loads(prepare_sentry(event).content)


def with_variables(variables: Any, **fields: Any) -> dict[str, Any]:
    frame = {"filename": "shop/orders.py", "function": "load", "lineno": 7, "context_line": "x = 1", "in_app": True}
    stack = {"frames": [{"filename": "shop/web.py", "function": "call"}, {**frame, "vars": variables}]}
    return {"exception": {"values": [{"type": "KeyError", "value": "id", "stacktrace": stack}]}, **fields}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"a": 1, "b": "x"}, {"a": 1, "b": "x"}),
        ({"a": "x\x00"}, {"a": "x\ufffd"}),
        ({"a": "\ud800"}, {"a": "\ufffd"}),
        ({"a": 2**63}, {"a": str(2**63)}),
        ({"a": 2**60}, {"a": 2**60}),
        ({"a": None, "b": [None]}, {"a": None, "b": [None]}),
        ({"password": "hunter2", "b": 1}, {"password": "[Filtered]", "b": 1}),
        ({"url": "https://token@host/"}, {"url": "https://[Filtered]@host/"}),
        ([1, 2], {"value": [1, 2]}),
        ({"a": {"b": {"c": {"d": {"e": {}}}}}}, {"a": {"b": {"c": {"d": {"e": {}}}}}}),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, {"a": {"b": {"c": {"d": {"e": 1}}}}}),
        ({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, {"a": {"b": {"c": {"d": {"e": '{"f":1}'}}}}}),
    ],
)
def test_variables_are_stored_as_if_each_had_been_looked_at(variables: Any, expected: Any) -> None:
    first, second = stored(with_variables(variables)), stored(with_variables(variables))

    assert first["frames"][0]["vars"] == expected
    assert first == second


def test_a_secret_beside_the_frames_leaves_them_as_they_are() -> None:
    plain = stored(with_variables({"a": 1}, extra={"note": "none"}))
    secret = stored(with_variables({"a": 1}, extra={"note": "https://token@host/"}))

    assert secret["extra"] == {"note": "https://[Filtered]@host/"}
    assert secret["frames"] == plain["frames"]


def test_more_secrets_than_marks_are_all_filtered() -> None:
    many = {f"password{index}": "hunter2" for index in range(2 * limits.MAX_MARKS)}
    event = stored(with_variables({"a": "password=hunter2"}, tags=dict.fromkeys(many, "hunter2"), extra=many))

    assert "hunter2" not in orjson.dumps(event).decode()


def test_an_event_over_the_limit_loses_what_its_frames_were_known_with() -> None:
    extra = {f"k{index}": "x" * 16_000 for index in range(16)}
    crumbs = [{"message": "m" * 8_000, "data": {"a": "d" * 2_000}} for _ in range(100)]
    event = with_variables({"a": "v" * 1_000}, extra=extra, breadcrumbs=crumbs)
    event["exception"]["values"][0]["stacktrace"]["frames"] *= 25
    event["contexts"] = {f"c{index}": {"a": "c" * 8_000} for index in range(100)}
    content = prepare_sentry(event).content

    assert len(content) <= limits.MAX_EVENT_BYTES
    assert [("vars" in frame) for frame in orjson.loads(content)["frames"]].count(True) <= 25


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-11-23T10:21:24.266999Z", "2026-11-23T10:21:24.266Z"),
        ("2026-02-30T10:21:24.266612Z", None),
        ("2026-11-23 10:21:24.266612Z", "2026-11-23T10:21:24.266Z"),
        ("2026-11-23T25:21:24.266612Z", None),
        ("2026-11-23T10:21:24.26661aZ", None),
    ],
)
def test_a_moment_with_microseconds_is_checked_before_it_is_cut(sent: str, expected: str | None) -> None:
    event = stored({"message": "m", "breadcrumbs": [{"timestamp": sent, "message": "x"}]})

    assert event["breadcrumbs"][0].get("timestamp") == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"url": "/a", "status": 200, "ok": True, "none": None},
            {"url": "/a", "status": 200, "ok": True, "none": None},
        ),
        ({"size": 2**64}, {"size": str(2**64)}),
        ({"a": "\x00"}, {"a": "\ufffd"}),
        ({"a": "b" * 3_000}, {"a": "b" * (limits.CRUMB_DATA - 7) + "..."}),
        ({"token": "abc"}, {"token": "[Filtered]"}),
    ],
)
def test_the_data_of_a_breadcrumb_is_kept_cut_or_filtered(data: Any, expected: Any) -> None:
    event = stored({"message": "m", "breadcrumbs": [{"message": "x", "data": data}]})

    assert event["breadcrumbs"][0]["data"] == expected
