"""The key that makes events one issue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from provenance_core import fingerprint_v1, limits
from provenance_core.events import Event
from provenance_core.fingerprint_v1 import Component

_DEFAULT = re.compile(r"\{\{\s{0,8}default\s{0,8}\}\}$")
_MAX_PARTS = 60
_MAX_PART = 200


class Strategy(StrEnum):
    """Name what an origin's events are grouped by, where an event does not say it itself."""

    STACK = "stack"
    MESSAGE = "message"
    CUSTOM = "custom"


@dataclass(frozen=True)
class Fingerprint:
    """A grouping key, the algorithm that made it, and what went into it in words for people.

    `version` names the algorithm; `parts` explain and are cut to be read, the key is made of the uncut ones.
    """

    version: str
    key: str
    parts: tuple[str, ...]


def fingerprint(event: Event, strategy: Strategy = Strategy.STACK) -> Fingerprint:
    """Compute an event's grouping key; an explicit fingerprint in the event always wins.

    `{{ default }}` as one of its values stands for the computed key; alone, or with nothing but empty values,
    it is the computed key.

    Args:
        event: The event, after source mapping.
        strategy: What to compute from; `CUSTOM` expects explicit fingerprints, and takes the stack where an
            event has none.
    """
    computed = (
        fingerprint_v1.message_components(event)
        if strategy is Strategy.MESSAGE
        else fingerprint_v1.stack_components(event)
    )
    explicit = _explicit(event.fingerprint or ())
    if all(value is None for value in explicit):
        return _fingerprint(computed, computed)
    hashed: list[Component] = []
    shown: list[Component] = []
    for value in explicit:
        if value is None:
            hashed.append(("default", fingerprint_v1.key_of(computed)))
            shown.extend([("default",), *computed])
        else:
            hashed.append(("explicit", value))
            shown.append(("explicit", value))
    return _fingerprint(hashed, shown)


def _explicit(values: Sequence[str]) -> list[str | None]:
    """Return the values to use; none stands for the computed key."""
    kept = [value.strip()[: limits.FINGERPRINT] for value in values[: limits.MAX_FINGERPRINT] if value.strip()]
    return [None if _DEFAULT.match(value) else value for value in kept]


def _fingerprint(hashed: Sequence[Component], shown: Sequence[Component]) -> Fingerprint:
    parts = tuple(" ".join(part for part in component if part)[:_MAX_PART] for component in shown[:_MAX_PARTS])
    return Fingerprint(version=fingerprint_v1.VERSION, key=fingerprint_v1.key_of(hashed), parts=parts)
