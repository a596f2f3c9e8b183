"""What an inspection of a store finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from provenance_core.errors import Unavailable


class State(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, how it is, and what to do about it where it is not well."""

    name: str
    state: State
    message: str
    advice: str | None = None


def well(name: str, message: str) -> Finding:
    """Return a finding that needs nobody."""
    return Finding(name, State.OK, message)


def warning(name: str, message: str, advice: str) -> Finding:
    """Return a finding that somebody should look at in time."""
    return Finding(name, State.WARNING, message, advice)


def problem(name: str, message: str, advice: str) -> Finding:
    """Return a finding that somebody must look at."""
    return Finding(name, State.PROBLEM, message, advice)


def looked_at(name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Give what a look finds; a store that cannot be read at this place is a finding as well."""
    try:
        yield from look()
    except Unavailable as error:
        yield Finding(name, State.PROBLEM, error.message)
