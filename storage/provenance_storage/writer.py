"""The single writer: what waits is recorded together, in one transaction.

No delay is added: a batch forms while the one before it is being written to disk. A promise is kept only after the
commit, so that an answer means the event is durable.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from provenance_core.errors import Busy, TooManyRequests, Unavailable
from provenance_storage.records import NewInteraction, Recorded
from provenance_storage.store import Store

_log = logging.getLogger(__name__)

LARGEST_BATCH = 512
QUEUE_ITEMS = 10_000
QUEUE_BYTES = 64 * 1024 * 1024
IDLE_SECONDS = 1.0
BUSY_TRIES = 4
"""How often the store is asked for, each time as long as `engine.BUSY_TIMEOUT_MS` says: a minute in all."""


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
        self._items = 0
        self._bytes = 0
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
            if self._items >= QUEUE_ITEMS or self._bytes >= QUEUE_BYTES:
                raise TooManyRequests("The server has more events than it can write now; wait and send again.", 5)
            self._items += 1
            self._bytes += len(new.body)
            promise: Future[Recorded] = Future()
            promise.set_running_or_notify_cancel()  # from here on it is recorded, whether or not somebody waits
            self._queue.put(_Waiting(new, promise))
        return promise

    @property
    def alive(self) -> bool:
        """Say whether the thread runs: only then is a promise kept."""
        return self._thread.is_alive()

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

    def _write(self, batch: list[_Waiting]) -> list[Recorded]:
        """Record a batch; a store that another process holds is waited for, because senders do not send again."""
        for _ in range(BUSY_TRIES - 1):
            try:
                return self._store.record([waiting.new for waiting in batch])
            except Busy:
                _log.warning("Another process holds the store; %d interactions wait for it.", len(batch))
        try:
            return self._store.record([waiting.new for waiting in batch])
        except Busy:
            raise TooManyRequests("The server has waited too long to write; wait and send again.", 30) from None

    def _record(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = self._write(batch)
        except Exception as error:  # noqa: BLE001  # whatever one event does, its neighbours are recorded and answered
            if isinstance(error, Unavailable):
                _log.error("%d interactions were refused. %s", len(batch), error.message)  # no fault of ours
            if len(batch) == 1 or isinstance(error, Unavailable | TooManyRequests):
                self._fail(batch, error)
            else:
                for waiting in batch:
                    self._record([waiting])
            return
        self._done(batch)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            waiting.promise.set_result(outcome)

    def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        self._done(batch)
        for waiting in batch:
            waiting.promise.set_exception(error)

    def _done(self, batch: Sequence[_Waiting]) -> None:
        with self._lock:
            self._items -= len(batch)
            self._bytes -= sum(len(waiting.new.body) for waiting in batch)
