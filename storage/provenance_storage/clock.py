"""The time, as the store keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns microseconds since 1970, UTC."""


def now() -> int:
    """Return microseconds since 1970, UTC."""
    return time.time_ns() // 1000
