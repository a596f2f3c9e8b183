"""The process that writes for a server: it alone has the server's way into the store.

An interpreter runs one thread at a time. With the writer in the server's process, requests and statements would wait
for each other; here they are on two cores. Started by `process_writer`, which holds the other end of the socket.
"""

from __future__ import annotations

import gc
import logging
import selectors
import signal
import socket
import sys
import time
from typing import Any

from provenance_core.errors import ProvenanceError
from provenance_storage.batches import LARGEST_BATCH, record_batch
from provenance_storage.store import Store
from provenance_storage.wire import Unframed, framed, packed_outcome, unpacked

READ_BYTES = 256 * 1024
IDLE_SECONDS = 1.0

_log = logging.getLogger(__name__)


def main(descriptor: int) -> None:
    """Write what arrives on a socket until its other end is closed.

    Args:
        descriptor: The socket's; the first message is the store's URL.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the server is told to stop; it closes the socket once all is answered
    with socket.socket(fileno=descriptor) as other:
        inbox = _Inbox(other)
        (url,) = inbox.wait(None)
        try:
            store = Store.open(url)
        except ProvenanceError as error:
            other.sendall(framed(packed_outcome(error)))
            return
        other.sendall(framed(()))
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)  # what a batch makes is freed by its counts; hardly anything is in a circle
        try:
            while not inbox.closed:
                _write(store, other, inbox.wait(IDLE_SECONDS))
        finally:
            store.close()


class _Inbox:
    """Take messages from a socket."""

    def __init__(self, other: socket.socket) -> None:
        self._other = other
        self._selector = selectors.DefaultSelector()  # select() knows no descriptor above 1,023
        self._selector.register(other, selectors.EVENT_READ)
        self._unframed = Unframed()
        self.closed = False

    def wait(self, seconds: float | None) -> list[Any]:
        """Wait for messages, then take all that are there, up to a batch or a little more."""
        messages: list[Any] = []
        while not self.closed and len(messages) < LARGEST_BATCH:
            if not self._selector.select(0 if messages else seconds):
                break
            data = self._other.recv(READ_BYTES)
            self.closed = not data
            messages += self._unframed.feed(data)
        return messages


def _write(store: Store, other: socket.socket, messages: list[Any]) -> None:
    """Record what arrived, tell what became of it, and keep the database in shape."""
    for start in range(0, len(messages), LARGEST_BATCH):
        batch = messages[start : start + LARGEST_BATCH]
        began = time.perf_counter()
        outcomes = record_batch(store, [unpacked(values) for _, values in batch])
        seconds = time.perf_counter() - began
        told = [(key, packed_outcome(outcome)) for (key, _), outcome in zip(batch, outcomes, strict=True)]
        try:
            other.sendall(framed((told, seconds)))
        except OSError:
            _log.warning("The server is gone; what it sent is written all the same.")
    try:
        store.database.tidy(idle=not messages)
    except Exception:  # noqa: BLE001  # whatever happens to the log, events are still taken
        _log.exception("The write-ahead log could not be moved into the store.")


if __name__ == "__main__":
    main(int(sys.argv[1]))
