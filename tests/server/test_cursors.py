"""Cursors are short, carry any position, and say so where they are none of ours."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.errors import InvalidInput
from provenance_server.arguments import ListAll, ListIssues
from provenance_server.cursors import read_cursor, read_name_cursor, write_cursor, write_name_cursor

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(numbers=st.lists(INT64, min_size=1, max_size=4), identity=st.uuids())
def test_a_cursor_carries_any_position(numbers: list[int], identity: UUID) -> None:
    arguments = ListIssues()
    cursor = write_cursor(arguments, tuple(numbers), identity)

    assert read_cursor(arguments, cursor, len(numbers)) == (tuple(numbers), identity)


@given(name=st.text(max_size=200), identity=st.uuids())
def test_a_cursor_carries_any_name_that_fits(name: str, identity: UUID) -> None:
    cursor = write_name_cursor(ListAll(), name[:90], identity)

    assert read_name_cursor(ListAll(), cursor) == (name[:90], identity)


def test_the_cursor_of_a_list_of_issues_is_short() -> None:
    now = 1_795_437_407_000_000
    cursor = write_cursor(ListIssues(), (now, now + 9_999_999, 4_711, now - 3_600_000_000), UUID(int=2**128 - 1))

    assert len(cursor) <= 105
    assert cursor.isdigit()


@given(st.text() | st.from_regex(r"[0-9]{1,120}", fullmatch=True))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_cursor(ListIssues(), text or "x", 4)
