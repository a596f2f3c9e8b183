"""The life of an issue: its states, the moves people may make, and what a new event does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from provenance_core.errors import Conflict, InvalidInput
from provenance_core.versions import ReleaseOrder, is_newer


class Status(StrEnum):
    """Name the state of an issue."""

    OPEN = "open"
    RESOLVED = "resolved"
    REGRESSED = "regressed"
    IGNORED = "ignored"
    MUTED = "muted"


class ChangeKind(StrEnum):
    """Name what happened to an issue."""

    NEW = "new"
    STATUS = "status"
    EVENT = "event"


class Regression(StrEnum):
    """Name which releases regress a resolved issue: any other one, or only newer ones."""

    DIFFERENT = "different"
    NEWER = "newer"


MOVES: Mapping[Status, frozenset[Status]] = {
    Status.OPEN: frozenset({Status.RESOLVED, Status.IGNORED, Status.MUTED}),
    Status.RESOLVED: frozenset({Status.OPEN}),
    Status.REGRESSED: frozenset({Status.RESOLVED, Status.OPEN}),
    Status.IGNORED: frozenset({Status.OPEN}),
    Status.MUTED: frozenset({Status.OPEN}),
}
"""The moves a person or an agent may make; resolved to regressed is the system's alone."""


@dataclass(frozen=True, slots=True)
class State:
    """What of an issue decides its next state; `release` is the one it was resolved in."""

    status: Status
    release: str | None = None


def change(state: State, status: Status, release: str | None) -> bool:
    """Say whether a request changes the state.

    Args:
        state: The state the issue has.
        status: The state asked for.
        release: The release it is to be resolved in; None where the caller named none.

    Returns:
        False where the issue already is as asked, so that a retry is safe.

    Raises:
        InvalidInput: A release is named for another status than resolved.
        Conflict: The table of moves does not allow it.
    """
    if release is not None and status is not Status.RESOLVED:
        raise InvalidInput("`release` goes with status `resolved` only; leave it out.")
    if status is state.status and (release is None or release == state.release):
        return False
    if status not in MOVES[state.status]:
        raise Conflict(_refusal(state, status), {"status": state.status, "allowed": sorted(MOVES[state.status])})
    return True


def _refusal(state: State, status: Status) -> str:
    allowed = ", ".join(f"`{move}`" for move in sorted(MOVES[state.status]))
    if status is Status.REGRESSED:
        return (
            f"`regressed` is set by the server when an error comes back; this issue is `{state.status}`. "
            f"Allowed: {allowed}."
        )
    if status is state.status:
        return f"The issue is already resolved, but not in this release. Set it to `open` first. Allowed: {allowed}."
    return f"An issue that is `{state.status}` cannot become `{status}`. Allowed: {allowed}."


def regresses(state: State, resolved_in: ReleaseOrder | None, seen_in: ReleaseOrder | None, policy: Regression) -> bool:
    """Say whether a new event makes the issue regress.

    Args:
        state: The state the issue has when the event is received.
        resolved_in: The release the issue was resolved in; None where the origin had none.
        seen_in: The release the event is tagged with, if any.
        policy: The origin's setting.
    """
    if state.status is not Status.RESOLVED:
        return False
    if resolved_in is None:
        return True
    if seen_in is None or seen_in.version == resolved_in.version:
        return False
    return policy is Regression.DIFFERENT or is_newer(seen_in, resolved_in)
