"""What is left out, and what stays however often."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from provenance_core.thinning import thin

MOMENTS = st.lists(st.integers(0, 10_000), unique=True, max_size=60).map(sorted)


def left(moments: list[int], surplus: int, kept: frozenset[int] = frozenset()) -> list[int]:
    gone = set(thin(moments, surplus, kept))
    return [moment for place, moment in enumerate(moments) if place not in gone]


def test_a_burst_is_thinned_and_the_lonely_stay():
    moments = [0, 1_000, 2_000, *range(3_000, 3_020), 9_000, 20_000]

    kept = left(moments, 18)

    assert len(kept) == 7
    assert {0, 1_000, 2_000, 9_000, 20_000} <= set(kept)


def test_even_moments_are_left_out_evenly():
    assert left(list(range(0, 90, 10)), 4) == [0, 20, 40, 60, 80]


def test_thinning_again_and_again_does_not_eat_the_old():
    moments: list[int] = []
    for now in range(20_000):
        moments.append(now)
        if len(moments) > 110:
            moments = left(moments, len(moments) - 100)

    gaps = [after - before for before, after in pairwise(moments)]
    assert moments[0] == 0
    assert len([moment for moment in moments if moment < 10_000]) > 25
    assert max(gaps) < 1_000


@given(MOMENTS, st.integers(0, 80), st.sets(st.integers(0, 59)))
def test_as_many_go_as_may(moments: list[int], surplus: int, kept: set[int]):
    gone = thin(moments, surplus, kept)

    free = set(range(1, len(moments) - 1)) - kept
    assert len(gone) == len(set(gone)) == min(surplus, len(free))
    assert set(gone) <= free


@given(MOMENTS, st.integers(0, 30), st.integers(0, 30))
def test_leaving_out_in_two_steps_is_the_same(moments: list[int], first: int, second: int):
    assert left(left(moments, first), second) == left(moments, first + second)
