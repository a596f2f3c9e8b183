"""The single writer: what waits is recorded together, in one transaction.

No delay is added: a batch forms while the one before it is being written to disk. A promise is kept only after the
commit, so that an answer means the event is durable.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from provenance_core.errors import TooManyRequests, Unavailable
from provenance_storage.batches import LARGEST_BATCH, Outcome, record_batch
from provenance_storage.records import NewInteraction, Recorded
from provenance_storage.store import Store

_log = logging.getLogger(__name__)

QUEUE_ITEMS = 10_000
QUEUE_BYTES = 64 * 1024 * 1024
IDLE_SECONDS = 1.0

REFUSED_SECONDS = 10.0
"""How long a store counts as refusing after it did: by then somebody has to try again, and may have been sent away."""


class Room:
    """Count what waits for the writer, and refuse what would be too much.

    Attributes:
        items: Interactions that wait.
        bytes: Bytes of their payloads.
    """

    def __init__(self) -> None:
        self.items = 0
        self.bytes = 0

    def take(self, new: NewInteraction) -> None:
        """Count an interaction that begins to wait.

        Raises:
            TooManyRequests: Too much waits already.
        """
        if self.items >= QUEUE_ITEMS or self.bytes >= QUEUE_BYTES:
            raise TooManyRequests("The server has more events than it can write now; wait and send again.", 5)
        self.items += 1
        self.bytes += len(new.body)

    def leave(self, new: NewInteraction) -> None:
        """Count an interaction that waits no more."""
        self.items -= 1
        self.bytes -= len(new.body)


class Refusals:
    """Remember whether the store has just refused what was to be written, as it does without room on its disk."""

    def __init__(self) -> None:
        self._until = 0.0

    def told(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of what became of a batch."""
        refused = all(isinstance(outcome, Unavailable) for outcome in outcomes)
        self._until = time.monotonic() + REFUSED_SECONDS if refused else 0.0

    @property
    def lasting(self) -> bool:
        """Say whether the last batch was refused, and not long ago."""
        return time.monotonic() < self._until


@dataclass(frozen=True, slots=True)
class _Waiting:
    new: NewInteraction
    promise: Future[Recorded]


class Writer:
    """Take interactions from any thread and record them in batches on a thread of its own.

    Use as a context manager; leaving it records what still waits.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self.room = Room()
        self._refusals = Refusals()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="provenance-writer", daemon=True)

    def __enter__(self) -> Writer:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Record what still waits and end the thread."""
        with self._lock:
            self._closed = True
        self._queue.put(None)
        self._thread.join()

    def submit(self, new: NewInteraction) -> Future[Recorded]:
        """Queue an interaction and return the promise of its outcome, kept after the commit.

        Raises:
            TooManyRequests: Too much waits already.
            Unavailable: The writer is closed.
        """
        with self._lock:
            if self._closed or not self.alive:
                raise Unavailable("The server is stopping; send the event again in a moment.")
            self.room.take(new)
            promise: Future[Recorded] = Future()
            promise.set_running_or_notify_cancel()  # from here on it is recorded, whether or not somebody waits
            self._queue.put(_Waiting(new, promise))
        return promise

    def waiting(self) -> tuple[int, int]:
        """Return how many interactions wait to be recorded, and how many bytes they have."""
        return self.room.items, self.room.bytes

    @property
    def alive(self) -> bool:
        """Say whether the thread runs: only then is a promise kept."""
        return self._thread.is_alive()

    @property
    def refusing(self) -> bool:
        """Say whether the store has just refused what was to be written."""
        return self._refusals.lasting

    def _run(self) -> None:
        last = False
        while not last:
            batch, last = self._next_batch()
            if batch:
                self._record(batch)
            try:
                self._store.database.tidy(idle=not batch)
            except Exception:  # noqa: BLE001  # whatever happens to the log, events are still taken
                _log.exception("The write-ahead log could not be moved into the store.")

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """Wait for work, then take all of it up to a batch; also say whether it is the last."""
        batch: list[_Waiting] = []
        try:
            waiting = self._queue.get(timeout=IDLE_SECONDS)
            while waiting is not None:
                batch.append(waiting)
                if len(batch) >= LARGEST_BATCH:
                    break
                waiting = self._queue.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, waiting is None

    def _record(self, batch: list[_Waiting]) -> None:
        outcomes = record_batch(self._store, [waiting.new for waiting in batch])
        self._refusals.told(outcomes)
        with self._lock:
            for waiting in batch:
                self.room.leave(waiting.new)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            keep(waiting.promise, outcome)


def keep(promise: Future[Recorded], outcome: Recorded | Exception) -> None:
    """Keep a promise with what became of its interaction."""
    if isinstance(outcome, Recorded):
        promise.set_result(outcome)
    else:
        promise.set_exception(outcome)
