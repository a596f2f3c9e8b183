"""Every row and every non-row of the lifecycle table, and what a new event does."""

from __future__ import annotations

import itertools

import pytest

from provenance_core.errors import Conflict, InvalidInput
from provenance_core.lifecycle import MOVES, Regression, State, Status, change, regresses
from provenance_core.versions import ReleaseOrder

ROWS = [
    (Status.OPEN, Status.RESOLVED),
    (Status.OPEN, Status.IGNORED),
    (Status.OPEN, Status.MUTED),
    (Status.RESOLVED, Status.OPEN),
    (Status.REGRESSED, Status.RESOLVED),
    (Status.REGRESSED, Status.OPEN),
    (Status.IGNORED, Status.OPEN),
    (Status.MUTED, Status.OPEN),
]
NON_ROWS = [
    pair for pair in itertools.product(Status, Status) if pair not in ROWS and pair[0] is not pair[1]
]  # the other twelve


def test_the_table_is_the_contract() -> None:
    told = [(before, after) for before, moves in MOVES.items() for after in moves]

    assert sorted(told) == sorted(ROWS)
    assert len(NON_ROWS) == 12


@pytest.mark.parametrize(("before", "after"), ROWS)
def test_every_row_is_a_change(before: Status, after: Status) -> None:
    assert change(State(before), after, None)


@pytest.mark.parametrize(("before", "after"), NON_ROWS)
def test_every_other_pair_is_refused_and_says_what_is_allowed(before: Status, after: Status) -> None:
    with pytest.raises(Conflict) as caught:
        change(State(before), after, None)

    assert f"`{before}`" in caught.value.message
    for move in MOVES[before]:
        assert f"`{move}`" in caught.value.message
    assert caught.value.details == {"status": before, "allowed": sorted(MOVES[before])}


@pytest.mark.parametrize("status", list(Status))
def test_the_state_it_is_already_in_changes_nothing(status: Status) -> None:
    assert not change(State(status, "1.0"), status, None)


def test_resolving_again_in_the_same_release_changes_nothing() -> None:
    assert not change(State(Status.RESOLVED, "1.0"), Status.RESOLVED, "1.0")


def test_resolving_again_in_another_release_is_refused() -> None:
    with pytest.raises(Conflict, match="already resolved, but not in this release"):
        change(State(Status.RESOLVED, "1.0"), Status.RESOLVED, "1.1")


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.RESOLVED])
def test_a_release_goes_with_resolved_only(status: Status) -> None:
    with pytest.raises(InvalidInput, match="`release` goes with status `resolved`"):
        change(State(Status.OPEN), status, "1.0")


OLD, SAME, NEW = ReleaseOrder("1.0.0", 1), ReleaseOrder("1.1.0", 2), ReleaseOrder("1.2.0", 3)
SHA_OLD, SHA, SHA_NEW = ReleaseOrder("aaa", 1), ReleaseOrder("bbb", 2), ReleaseOrder("ccc", 3)


@pytest.mark.parametrize(
    ("resolved_in", "seen_in", "different", "newer"),
    [
        (SAME, SAME, False, False),
        (SAME, NEW, True, True),
        (SAME, OLD, True, False),
        (SAME, None, False, False),
        (None, None, True, True),
        (None, NEW, True, True),
        (SHA, SHA_NEW, True, True),
        (SHA, SHA_OLD, True, False),
        (SHA, ReleaseOrder("9.9.9", 1), True, False),
        (ReleaseOrder("shop@1.10.0", 1), ReleaseOrder("shop@1.9.0", 2), True, False),
    ],
)
def test_which_events_regress_a_resolved_issue(
    resolved_in: ReleaseOrder | None, seen_in: ReleaseOrder | None, different: bool, newer: bool
) -> None:
    state = State(Status.RESOLVED, resolved_in.version if resolved_in else None)

    assert regresses(state, resolved_in, seen_in, Regression.DIFFERENT) is different
    assert regresses(state, resolved_in, seen_in, Regression.NEWER) is newer


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.RESOLVED])
@pytest.mark.parametrize("policy", list(Regression))
def test_only_a_resolved_issue_regresses(status: Status, policy: Regression) -> None:
    assert not regresses(State(status, "1.1.0"), SAME, NEW, policy)
    assert not regresses(State(status), None, None, policy)
