"""How many examples Hypothesis tries of what is slow: few, and many with `HYPOTHESIS_PROFILE=thorough`."""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "person")
"""The settings of every property, as `tests/conftest.py` registers them."""

THOROUGH = PROFILE == "thorough"


def examples(few: int, *, thorough: int) -> int:
    """Return how many examples to try."""
    return thorough if THOROUGH else few
