"""Fill a store as time would: events over sixty days, of issues that come up one after the other."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, replace
from uuid import UUID

import orjson

from benchmarks.ingest.samples import read_samples
from benchmarks.provenance import KEEP_ALL
from provenance_core.events import Via
from provenance_core.origins import OriginConfig
from provenance_server.ingest import from_sentry
from provenance_storage.records import NewEvent, NewInteraction, OriginRecord
from provenance_storage.store import Store

DAYS = 60
ORIGINS = 4
RELEASES = 200
USERS = 50_000
SERVERS = 50
HOT_ISSUES = 100
BATCH = 512
SAY_SECONDS = 10
RARE_WORD = "refund"
"""A word in the titles of one issue in a hundred."""

_ENVIRONMENTS = ("production", "production", "production", "staging", "development")
_KINDS = ("Value", "Key", "Type", "Timeout", "Connection", "Integrity", "Permission", "Order", "Payment", "Stock")
_MICROSECONDS = 1_000_000


class SpreadClock:
    """Tell moments of the last sixty days, each later than the one before; then the time it is.

    Args:
        readings: How often it is read until it has come to now: once for each batch.
    """

    def __init__(self, readings: int) -> None:
        span = DAYS * 24 * 3_600 * _MICROSECONDS
        self._moment = _now() - span
        self._step = span // max(readings, 1)

    def __call__(self) -> int:
        """Return microseconds since 1970."""
        self._moment = min(self._moment + self._step, _now())
        return self._moment


@dataclass(frozen=True, slots=True)
class Size:
    """How much a store is to hold."""

    events: int
    issues: int


class Filler:
    """Make interactions: prepared once from real events, each with ids, issue, user and tags of its own."""

    def __init__(self, store: Store, size: Size) -> None:
        self._store = store
        self._size = size
        self._chance = random.Random(1)
        config = OriginConfig.model_validate(KEEP_ALL)
        origins = [store.origins.create(f"shop-{number}", "Shop", None, config) for number in range(ORIGINS)]
        self._prepared = [_prepared(origin) for origin in origins]
        self._issues = 0
        self.made = 0

    def fill(self) -> float:
        """Record all events and return how many a second were recorded."""
        began = said = time.monotonic()
        while self.made < self._size.events:
            self._store.record(self.batch(min(BATCH, self._size.events - self.made)))
            self._store.database.tidy(idle=False)
            if time.monotonic() - said > SAY_SECONDS:
                said = time.monotonic()
                print(f"… {self.made:,} of {self._size.events:,} events", file=sys.stderr, flush=True)
        self._store.database.tidy(idle=True)
        return self._size.events / (time.monotonic() - began)

    def batch(self, size: int) -> list[NewInteraction]:
        """Return so many interactions."""
        return [self._next() for _ in range(size)]

    def _next(self) -> NewInteraction:
        issue = self._issue()
        prepared = self._prepared[issue % ORIGINS]
        new = prepared[issue % len(prepared)]
        assert new.event is not None
        fingerprint = f"{issue:032x}"
        self.made += 1
        return replace(new, resource_id=fingerprint, event=self._event(new.event, issue, fingerprint))

    def _issue(self) -> int:
        """Return the issue of the next event: a new one at even distances, else a hot or rather a recent one."""
        if self._issues < self._size.issues and self.made * self._size.issues >= self._issues * self._size.events:
            self._issues += 1
            return self._issues - 1
        drawn = self._chance.random()
        if drawn < 0.2:
            return self._chance.randrange(min(HOT_ISSUES, self._issues))
        return self._issues - 1 - int(self._issues * self._chance.random() ** 2)

    def _event(self, event: NewEvent, issue: int, fingerprint: str) -> NewEvent:
        chance = self._chance
        release = f"shop@1.{min(self.made * RELEASES // self._size.events, RELEASES - 1)}.0"
        rare = f" {RARE_WORD}" if issue % 100 == 7 else ""
        tags = {
            "environment": chance.choice(_ENVIRONMENTS),
            "server_name": f"web-{chance.randrange(SERVERS)}",
            "region": "eu" if issue % 3 else "us",
            "level": event.level.value,
        }
        return replace(
            event,
            fingerprint=fingerprint,
            event_id=UUID(int=chance.getrandbits(128), version=4).hex,
            title=f"{_KINDS[issue % len(_KINDS)]}Error: step {issue}{rare} cannot be done",
            culprit=f"shop.part_{issue % 997} in step_{issue}",
            release=release,
            user_hash=chance.randrange(USERS).to_bytes(16, "big"),
            tags={**event.tags, **tags},
        )


def _prepared(origin: OriginRecord) -> list[NewInteraction]:
    return [
        from_sentry(origin, orjson.loads(sample.payload(b"0" * 32)), Via.PUBLIC)
        for sample in read_samples(None, "small")
    ]


def _now() -> int:
    return time.time_ns() // 1_000
