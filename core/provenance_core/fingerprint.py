"""The key that makes events one issue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from provenance_core import fingerprint_v1, limits
from provenance_core.events import ErrorValue, Event
from provenance_core.frame_roles import FrameRole

_DEFAULT = re.compile(r"\{\{\s{0,8}default\s{0,8}\}\}$")
_MAX_PARTS = 60
_MAX_PART = 200

# A kind and its values, as `fingerprint_v1.Component`.
Component = tuple[str, ...]


class Strategy(StrEnum):
    """Name what an origin's events are grouped by, where an event does not say it itself."""

    STACK = "stack"
    MESSAGE = "message"
    CUSTOM = "custom"


class Basis(StrEnum):
    """Name what decided an event's key."""

    EXPLICIT = "explicit"
    EXTENDED = "extended"
    STACK = "stack"
    MESSAGE = "message"
    NOTHING = "nothing"


class Algorithm(Protocol):
    """What a version of the algorithm offers: a module does, with these names."""

    @property
    def VERSION(self) -> str:  # noqa: N802  # the name of a module's constant
        """Name the version; it is kept beside each key."""
        ...

    def key_of(self, components: Sequence[Component]) -> str:
        """Hash components into a key that no other version makes."""
        ...

    def stack_components(self, event: Event) -> list[Component]:
        """List what identifies an event by its stack."""
        ...

    def message_components(self, event: Event) -> list[Component]:
        """List what identifies an event by its message."""
        ...

    def stack_roles(self, event: Event) -> list[tuple[ErrorValue, list[FrameRole]]]:
        """List the exceptions looked at, each with what its frames do for the key."""
        ...


ALGORITHMS: tuple[Algorithm, ...] = (fingerprint_v1,)
"""Newest first: the first makes the keys of new issues, the others find the issues that have theirs."""


@dataclass(frozen=True)
class Fingerprint:
    """A grouping key, the version of the algorithm that made it, what decided it, and what it is made of."""

    version: str
    key: str
    basis: Basis
    components: tuple[Component, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """Say in words for people what the key is made of, cut to be read."""
        return tuple(" ".join(filter(None, component))[:_MAX_PART] for component in self.components[:_MAX_PARTS])


def fingerprint(event: Event, strategy: Strategy = Strategy.STACK, algorithm: Algorithm = ALGORITHMS[0]) -> Fingerprint:
    """Compute an event's grouping key; an explicit fingerprint in the event always wins.

    `{{ default }}` as one of its values stands for the computed key; alone, or with nothing but empty values,
    it is the computed key.

    Args:
        event: The event, after source mapping.
        strategy: What to compute from; `CUSTOM` expects explicit fingerprints, and takes the stack where an
            event has none.
        algorithm: Which version computes.
    """
    explicit = _explicit(event.fingerprint or ())
    if explicit and None not in explicit:
        given = [("explicit", value) for value in explicit if value is not None]
        return _fingerprint(algorithm, Basis.EXPLICIT, given, given)
    from_stack = strategy is not Strategy.MESSAGE
    computed = algorithm.stack_components(event) if from_stack else algorithm.message_components(event)
    if all(value is None for value in explicit):
        return _fingerprint(algorithm, _basis(computed), computed, computed)
    hashed: list[Component] = []
    shown: list[Component] = []
    for value in explicit:
        if value is None:
            hashed.append(("default", algorithm.key_of(computed)))
            shown.extend([("default",), *computed])
        else:
            hashed.append(("explicit", value))
            shown.append(("explicit", value))
    return _fingerprint(algorithm, Basis.EXTENDED, hashed, shown)


def fingerprints(
    event: Event, strategy: Strategy = Strategy.STACK, algorithms: Sequence[Algorithm] = ALGORITHMS
) -> tuple[Fingerprint, ...]:
    """Compute an event's keys by every version of the algorithm, the one in force first.

    An event belongs to the issue with the first key; where there is none, to one that has an older key, so that a
    better algorithm splits no issue.
    """
    return tuple(fingerprint(event, strategy, algorithm) for algorithm in algorithms)


def _explicit(values: Sequence[str]) -> list[str | None]:
    """Return the values to use; none stands for the computed key."""
    kept = [value.strip()[: limits.FINGERPRINT] for value in values[: limits.MAX_FINGERPRINT] if value.strip()]
    return [None if _DEFAULT.match(value) else value for value in kept]


def _basis(computed: Sequence[Component]) -> Basis:
    kinds = {component[0] for component in computed}
    if kinds & {"frame", "recursion"}:
        return Basis.STACK
    return Basis.MESSAGE if kinds & {"type", "message"} else Basis.NOTHING


def _fingerprint(
    algorithm: Algorithm, basis: Basis, hashed: Sequence[Component], shown: Sequence[Component]
) -> Fingerprint:
    return Fingerprint(algorithm.VERSION, algorithm.key_of(hashed), basis, tuple(shown))
