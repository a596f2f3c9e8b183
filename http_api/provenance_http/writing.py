"""How a server writes: in a process of its own where the machine has such, else in a thread."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import anyio
import anyio.to_thread

from provenance_http.metrics import Metrics
from provenance_server.context import Recorder
from provenance_storage.process_writer import ProcessWriter, supported
from provenance_storage.store import Store
from provenance_storage.writer import Writer


class ServerRecorder(Recorder, Protocol):
    """A recorder that takes from many at once, and whose state can be asked for."""

    @property
    def alive(self) -> bool:
        """Say whether what is submitted is recorded."""
        ...

    @property
    def refusing(self) -> bool:
        """Say whether the store has just refused what was to be written."""
        ...

    def waiting(self) -> tuple[int, int]:
        """Return how many interactions wait to be recorded, and how many bytes they have."""
        ...


Writing = Callable[[Metrics], AbstractAsyncContextManager[ServerRecorder]]
"""Runs a recorder for as long as a server runs, and records at the end what still waits."""


def writing_to(store: Store, url: str) -> Writing:
    """Return how a server of a store writes on this machine.

    Args:
        store: The store, as this process has it open.
        url: Its URL, for a process of its own.
    """

    @asynccontextmanager
    async def in_process(metrics: Metrics) -> AsyncGenerator[ServerRecorder]:
        writer = ProcessWriter(url, metrics.written)
        await writer.start()
        try:
            yield writer
        finally:
            with anyio.CancelScope(shield=True):
                await writer.stop()

    return in_process if supported() else writing_in_thread(store)


def writing_in_thread(store: Store) -> Writing:
    """Return how a server of a store writes where it has one process."""

    @asynccontextmanager
    async def in_thread(_metrics: Metrics) -> AsyncGenerator[ServerRecorder]:
        writer = Writer(store).__enter__()
        try:
            yield writer
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(writer.__exit__, None, None, None)

    return in_thread
