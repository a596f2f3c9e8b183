"""Numbers for Prometheus: what came in, what became of it, how long it took, and what the store holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

from fastapi import HTTPException
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from provenance_core.errors import ProvenanceError, Unavailable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Outcome(StrEnum):
    """What became of a request of a Sentry SDK."""

    ACCEPTED = "accepted"
    RATE_LIMITED = "rate_limited"
    QUEUE_FULL = "queue_full"
    TOO_LARGE = "too_large"
    INVALID = "invalid"
    UNKNOWN_KEY = "unknown_key"
    FAILED = "failed"


class Observed(Protocol):
    """A recorder that says what waits in it."""

    def waiting(self) -> tuple[int, int]:
        """Return how many interactions wait to be recorded, and how many bytes they have."""
        ...


class Metrics:
    """Count in memory; any thread may. No label tells anything of an origin or an event."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)
        requests = Counter(
            "provenance_ingest_requests", "Requests of Sentry SDKs.", ["outcome"], registry=self._registry
        )
        self._requests = {outcome: requests.labels(outcome.value) for outcome in Outcome}
        self._seconds = Histogram(
            *("provenance_ingest_seconds", "Seconds from a request of a Sentry SDK to its answer."),
            buckets=_SECONDS,
            registry=self._registry,
        )
        events = Counter("provenance_events", "Events taken from Sentry SDKs.", ["outcome"], registry=self._registry)
        self._recorded, self._duplicates = events.labels("recorded"), events.labels("duplicate")
        self._batches = Histogram(
            *("provenance_commit_seconds", "Seconds in which a batch was recorded, commit included."),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batched = Counter("provenance_committed", "Interactions recorded in batches.", registry=self._registry)
        self._pruned = Counter("provenance_pruned", "Interactions removed.", ["reason"], registry=self._registry)
        self._discarded = Counter(
            *("provenance_discarded_items", "Items not kept, by server or client.", ["category", "reason"]),
            registry=self._registry,
        )
        self._api = Histogram(
            *("provenance_api_seconds", "Seconds of an operation over HTTP.", ["operation", "status"]),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def answered(self, outcome: Outcome, seconds: float) -> None:
        """Count a request of a Sentry SDK."""
        self._requests[outcome].inc()
        self._seconds.observe(seconds)

    def recorded(self, *, duplicate: bool) -> None:
        """Count an event that is on disk."""
        (self._duplicates if duplicate else self._recorded).inc()

    def written(self, size: int, seconds: float) -> None:
        """Count a batch that is on disk."""
        self._batches.observe(seconds)
        self._batched.inc(size)

    def pruned(self, expired: int, thinned: int) -> None:
        """Count events that were removed because of their age, or because their issue has enough of them."""
        self._pruned.labels("age").inc(expired)
        self._pruned.labels("cap").inc(thinned)

    def discarded(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Count items by category and reason, both of which are among a few that we know."""
        for (category, reason), items in counts.items():
            self._discarded.labels(category, reason).inc(items)

    @contextmanager
    def operation(self, name: str) -> Generator[None]:
        """Measure an operation of the API."""
        began, status = time.perf_counter(), 500
        try:
            yield
            status = 200
        except ProvenanceError as error:
            status = error.http_status
            raise
        except HTTPException as error:
            status = error.status_code
            raise
        finally:
            self._api.labels(name, f"{status // 100}xx").observe(time.perf_counter() - began)

    def watch(self, recorder: Observed, facts: Callable[[], Mapping[str, float]]) -> None:
        """Tell what waits in a recorder and what is known of its store, each time it is asked for."""
        self._registry.register(_State(recorder, facts))

    def render(self) -> bytes:
        """Return everything in Prometheus's text format; to be called in a worker thread."""
        return generate_latest(self._registry)


class _State(Collector):
    def __init__(self, recorder: Observed, facts: Callable[[], Mapping[str, float]]) -> None:
        self._recorder = recorder
        self._facts = facts

    def describe(self) -> Iterable[Metric]:
        """Return nothing: so that registering asks for nothing."""
        return ()

    def collect(self) -> Iterable[Metric]:
        items, size = self._recorder.waiting()
        yield GaugeMetricFamily("provenance_queue_items", "Interactions that wait to be recorded.", items)
        yield GaugeMetricFamily("provenance_queue_bytes", "Bytes of the interactions that wait.", size)
        try:
            facts = self._facts()
        except Unavailable:
            return  # readiness tells that the store is away; the rest is told all the same
        for name, value in facts.items():
            yield GaugeMetricFamily(f"provenance_store_{name}", f"The store's {name.replace('_', ' ')}.", value)
