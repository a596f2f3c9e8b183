"""Make a JSON value that is no event fit to be stored: repaired, bounded and scrubbed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from provenance_core import limits
from provenance_core.events import Marks
from provenance_core.origins import Scrubbing
from provenance_core.repair import repair
from provenance_core.scrub import scrub_json
from provenance_core.sensitive import Names, names_of
from provenance_core.trim import Trim

_NOTHING_ADDED = Scrubbing()
_SLACK = 1024
"""What a budget is lowered by besides its share, as a value may exceed its budget by some bytes."""


@dataclass(frozen=True, slots=True)
class CleanJson:
    """A JSON value that may be stored, and what was done to it."""

    value: Any
    marks: Marks


def clean_json(
    value: object, limit: int, path: str = "interaction", scrubbing: Scrubbing = _NOTHING_ADDED
) -> CleanJson:
    """Return a JSON value as it may be stored; the caller's own stays as it was.

    NUL, lone surrogates, non-finite numbers and integers over 64 bits are repaired. What is nested deeper than
    `limits.FREE_DEPTH` becomes text. What keys, assignments and shapes tell to be sensitive is filtered.

    Args:
        value: Any JSON value, as Python's parser may have read it.
        limit: Bytes it may have as JSON.
        path: What the paths of the marks begin with.
        scrubbing: What the origin adds to the rules of what is sensitive.
    """
    budget = limit
    while True:
        cleaned, size = _within(value, budget, path, names_of(scrubbing.keys, scrubbing.keep))
        if size <= limit or budget <= 0:
            return cleaned
        budget = max(0, min(budget - _SLACK, budget * limit // size))


def _within(value: object, budget: int, path: str, names: Names) -> tuple[CleanJson, int]:
    """Clean a value within a budget of characters, and return the bytes it has as JSON."""
    trim = Trim()
    kept = trim.bag(value, budget, limits.FREE_DEPTH, path) if budget > 0 else None
    if budget <= 0:
        trim.mark(path, 1)
    root, text = repair({path: kept}, trim)
    root, scrubbed = scrub_json(root, text, names)
    marks = Marks(trimmed=trim.trimmed, scrubbed=tuple(scrubbed), repaired=trim.repaired)
    return CleanJson(root[path], marks), len(orjson.dumps(root[path]))
