"""Count what was taken and not kept, and write the counts now and then: a count is worth no transaction of its own."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from uuid import UUID

import anyio
import anyio.to_thread

from provenance_core.errors import NotFound, Unavailable
from provenance_http.metrics import Metrics
from provenance_server.faults import trace
from provenance_storage.discards import DiscardCounts
from provenance_storage.store import Store

FLUSH_SECONDS = 1.0
_log = logging.getLogger("provenance_http")


class Tally:
    """Keep counts of discarded items in memory until they are written; any thread may add.

    A server that is killed loses the last second's.
    """

    def __init__(self, store: Store, metrics: Metrics | None = None) -> None:
        self._store = store
        self._metrics = metrics
        self._lock = threading.Lock()
        self._counts: dict[UUID, Counter[tuple[str, str]]] = {}

    def add(self, origin_id: UUID, counts: DiscardCounts) -> None:
        """Count items of an origin by category and reason."""
        if counts:
            self._keep(origin_id, counts)
            if self._metrics:
                self._metrics.discarded(counts)

    def flush(self) -> None:
        """Write what was counted; where the store cannot be reached it is kept for the next time."""
        with self._lock:
            waiting, self._counts = self._counts, {}
        for origin_id, counts in waiting.items():
            try:
                self._store.discard(origin_id, counts)
            except Unavailable:
                self._keep(origin_id, counts)
            except NotFound:
                continue  # the origin was deleted, and its counts with it
            except Exception as error:  # noqa: BLE001  # one origin's counts must not end the counting
                _log.error("The counts of discarded items of one origin were lost.\n%s", trace(error))

    def _keep(self, origin_id: UUID, counts: DiscardCounts) -> None:
        with self._lock:
            self._counts.setdefault(origin_id, Counter()).update(counts)

    async def run(self) -> None:
        """Write now and then until cancelled."""
        while True:
            await anyio.sleep(FLUSH_SECONDS)
            await anyio.to_thread.run_sync(self.flush)
