import math
import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from provenance_core import limits
from provenance_core.errors import ProvenanceError
from provenance_core.events import Event
from provenance_core.json_text import loads
from provenance_core.normalize import (
    action_of,
    normalize_interaction,
    normalize_sentry,
    prepare_interaction,
    prepare_sentry,
)

MAX_JSON = 1_500_000
MARKS = 64 * 1024
"""Bytes that marks, and what stands in place of secrets, may add to what is stored of an event."""


def written(event: Event) -> bytes:
    return event.model_dump_json(by_alias=True).encode()


def exception(**fields: Any) -> dict[str, Any]:
    return {"exception": {"values": [{"type": "E", "value": "m", **fields}]}}


def stack(*frames: Any) -> dict[str, Any]:
    return {"stacktrace": {"frames": list(frames)}}


def test_texts_are_cut_and_the_cut_is_marked():
    event = normalize_sentry(exception(value="x" * 10_000) | {"release": "r" * 300})

    assert event.message == "x" * (limits.MESSAGE - 3) + "..."
    assert event.release is not None
    assert len(event.release) == limits.RELEASE
    assert event.marks.trimmed == {"message": 10_000, "release": 300}


def test_the_frames_nearest_the_crash_are_kept():
    frames = [
        {"function": f"f{n}", "context_line": "x", "vars": {"a": "1"}, "in_app": n == 9_800} for n in range(10_000)
    ]

    event = normalize_sentry(exception(**stack(*frames)))

    assert len(event.frames) == limits.MAX_FRAMES
    assert event.frames[0].function == "f9999"
    assert event.marks.trimmed["frames"] == 10_000
    detailed = [index for index, frame in enumerate(event.frames) if frame.context_line]
    assert detailed == [*range(25), 199, *range(226, 250)]


def test_lists_are_cut_at_their_right_end():
    crumbs = [{"message": str(n)} for n in range(10_000)]
    event = normalize_sentry({"breadcrumbs": {"values": crumbs}, "tags": {f"t{n}": n for n in range(1_000)}})

    assert [crumb.message for crumb in event.breadcrumbs] == [str(n) for n in range(9_900, 10_000)]
    assert len(event.tags) == limits.MAX_TAGS
    assert event.marks.trimmed == {"breadcrumbs": 10_000, "tags": 1_000}


def test_variables_have_a_budget_and_a_depth():
    deep: Any = "bottom"
    for _ in range(20):
        deep = {"d": deep}
    wide = {f"k{n}": "v" * 50 for n in range(1_000)}

    event = normalize_sentry(exception(**stack({"vars": {"deep": deep}}, {"vars": {"wide": wide}})))

    assert len(orjson.dumps(event.frames[0].vars)) < limits.VARS * 2
    assert event.frames[1].vars["deep"]["d"]["d"]["d"]["d"].startswith('{"d":')
    assert event.marks.trimmed["frames.0.vars.wide"] == 1_000


def test_marks_are_bounded():
    event = normalize_sentry(
        {
            "extra": {f"k{n}": ["v" * 9_000, "w" * 9_000] for n in range(100)},
            "tags": {f"t{n}": "v" * 300 for n in range(100)},
        }
    )

    assert len(event.marks.trimmed) == limits.MAX_MARKS


@pytest.mark.parametrize(
    ("value", "repaired", "count"),
    [
        ("a\x00b", "a\ufffdb", 1),
        ("a\ud800b", "a\ufffdb", 1),
        (math.nan, None, 1),
        (math.inf, None, 1),
        (2**63, str(2**63), 1),
        (2**64 + 1, str(2**64 + 1), 1),
        (-(2**63) - 1, str(-(2**63) - 1), 1),
        (2**63 - 1, 2**63 - 1, 0),
        ([1, {"a": "\x00"}], [1, {"a": "\ufffd"}], 1),
    ],
)
def test_what_cannot_be_stored_is_repaired(value: object, repaired: object, count: int):
    event = normalize_sentry({"extra": {"a": value}}, repaired=2)

    assert event.extra == {"a": repaired}
    assert event.marks.repaired == 2 + count


def test_texts_with_a_place_of_their_own_are_repaired_too():
    event = normalize_sentry({"message": "a\x00\udfff", "tags": {"a\ud800": "\x00"}, "user": {"id": "\x00"}})

    assert event.message == "a\ufffd\ufffd"
    assert event.tags == {"a\ufffd": "\ufffd"}
    assert event.user is not None
    assert event.user.id == "\ufffd"


def deep(levels: int, value: Any = "x") -> Any:
    for level in range(levels):
        value = {"d": value} if level % 2 else [value]
    return value


def hostile() -> dict[str, Any]:
    many = {f"key{n}": n for n in range(100_000)}
    controls = "\x01" * 2_000
    frame = dict.fromkeys(("filename", "abs_path", "function", "module", "context_line"), controls)
    full = frame | {"pre_context": [controls] * 6, "post_context": [controls] * 6, "vars": {"v": controls}}
    return {
        "message of 10 MB": {"message": "x" * 10_000_000, "exception": {"values": [{"value": "y" * 10_000_000}]}},
        "10,000 frames": exception(
            **stack(*[{"function": "f", "lineno": n, "vars": {"a": "b" * 100}} for n in range(10_000)])
        ),
        "10,000 breadcrumbs": {"breadcrumbs": [{"message": "x" * 9_000, "data": {"a": "y" * 900}}] * 10_000},
        "100,000 keys": dict.fromkeys(("tags", "extra", "contexts", "user", "request", "sdk"), many) | many,
        "100,000 request parts": {
            "request": dict.fromkeys(("headers", "query_string", "cookies", "data", "env"), many)
        },
        "depth 5,000": {name: deep(5_000) for name in ("extra", "contexts", "tags", "request", "exception", "level")}
        | {"message": deep(5_000), "fingerprint": deep(5_000), "x": {"y": deep(5_000)}}
        | exception(**stack({"vars": deep(5_001), "pre_context": deep(5_000), "function": deep(5_000)})),
        "10,000 exceptions": {
            "exception": {
                "values": [{"type": "E", **stack(*[{"function": "f", "lineno": 1}] * 20)} for _ in range(10_000)]
            }
        },
        "control characters everywhere": {
            "exception": {"values": [{"type": controls, "value": controls, **stack(*[full] * 250)} for _ in range(2)]},
            "breadcrumbs": [{"message": controls, "data": {"a": controls}}] * 200,
            "extra": {f"{n}{controls}": controls for n in range(200)},
            "contexts": {f"{n}": {"a": controls} for n in range(200)},
            "tags": {f"{n}{controls}": controls for n in range(200)},
            "fingerprint": [controls] * 40,
            "request": {"url": controls, "headers": {f"{n}": controls for n in range(200)}, "data": controls},
            "debug_meta": {"images": [{"code_file": controls, "debug_id": controls}] * 200},
        },
        "secrets everywhere": {"message": "Bearer " * 100_000, "extra": {"a": "a=" * 8_000, "b": '"a":' * 4_000}}
        | exception(value="-----BEGIN PRIVATE KEY-----" * 10_000),
        "digits": {"extra": {"a": "4" * 16_000, "b": "1 2" * 5_000, "c": "DE89 " * 3_000}, "message": "41 " * 9_000},
        "numbers": {"message": 10**20_000, "extra": {"a": 10**20_000, "b": -(10**400)}, "timestamp": 10**20_000},
    }


@pytest.mark.parametrize("name", hostile())
@pytest.mark.parametrize("prepare", [prepare_sentry, prepare_interaction])
def test_what_is_stored_of_hostile_events_is_within_the_limit(name: str, prepare: Any):
    assert len(prepare(hostile()[name]).content) <= limits.MAX_EVENT_BYTES + MARKS


@pytest.mark.parametrize("name", hostile())
@pytest.mark.parametrize("normalize", [normalize_sentry, normalize_interaction])
def test_hostile_events_are_bounded_in_size_and_time(name: str, normalize: Any):
    raw = hostile()[name]
    started = time.process_time()

    event = normalize(raw)

    assert time.process_time() - started < 1
    assert len(written(event)) < MAX_JSON


# ---- any input at all

NAMES = [
    *(
        "values",
        "frames",
        "type",
        "value",
        "mechanism",
        "stacktrace",
        "vars",
        "data",
        "headers",
        "key",
        "name",
        "source",
    ),
    *("pre_context", "function", "lineno", "in_app", "filename", "message", "formatted", "status_code", "images"),
    *("code_file", "debug_id", "url", "query_string", "cookies", "timestamp", "handled", "parent_id", "crashed"),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(["\ud800\x00", "1773480413.5", "token=abc", "{{auto}}", "a" * 300])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
SENTRY = [
    *("exception", "threads", "stacktrace", "logentry", "message", "tags", "breadcrumbs", "request", "user", "extra"),
    *("contexts", "level", "fingerprint", "debug_meta", "sdk", "timestamp", "event_id", "platform", "release"),
]
NATIVE = [
    *("errorType", "stack", "frames", "causes", "handled", "runtime", "debugImages", "message_template", "module"),
    *("synthetic", "mechanism", "marks", *SENTRY),
]


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [part for item in value.items() for part in (item[0], *texts(item[1]))]
    if isinstance(value, list):
        return [part for item in value for part in texts(item)]
    return [value] if isinstance(value, str) else []


def assert_storable(event: Event):
    text = written(event)
    assert len(text) < MAX_JSON
    assert not [part for part in texts(orjson.loads(text)) if "\x00" in part]


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(SENTRY) | st.text(max_size=5), VALUES, max_size=8))
def test_any_sentry_payload_gives_a_storable_event(raw: dict[str, Any]):
    event = normalize_sentry(raw)

    assert_storable(event)
    again = normalize_interaction(orjson.loads(written(event)))
    assert again.model_copy(update={"marks": event.marks}) == event
    action_of(event)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(NATIVE) | st.text(max_size=5), VALUES, max_size=8))
def test_any_native_payload_gives_a_storable_event(raw: dict[str, Any]):
    event = normalize_interaction(raw)

    assert_storable(event)
    again = normalize_interaction(orjson.loads(written(event)))
    assert again.model_copy(update={"marks": event.marks}) == event


@settings(deadline=None, max_examples=200)
@given(VALUES)
def test_any_value_in_any_place_is_borne(value: Any):
    places = dict.fromkeys(NAMES, value)
    error = {**places, "mechanism": places, "stacktrace": {"frames": [places, value]}}
    raw = dict.fromkeys(SENTRY, value) | {"exception": [error], "request": places, "user": places}
    raw |= {"breadcrumbs": [places], "contexts": {"response": places, "runtime": places}, "sdk": places}

    assert_storable(normalize_sentry(raw))
    assert_storable(normalize_interaction(raw | {"frames": [places], "causes": [error]}))


LONG = st.builds(lambda text, times: text * times, st.text(max_size=10), st.sampled_from([1, 100, 5_000]))
LARGE = LONG | st.builds(lambda text: text * 300_000, st.text(max_size=10))
MANY = st.builds(lambda item, times: [item] * times, VALUES | LONG, st.sampled_from([1, 60, 600]))


@settings(deadline=None, max_examples=examples(15, thorough=60))
@given(st.dictionaries(st.sampled_from(SENTRY), VALUES | LARGE | MANY, max_size=5), VALUES | LARGE | MANY)
def test_any_payload_however_large_is_stored_within_the_limit(raw: dict[str, Any], value: Any):
    frames = [{"function": "f", "vars": value, "context_line": value, "pre_context": value}] * 60
    raw |= exception(**stack(*frames))

    assert len(prepare_sentry(raw).content) <= limits.MAX_EVENT_BYTES + MARKS
    assert len(prepare_interaction(raw | {"frames": frames}).content) <= limits.MAX_EVENT_BYTES + MARKS


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(NATIVE) | st.text(max_size=5), VALUES, max_size=8), VALUES)
def test_what_is_stored_is_what_is_read(raw: dict[str, Any], value: Any):
    raw |= exception(**stack(dict.fromkeys(NAMES, value), {"function": "f", "vars": {"v": value}, "filename": value}))

    for prepare, normalize in ((prepare_sentry, normalize_sentry), (prepare_interaction, normalize_interaction)):
        prepared, event = prepare(raw), normalize(raw)
        assert prepared.content == event.model_dump_json(by_alias=True, exclude_defaults=True).encode()
        assert prepared.outline.model_copy(update={"frames": (), "causes": ()}) == event.model_copy(
            update={"frames": (), "causes": (), "breadcrumbs": (), "extra": {}, "debug_images": ()}
        )
        outlined, whole = (prepared.outline, *prepared.outline.causes), (event, *event.causes)
        for one, other in zip(outlined, whole, strict=True):
            bare = {"pre_context": (), "post_context": (), "vars": {}}
            assert one.frames == tuple(frame.model_copy(update=bare) for frame in other.frames)


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text('[]{}",:\\u0dN1eamsgvxtp ', max_size=80).map(str.encode))
def test_any_bytes_are_an_event_or_refused(data: bytes):
    for prepare in (prepare_sentry, prepare_interaction):
        try:
            prepared = prepare(loads(data).value)
        except ProvenanceError:
            continue
        assert len(prepared.content) <= limits.MAX_EVENT_BYTES
