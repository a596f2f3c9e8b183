"""Identifiers carry their moment; moments are read in the forms people write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.ids import microseconds_of, milliseconds_of, parse_short_id, parse_uuid, uuid7
from provenance_core.moments import format_moment, parse_instant, parse_moment

NOW = 1_795_437_407_100_110
moments = st.integers(0, 250_000_000_000_000_000)


@given(moments, moments, st.integers(0), st.integers(0))
def test_ids_sort_as_their_moments(one: int, other: int, some: int, more: int) -> None:
    first, second = uuid7(one, some), uuid7(other, more)

    assert first.version == 7
    assert first.variant == "specified in RFC 4122"
    assert milliseconds_of(first) == one // 1000
    if one // 1000 < other // 1000:
        assert first < second


@pytest.mark.parametrize("microsecond", range(999))
def test_ids_sort_within_a_millisecond(microsecond: int) -> None:
    at = NOW // 1000 * 1000 + microsecond

    assert uuid7(at, 2**62 - 1) < uuid7(at + 1, 0)
    assert microseconds_of(uuid7(at, 2**62 - 1)) == at


@given(st.text())
def test_any_text_may_be_asked_for_as_an_id(text: str) -> None:
    parse_uuid(text)
    parse_short_id(text)


@pytest.mark.parametrize(
    ("text", "found"), [("MY-APP-12", ("my-app", 12)), ("a-1", ("a", 1)), ("a-0", None), ("a", None)]
)
def test_a_short_id_is_a_mnemonic_and_a_number(text: str, found: tuple[str, int] | None) -> None:
    assert parse_short_id(text) == found


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("24h", NOW - 86_400_000_000),
        ("7d", NOW - 7 * 86_400_000_000),
        ("2026-11-23", 1_795_392_000_000_000),
        ("2026-11-23T00:00:00Z", 1_795_392_000_000_000),
        ("2026-11-23T01:00:00+01:00", 1_795_392_000_000_000),
        ("2026-11-23T00:00:00.250Z", 1_795_392_000_250_000),
    ],
)
def test_moments_are_read(text: str, moment: int) -> None:
    assert parse_moment(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "24", "2026-13-01", "2026-11-23T25:00:00Z", "20261123", "h", "-1h", "1e3"]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse_moment(text, NOW) is None


@given(moments)
def test_moments_are_written_with_milliseconds_in_utc(at: int) -> None:
    text = format_moment(at)

    assert text.endswith("Z")
    assert parse_moment(text, 0) == at // 1000 * 1000


@pytest.mark.parametrize(
    "text",
    [
        *("999999w", "0001-01-01", "0999-12-31", "0999-12-31T23:59:59Z", "1000-01-01T00:00:00+01:00"),
        *("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59.999999-23:59", "٣d", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_moments_outside_the_years_1000_to_9999_are_none(text: str) -> None:
    assert parse_moment(text, NOW) is None
    assert parse_instant(text) is None


@given(st.text("0123456789-:TZ+.smhdw") | st.text(), moments)
def test_every_moment_that_is_read_can_be_written(text: str, now: int) -> None:
    at = parse_moment(text, now)

    assert at is None or format_moment(at)


def test_instants_are_moments_without_ages() -> None:
    assert parse_instant("2026-11-23T01:00:00+01:00") == parse_moment("2026-11-23", NOW)
    assert parse_instant("24h") is None
    assert parse_instant("yesterday") is None
    assert parse_moment("9999-12-31T23:59:59.999999Z", NOW) is not None
    assert parse_moment("1000-01-01", NOW) is not None
