import math
from typing import Any

import pytest
from tests.samples import envelopes, events

from provenance_core.envelope import parse_envelope
from provenance_core.events import ErrorAction, Level, Relation
from provenance_core.json_text import loads
from provenance_core.normalize import action_of, normalize_sentry


def exception(**fields: Any) -> dict[str, Any]:
    return {"exception": {"values": [{"type": "E", "value": "m", **fields}]}}


def stack(*frames: Any) -> dict[str, Any]:
    return {"stacktrace": {"frames": list(frames)}}


# ---- events as SDKs send them


@pytest.mark.parametrize(
    ("name", "action", "error_type", "first_function", "causes"),
    [
        ("python-chained", "UNHANDLED", "OrderError", "load", [("KeyError", "context")]),
        ("javascript-minified", "REJECTION", "TypeError", "t", []),
        ("node", "UNHANDLED", "Error", "Pool.query", [("Error", "cause")]),
        ("java", "UNHANDLED", "IllegalStateException", "load", [("NullPointerException", "cause")]),
        ("go", "UNHANDLED", "runtime.boundsError", "(*Cart).Item", []),
        ("ruby", "UNHANDLED", "NoMethodError", "Order#total", []),
        ("php", "CAUGHT", "ErrorException", "App\\Order::total", []),
        (
            "csharp",
            "UNHANDLED",
            "System.AggregateException",
            "void Orders.Load(string id)",
            [("System.FormatException", "member")],
        ),
        ("rust", "UNHANDLED", "panic", "shopd::cart::item", []),
    ],
)
def test_events_of_each_sdk_are_read(
    name: str, action: str, error_type: str, first_function: str, causes: list[tuple[str, str]]
):
    event = normalize_sentry(events()[name])

    assert action_of(event) == action
    assert event.error_type == error_type
    assert event.frames[0].function == first_function
    assert event.frames[0].in_app
    assert [(cause.error_type, cause.relation) for cause in event.causes] == causes
    assert event.event_id is not None
    assert event.timestamp is not None
    assert event.timestamp.startswith("2026-03-14T09:26:53.")
    assert event.sdk is not None
    assert event.marks.trimmed == {}


def test_a_python_event_in_detail():
    event = normalize_sentry(events()["python-chained"])

    assert event.timestamp == "2026-03-14T09:26:53.589Z"
    assert event.release == "shop@1.4.2"
    assert event.transaction == "/orders/load"
    assert event.message == "order 1001 cannot be loaded"
    assert event.message_template is None
    assert event.extra["logentry"] == "loading order 1001 failed"
    assert event.extra["modules"] == {"flask": "3.1.3"}
    assert event.extra["request"] == {"env": {"REMOTE_ADDR": "203.0.113.9"}}
    assert event.user is not None
    assert event.user.id == "7"
    assert event.user.ip == "203.0.113.9"
    assert event.runtime is not None
    assert event.runtime.version == "3.12.4"
    assert event.causes[0].frames[0].context_line == '        result += line["price"]'
    assert event.causes[0].frames[0].line == 41


def test_a_browser_event_in_detail():
    event = normalize_sentry(events()["javascript-minified"])

    assert event.debug_images[0].debug_id == "85314830-023f-4cf1-a267-535f4e37bb17"
    assert event.user is None
    assert event.request is not None
    assert event.request.url == "https://shop.example/cart"
    assert event.request.query == "step=2"
    assert (event.frames[0].line, event.frames[0].column) == (1, 45871)


def test_a_message_is_an_event_too():
    event = normalize_sentry(events()["message-only"])

    assert event.message == "invoice INV-7 is late by 3 days"
    assert event.message_template == "invoice %s is late by %d days"
    assert event.level is Level.WARNING
    assert event.error_type is None


@pytest.mark.parametrize("kind", ["small", "large", "node"])
def test_real_events_are_read_whole(kind: str):
    for path in envelopes(kind):
        raw = loads(parse_envelope(path.read_bytes()).items[0].payload).value

        event = normalize_sentry(raw)

        assert event.marks.trimmed == {}
        assert event.marks.repaired == 0
        if "exception" not in raw:
            assert event.message
            continue
        outer = raw["exception"]["values"][-1]
        assert event.error_type == outer["type"]
        assert event.message == outer["value"]
        assert len(event.frames) == len(outer["stacktrace"]["frames"])
        assert event.frames[0].function == outer["stacktrace"]["frames"][-1]["function"]


# ---- the forms one part may have


@pytest.mark.parametrize(
    "given_exception",
    [
        {"values": [{"type": "A"}, {"type": "B"}]},
        [{"type": "A"}, {"type": "B"}],
        {"values": {"0": {"type": "A"}, "1": {"type": "B"}}},
        {"values": [None, {"type": "A"}, 7, {"type": "B"}, None]},
    ],
)
def test_the_last_exception_is_the_outermost(given_exception: object):
    event = normalize_sentry({"exception": given_exception})

    assert event.error_type == "B"
    assert [cause.error_type for cause in event.causes] == ["A"]


def test_one_bare_exception_is_read():
    assert normalize_sentry({"exception": {"type": "A", "value": 7}}).message == "7"
    assert normalize_sentry({"sentry.interfaces.Exception": {"values": [{"type": "A"}]}}).error_type == "A"


@pytest.mark.parametrize(
    ("mechanism", "relation"),
    [
        ({"source": "__cause__"}, Relation.CAUSE),
        ({"source": "cause"}, Relation.CAUSE),
        ({"source": "__context__"}, Relation.CONTEXT),
        ({"source": "exceptions[2]"}, Relation.MEMBER),
        ({"source": "errors[0]"}, Relation.MEMBER),
        ({"exception_id": 1, "parent_id": 0}, Relation.MEMBER),
        ({"exception_id": 1, "parent_id": 5}, Relation.CAUSE),
        ({"parent_id": []}, Relation.CAUSE),
        (None, Relation.CAUSE),
    ],
)
def test_relations_of_chained_exceptions(mechanism: object, relation: Relation):
    group = {"type": "ExceptionGroup", "mechanism": {"exception_id": 0, "is_exception_group": True}}
    event = normalize_sentry({"exception": {"values": [{"type": "A", "mechanism": mechanism}, group]}})

    assert event.causes[0].relation is relation


@pytest.mark.parametrize(
    ("outer", "inner", "handled"),
    [(True, True, True), (False, True, False), (True, False, False), (None, None, None), (None, True, None)],
)
def test_handled_is_the_outermosts_word_unless_one_was_unhandled(outer: object, inner: object, handled: object):
    values = [{"type": "A", "mechanism": {"handled": inner}}, {"type": "B", "mechanism": {"handled": outer}}]

    assert normalize_sentry({"exception": {"values": values}}).handled is handled


@pytest.mark.parametrize(
    ("raw", "functions"),
    [
        ({"stacktrace": {"frames": [{"function": "old"}, {"function": "new"}]}}, ["new", "old"]),
        ({"threads": {"values": [{"id": 1}, stack({"function": "a"})]}}, ["a"]),
        ({"threads": [stack({"function": "a"}), stack({"function": "b"}) | {"crashed": True}]}, ["b"]),
        ({"threads": [stack({"function": "a"}), stack({"function": "b"}) | {"current": True}]}, ["b"]),
        (exception() | {"threads": [stack({"function": "a"})]}, ["a"]),
        (exception(**stack({"function": "x"})) | {"threads": [stack({"function": "a"})]}, ["x"]),
        (exception(stacktrace={"frames": None}), []),
        (exception(**stack(None, {"function": "x"}, "y", None)), ["x"]),
    ],
)
def test_frames_are_found_where_they_stand(raw: dict[str, Any], functions: list[str]):
    assert [frame.function for frame in normalize_sentry(raw).frames] == functions


@pytest.mark.parametrize(
    ("raw", "message", "template"),
    [
        ({"message": "m"}, "m", None),
        ({"message": {"formatted": "m 1", "message": "m %s"}}, "m 1", "m %s"),
        ({"logentry": {"formatted": "m 1", "message": "m %s"}}, "m 1", "m %s"),
        ({"logentry": {"message": "m"}}, "m", "m"),
        ({"logentry": {"message": "m %s"}, "message": "other"}, "m %s", "m %s"),
        ({"sentry.interfaces.Message": {"message": "m"}}, "m", "m"),
        ({"message": 7}, "7", None),
        ({}, None, None),
    ],
)
def test_messages(raw: dict[str, Any], message: str | None, template: str | None):
    event = normalize_sentry(raw)

    assert (event.message, event.message_template) == (message, template)


@pytest.mark.parametrize(
    "tags",
    [
        {"a": "1", "b": True, "c": None},
        [["a", "1"], ["b", True], ["c", None], ["x"], None],
        [{"key": "a", "value": 1}, {"key": "b", "value": "true"}, {"key": None, "value": "x"}],
    ],
)
def test_tags(tags: object):
    assert normalize_sentry({"tags": tags}).tags == {"a": "1", "b": "true"}


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1773480413.5897, "2026-03-14T09:26:53.589Z"),
        ("1773480413.5", "2026-03-14T09:26:53.500Z"),
        ("2026-03-14T09:26:53.589793Z", "2026-03-14T09:26:53.589Z"),
        ("2026-03-14T09:26:53", "2026-03-14T09:26:53.000Z"),
        ("2026-03-14T11:26:53.5+02:00", "2026-03-14T09:26:53.500Z"),
        ("2026-03-14 09:26:53.123456789Z", "2026-03-14T09:26:53.123Z"),
        ("yesterday", None),
        (1e300, None),
        (-1e18, None),
        (math.nan, None),
        (10**400, None),
        (True, None),
        ([1], None),
        ("0001-01-01T00:00:00+10:00", None),
    ],
)
def test_timestamps(value: object, moment: str | None):
    event = normalize_sentry({"timestamp": value, "breadcrumbs": [{"timestamp": value}]})

    assert event.timestamp == moment
    assert event.breadcrumbs[0].timestamp == moment


@pytest.mark.parametrize(
    ("value", "level"),
    [
        *(("warn", "warning"), ("WARNING", "warning"), ("critical", "fatal"), ("log", "info"), ("debug", "debug")),
        *(("strange", "error"), (None, "error"), (40, "error"), ("x" * 10_000, "error")),
    ],
)
def test_levels(value: object, level: str):
    assert normalize_sentry({"level": value}).level == level


@pytest.mark.parametrize(
    ("value", "event_id"),
    [
        ("F77E83E0-5575-46AC-B1B3-1535E4F779B0", "f77e83e0557546acb1b31535e4f779b0"),
        ("f77e83e0557546acb1b31535e4f779b0", "f77e83e0557546acb1b31535e4f779b0"),
        ("f77e83e0557546acb1b31535e4f779b", None),
        ("x77e83e0557546acb1b31535e4f779b0", None),
        (7, None),
    ],
)
def test_event_ids(value: object, event_id: str | None):
    assert normalize_sentry({"event_id": value}).event_id == event_id


@pytest.mark.parametrize(
    ("value", "fingerprint"),
    [
        ("one", ("one",)),
        (["{{ default }}", 7, None, {"a": 1}, True], ("{{ default }}", "7", "true")),
        ([], None),
        ({}, None),
        (["x"] * 99, ("x",) * 32),
        (["y" * 5000], ("y" * 1021 + "...",)),
    ],
)
def test_fingerprints(value: object, fingerprint: tuple[str, ...] | None):
    assert normalize_sentry({"fingerprint": value}).fingerprint == fingerprint


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?a=1", "a=1"),
        ({"a": "1 2", "b": None}, "a=1+2&b="),
        ([["a", "1"], ["a", "2"]], "a=1&a=2"),
        (7, ""),
    ],
)
def test_query_strings(query: object, expected: str):
    request = normalize_sentry({"request": {"url": "https://x/", "query_string": query}}).request

    assert request is not None
    assert (request.query or "") == expected


@pytest.mark.parametrize("headers", [{"Host": "h", "N": 1}, [["Host", "h"], ["N", 1]], {"Host": ["h"], "N": "1"}])
def test_headers(headers: object):
    request = normalize_sentry({"request": {"headers": headers}}).request

    assert request is not None
    assert request.headers == {"Host": "h", "N": "1"}


def test_the_status_of_the_response_stands_with_the_request():
    event = normalize_sentry({"contexts": {"response": {"status_code": 503}}})

    assert event.request is not None
    assert event.request.status_code == 503


def test_whose_code_a_frame_is_is_decided_where_the_sender_does_not_say():
    frames = [{"filename": "/x/site-packages/a.py"}, {"filename": "app.py"}, {"filename": "app.py", "in_app": False}]

    event = normalize_sentry(exception(**stack(*frames)) | {"platform": "python"})

    assert [frame.in_app for frame in event.frames] == [False, True, False]


def test_unknown_keys_are_kept_in_extra():
    event = normalize_sentry(
        {"strange": {"a": 1}, "extra": {"b": 2}, "transaction_info": {}, "user": {"id": 1, "plan": "x"}}
    )

    assert event.extra == {"b": 2, "strange": {"a": 1}, "user": {"plan": "x"}}


# ---- actions


@pytest.mark.parametrize(
    ("mechanism", "handled", "status", "action"),
    [
        ("onunhandledrejection", False, None, ErrorAction.REJECTION),
        ("auto.browser.global_handlers.onunhandledrejection", False, None, ErrorAction.REJECTION),
        ("auto.node.onunhandledrejection", None, None, ErrorAction.REJECTION),
        ("onunhandledrejection", True, None, ErrorAction.CAUGHT),
        ("onerror", False, None, ErrorAction.UNHANDLED),
        ("http.client", False, 503, ErrorAction.HTTP_ERROR),
        ("auto.http.client.fetch", True, 500, ErrorAction.HTTP_ERROR),
        ("http.client", True, 404, ErrorAction.CAUGHT),
        ("generic", True, 503, ErrorAction.CAUGHT),
        (None, None, None, ErrorAction.CAUGHT),
    ],
)
def test_actions(mechanism: str | None, handled: bool | None, status: int | None, action: ErrorAction):
    raw = exception(mechanism={"type": mechanism, "handled": handled})
    raw["contexts"] = {"response": {"status_code": status}}

    assert action_of(normalize_sentry(raw)) is action
