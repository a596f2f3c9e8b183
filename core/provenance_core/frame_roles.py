"""Which frames of a stack decide what issue an event belongs to, and why the others do not."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from provenance_core.events import ErrorValue
from provenance_core.frame_identity import FrameIdentity, identify

MAX_FRAMES = 30
_COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")
_OVERFLOW_TYPES = (
    "RecursionError",
    "StackOverflowError",
    "SystemStackError",
    "InsufficientExecutionStackException",
)
_OVERFLOW_MESSAGES = ("Maximum call stack", "too much recursion", "stack level too deep")


class Role(StrEnum):
    """Name what a frame does for the key."""

    COUNTED = "counted"
    NOT_IN_APP = "notInApp"
    NAMELESS = "nameless"
    COMPREHENSION = "comprehension"
    REPEATED = "repeated"
    OUTSIDE_RECURSION = "outsideRecursion"
    OVER_LIMIT = "overLimit"


FrameRole = tuple[Role, FrameIdentity | None]
"""A frame's role, and what it was reduced to where that was asked."""

_NOT_IN_APP: FrameRole = (Role.NOT_IN_APP, None)
_NAMELESS: FrameRole = (Role.NAMELESS, None)


def frame_roles(error: ErrorValue, platform: str | None, *, only_in_app: bool) -> list[FrameRole]:
    """Give each frame of an exception its role.

    Args:
        error: The exception.
        platform: Whose names its frames have.
        only_in_app: Whether only frames of the application may count.
    """
    roles: list[FrameRole] = []
    has_comprehensions = False
    for frame in error.frames:
        if only_in_app and not frame.in_app:
            roles.append(_NOT_IN_APP)
            continue
        identity = identify(frame, platform)
        has_comprehensions = has_comprehensions or (identity is not None and identity.key[1].endswith(_COMPREHENSIONS))
        roles.append((Role.COUNTED, identity) if identity is not None else _NAMELESS)
    if has_comprehensions:
        _leave_comprehensions_out(roles)
    _count_once(roles, _cycle(roles) if _is_overflow(error) else frozenset())
    return roles


def _count_once(roles: list[FrameRole], in_cycle: frozenset[tuple[str, str]]) -> None:
    """Let each function count once, at its place nearest the crash: however deep a recursion of any length went."""
    seen: set[tuple[str, str]] = set()
    for index, (role, identity) in enumerate(roles):
        if role is not Role.COUNTED or identity is None:
            continue
        if in_cycle and identity.key not in in_cycle:
            roles[index] = (Role.OUTSIDE_RECURSION, identity)
        elif identity.key in seen:
            roles[index] = (Role.REPEATED, identity)
        elif len(seen) >= MAX_FRAMES:
            roles[index] = (Role.OVER_LIMIT, identity)
        else:
            seen.add(identity.key)


def is_recursion(error: ErrorValue, roles: list[FrameRole]) -> bool:
    """Tell whether the stack overflowed and shows which functions called each other."""
    return _is_overflow(error) and any(role is Role.REPEATED for role, _ in roles)


def _cycle(roles: list[FrameRole]) -> frozenset[tuple[str, str]]:
    """Return the functions that call each other; where such a stack ended is chance, so nothing else is the bug."""
    counts = Counter(identity.key for role, identity in roles if role is Role.COUNTED and identity is not None)
    return frozenset(sorted(key for key, count in counts.items() if count > 1)[:MAX_FRAMES])


def _leave_comprehensions_out(roles: list[FrameRole]) -> None:
    """Python 3.12 has no frames for comprehensions (PEP 709); before it, they precede their function's."""
    caller: FrameIdentity | None = None
    for index in range(len(roles) - 1, -1, -1):
        identity = roles[index][1]
        if identity is None:
            continue
        place, function = identity.key
        if function.endswith(_COMPREHENSIONS) and caller is not None and caller.key[0] == place:
            roles[index] = (Role.COMPREHENSION, identity)
        caller = identity


def _is_overflow(error: ErrorValue) -> bool:
    name, message = error.error_type or "", error.message or ""
    return name.endswith(_OVERFLOW_TYPES) or any(text in message[:500] for text in _OVERFLOW_MESSAGES)
