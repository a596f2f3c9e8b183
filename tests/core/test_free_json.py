"""JSON that is no event is repaired, bounded and scrubbed as an event is."""

import math
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance_core import limits
from provenance_core.free_json import clean_json
from provenance_core.sensitive import FILTERED

LIMIT = limits.MAX_EVENT_BYTES


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [], {}, {"a": [1, {"b": None}]}])
def test_what_may_be_stored_stays(value: object):
    cleaned = clean_json(value, LIMIT)

    assert cleaned.value == value
    assert (cleaned.marks.trimmed, cleaned.marks.scrubbed, cleaned.marks.repaired) == ({}, (), 0)


def test_what_cannot_be_stored_is_repaired():
    cleaned = clean_json({"a": "x\x00\ud800", "b": math.inf, "c": [2**70], "\x00": 1}, LIMIT)

    assert cleaned.value == {"a": "x\ufffd\ufffd", "b": None, "c": [str(2**70)], "\ufffd": 1}
    assert cleaned.marks.repaired >= 4


@pytest.mark.parametrize("content", ["x", "\x01", "é", "\U0001f600"])
def test_the_limit_is_in_bytes_and_marked(content: str):
    cleaned = clean_json({f"k{n}": content * 5_000 for n in range(200)}, 100_000)

    assert 10_000 < len(orjson.dumps(cleaned.value)) <= 100_000
    assert cleaned.marks.trimmed


def test_what_is_too_deep_becomes_text():
    value: Any = "bottom"
    for _ in range(200):
        value = {"d": value}

    cleaned = clean_json(value, LIMIT)

    inner, depth = cleaned.value, 0
    while isinstance(inner, dict):
        inner, depth = inner["d"], depth + 1
    assert depth == limits.FREE_DEPTH
    assert inner.startswith('{"d":')
    assert any(path.startswith("interaction.d.d") for path in cleaned.marks.trimmed)


def test_what_is_sensitive_is_filtered_by_key_assignment_and_shape():
    value = {"apiKey": "hunter2", "a": ["token=hunter2", 4111111111111111], "b": {"c": "Bearer abcdef123456"}}

    cleaned = clean_json(value, LIMIT, "externalResponse")

    assert cleaned.value == {"apiKey": FILTERED, "a": [f"token={FILTERED}", FILTERED], "b": {"c": f"Bearer {FILTERED}"}}
    assert set(cleaned.marks.scrubbed) == {
        *("externalResponse.apiKey", "externalResponse.a.0", "externalResponse.a.1", "externalResponse.b.c"),
    }
    assert value["apiKey"] == "hunter2"
    assert clean_json("password=hunter2", LIMIT).value == f"password={FILTERED}"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(VALUES, st.integers(0, 2_000))
def test_any_value_is_stored_within_the_limit(value: object, limit: int):
    cleaned = clean_json(value, limit)

    text = orjson.dumps(cleaned.value)
    assert len(text) <= max(limit, len("null"))
    assert b"\\u0000" not in text
    assert clean_json(cleaned.value, LIMIT).value == cleaned.value
