"""How fast a key may send: as many events a minute as its origin allows, in any distribution within that minute."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from provenance_http.dsn import Sender

MOST_BUCKETS = 4_096
"""Keys whose rate is kept; the one that has not sent for the longest time makes room. Ours."""

_MINUTE = 60.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rates:
    """Hold a token bucket for each key of an origin that has a limit.

    A bucket holds a minute's events and fills up within a minute.

    Args:
        clock: Returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[tuple[UUID, str], _Bucket] = {}

    def take(self, sender: Sender) -> int:
        """Take one event's token; return 0, or in how many seconds there will be one."""
        limit = sender.origin.config.error_tracking.rate_limit
        if limit is None:
            return 0
        bucket = self._bucket(sender, limit)
        if bucket.tokens < 1:
            return math.ceil((1 - bucket.tokens) * _MINUTE / limit)
        bucket.tokens -= 1
        return 0

    def charge(self, sender: Sender, tokens: int) -> None:
        """Take the tokens of further events, which are taken in already, or give one back; owe a minute's at most."""
        limit = sender.origin.config.error_tracking.rate_limit
        if limit is not None:
            bucket = self._bucket(sender, limit)
            bucket.tokens = max(bucket.tokens - tokens, float(-limit))

    def _bucket(self, sender: Sender, limit: int) -> _Bucket:
        now = self._clock()
        whose = (sender.origin.id, sender.key)
        bucket = self._buckets.pop(whose, None) or _Bucket(float(limit), now)
        bucket.tokens = min(bucket.tokens + (now - bucket.at) * limit / _MINUTE, float(limit))
        bucket.at = now
        while len(self._buckets) >= MOST_BUCKETS:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[whose] = bucket
        return bucket
