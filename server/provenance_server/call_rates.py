"""How often one caller may call over MCP: an agent in a loop is told to wait before it keeps everybody else waiting."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from provenance_core.errors import TooManyRequests

_CALLERS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls a caller has within how many seconds."""

    reads: int = 600
    writes: int = 120
    seconds: float = 60.0


class CallRates:
    """Count the calls of each caller; it is asked from one thread only.

    Args:
        limits: How many are too many.
        clock: Tells seconds that never go back.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._calls: dict[tuple[str, bool], deque[float]] = {}

    def take(self, caller: str, *, write: bool) -> None:
        """Count a call.

        Raises:
            TooManyRequests: The caller has had its calls; this one does not count.
        """
        now = self._clock()
        most = self._limits.writes if write else self._limits.reads
        calls = self._calls.setdefault((caller, write), deque())
        while calls and calls[0] <= now - self._limits.seconds:
            calls.popleft()
        if len(calls) >= most:
            seconds = max(1, math.ceil(calls[0] + self._limits.seconds - now))
            kind = "changes" if write else "reads"
            raise TooManyRequests(
                f"These are more than {most} {kind} in {self._limits.seconds:.0f} seconds. Wait {seconds} seconds, "
                "then go on more slowly.",
                seconds,
            )
        calls.append(now)
        if len(self._calls) > _CALLERS_KEPT:
            self._forget_idle(now)

    def _forget_idle(self, now: float) -> None:
        begun = now - self._limits.seconds
        self._calls = {caller: calls for caller, calls in self._calls.items() if calls and calls[-1] > begun}
