"""The server's end of the writing process: hand interactions over, keep promises when they are on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from provenance_core.errors import ProvenanceError, TooManyRequests, Unavailable
from provenance_storage.records import NewInteraction, Recorded
from provenance_storage.wire import Unframed, framed, packed, unpacked_outcome
from provenance_storage.writer import Refusals, Room, keep

_log = logging.getLogger(__name__)

START_SECONDS = 60.0
SENT_TOGETHER = 8
HELD_SECONDS = 0.004
"""How many interactions are handed over at once, and how long the first may wait for the others to be prepared."""

PAUSE_SECONDS = 0.5
"""How much longer the pause gets before each further start."""

RESTARTS = 6
"""How often in a row a writing process is started that dies before it has written anything; then what waits is refused,
lest it be the reason, and so is what comes until one writes."""

_NOT_WRITTEN = "Events cannot be written; the server's log says why."

Observer = Callable[[int, float], None]
"""Is told of each batch: how many interactions it had, and how many seconds it took."""


def supported() -> bool:
    """Say whether a writing process can be had here: sockets can be handed to a child on POSIX only."""
    return os.name == "posix"


class ProcessWriter:
    """Take interactions from any thread and have them recorded by a process of their own.

    Made and used in an event loop; what is submitted in another thread goes through it. A process that dies is started
    again and given what had not been answered: what has the sender's id is counted once all the same.

    Args:
        url: The store's URL.
        observer: Is told of each batch.
    """

    def __init__(self, url: str, observer: Observer | None = None) -> None:
        self._url = url
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._waiting: dict[int, tuple[NewInteraction, Future[Recorded]]] = {}
        self._next = 0
        self._unsent = 0
        self._ready: list[bytes] = []
        self._since = 0.0
        self._closed = False
        self._drained = asyncio.Event()
        self._failures = 0
        self._given_up = False
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.room = Room()
        self._refusals = Refusals()

    async def start(self) -> None:
        """Start the process and wait until it has opened the store.

        Raises:
            ProvenanceError: It could not be opened.
        """
        self._connected(await self._begin())

    async def _begin(self) -> asyncio.WriteTransport:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", "provenance_storage.writing_process", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: ASYNC220, S603  # done once, at the start
        ready: asyncio.Future[None] = self._loop.create_future()
        transport, _ = await self._loop.create_connection(lambda: _Answers(self, ready), sock=ours)
        transport.write(framed(self._url))
        try:
            async with asyncio.timeout(START_SECONDS):
                await ready
        except (ProvenanceError, TimeoutError) as error:
            transport.close()
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            if isinstance(error, ProvenanceError):
                raise
            raise Unavailable("The writing process takes too long to open the store.") from None
        return transport

    def _connected(self, transport: asyncio.WriteTransport) -> None:
        """Use a process that is ready, and hand it what another one had not answered."""
        self._transport, self._given_up = transport, False
        for key, (new, promise) in list(self._waiting.items()):
            if key >= self._unsent or (new.event is not None and new.event.event_id is not None):
                self._send(key, new)
            else:
                del self._waiting[key]
                self.room.leave(new)
                promise.set_exception(
                    Unavailable("It is not known whether it was recorded; look before you try again.")
                )
        if self._closed and not self._waiting:
            self._drained.set()

    async def stop(self) -> None:
        """Wait until all is recorded that was submitted, and end the process."""
        self._closed = True
        if self._waiting:
            await self._drained.wait()
        await asyncio.gather(*self._tasks)
        if self._transport is not None:
            self._transport.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    def waiting(self) -> tuple[int, int]:
        """Return how many interactions wait to be recorded, and how many bytes they have."""
        return self.room.items, self.room.bytes

    @property
    def alive(self) -> bool:
        """Say whether the process runs: only then is a promise kept."""
        return not self._given_up and self._process is not None and self._process.poll() is None

    @property
    def refusing(self) -> bool:
        """Say whether the store has just refused what was to be written."""
        return self._refusals.lasting

    @property
    def process_id(self) -> int | None:
        """Return the process's id, or None before it was started."""
        return self._process.pid if self._process is not None else None

    def submit(self, new: NewInteraction) -> Future[Recorded]:
        """Hand an interaction over and return the promise of its outcome, kept after the commit.

        Raises:
            TooManyRequests: Too much waits already.
            Unavailable: The server is stopping.
        """
        promise: Future[Recorded] = Future()
        promise.set_running_or_notify_cancel()  # from here on it is recorded, whether or not somebody waits
        if threading.get_ident() == self._thread:
            self._take(new, promise)
        else:
            self._loop.call_soon_threadsafe(self._take_from_thread, new, promise)
        return promise

    def _take_from_thread(self, new: NewInteraction, promise: Future[Recorded]) -> None:
        try:
            self._take(new, promise)
        except (TooManyRequests, Unavailable) as error:
            promise.set_exception(error)

    def _take(self, new: NewInteraction, promise: Future[Recorded]) -> None:
        if self._closed:
            raise Unavailable("The server is stopping; send the event again in a moment.")
        if self._given_up:
            raise Unavailable(_NOT_WRITTEN)
        self.room.take(new)
        key, self._next = self._next, self._next + 1
        self._waiting[key] = (new, promise)
        self._send(key, new)

    def _send(self, key: int, new: NewInteraction) -> None:
        """Send an interaction with those that are ready in the same turn of the loop, few enough not to wait long.

        A batch costs the process as much as several events: one that came alone would be recorded alone.
        """
        if self._transport is None:
            return
        if not self._ready:
            self._loop.call_soon(self._flush)
            self._since = time.perf_counter()
        self._ready.append(framed((key, packed(new))))
        if len(self._ready) >= SENT_TOGETHER or time.perf_counter() - self._since > HELD_SECONDS:
            self._flush()

    def _flush(self) -> None:
        ready, self._ready = self._ready, []
        if ready and self._transport is not None:
            self._transport.write(b"".join(ready))

    def answered(self, told: list[Any], seconds: float) -> None:
        """Keep the promises of a batch."""
        self._failures = 0
        if self._observer is not None:
            self._observer(len(told), seconds)
        outcomes = [unpacked_outcome(values) for _, values in told]
        self._refusals.told(outcomes)
        for (key, _), outcome in zip(told, outcomes, strict=True):
            new, promise = self._waiting.pop(key)
            self.room.leave(new)
            keep(promise, outcome)
        if self._closed and not self._waiting:
            self._drained.set()

    def lost(self) -> None:
        """Start the process again, unless this is the end."""
        if self._closed and not self._waiting:
            return
        self._transport, self._unsent, self._ready = None, self._next, []
        task = self._loop.create_task(self._restart())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _restart(self) -> None:
        while not self._closed or self._waiting:
            if self._process is not None:
                status = await asyncio.to_thread(self._process.wait)
                _log.error("The writing process ended (%d); it is started again.", status)
            if self._failures >= RESTARTS:
                self._give_up()
            await asyncio.sleep(PAUSE_SECONDS * min(self._failures, RESTARTS))
            self._failures += 1
            try:
                await self.start()
            except (ProvenanceError, OSError) as error:
                _log.error("The writing process could not be started. %s", error)
            else:
                return

    def _give_up(self) -> None:
        """Refuse what waits."""
        self._given_up = True
        for new, promise in self._waiting.values():
            self.room.leave(new)
            promise.set_exception(Unavailable(_NOT_WRITTEN))
        self._waiting.clear()
        if self._closed:
            self._drained.set()


class _Answers(asyncio.Protocol):
    """Take what the process tells."""

    def __init__(self, writer: ProcessWriter, ready: asyncio.Future[None]) -> None:
        self._writer = writer
        self._ready = ready
        self._unframed = Unframed()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first message says whether the store could be opened."""
        for message in self._unframed.feed(data):
            if self._ready.done():
                self._writer.answered(*message)
            elif message:
                self._ready.set_exception(unpacked_outcome(message))  # type: ignore[arg-type]  # what is told here is an error
            else:
                self._ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that the process is gone."""
        if not self._ready.done():
            self._ready.set_exception(Unavailable("The writing process ended before it could open the store."))
        elif not self._ready.cancelled() and self._ready.exception() is None:
            self._writer.lost()
