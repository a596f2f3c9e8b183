"""Run the server: one on a store, on this machine only unless told otherwise."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager

import uvicorn

from provenance_core.errors import InvalidInput, ProvenanceError, Unavailable
from provenance_http.app import create_app
from provenance_http.connections import ImpatientProtocol
from provenance_http.exposure import exposure_of, is_private, is_wildcard
from provenance_http.metrics import Metrics
from provenance_http.writing import ServerRecorder, Writing, writing_to
from provenance_server.index_files import folder_of
from provenance_server.maintenance import Maintenance
from provenance_server.settings import Settings
from provenance_server.source_maps import SourceMaps
from provenance_storage.engine import sqlite_path
from provenance_storage.server_lock import serving
from provenance_storage.store import Store

KEEP_ALIVE_SECONDS = 30
DRAIN_SECONDS = 10
"""Time that running requests get when the server stops. Source: Relay."""

SWITCH_SECONDS = 0.0005
"""How long a thread may hold the interpreter: the writer lets go of it at every statement and needs it back."""

GC_THRESHOLDS = (20_000, 20, 50)
"""Objects until the collector looks for circles: an event is thousands of objects, freed by their counts."""

MOST_FILES = 65_536
"""Open files to ask the system for: a connection is one, and the usual 1,024 are soon taken."""

NO_KEYS = (
    "Other machines can reach this server, and there is no key to ask them for. Make one on this machine: `provenance "
    "keys create --label me --scope admin`; then start again. Or serve on 127.0.0.1."
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(settings: Settings, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve the store until the process is told to stop; then answer what was asked and write what still waits.

    Args:
        settings: Which store, and where to listen; port 0 means any free one.
        on_ready: Is told the server's URL once it accepts requests.

    Raises:
        InvalidInput: Other machines can reach the server, and there is no key to ask them for, or what to listen on is
            no address.
        Conflict: Another server serves the store.
        Unavailable: The port is taken, or the store cannot be used.
    """
    if not _may_make_store(settings):
        raise InvalidInput(NO_KEYS)
    with closing(Store.open(settings.database_url)) as store:
        if not is_private(settings.host, settings.public_url) and not store.keys.any_usable():
            raise InvalidInput(NO_KEYS)
        _serve(settings, store, on_ready)


def _serve(settings: Settings, store: Store, on_ready: Callable[[str], None] | None) -> None:
    with _listening(settings, store) as (listener, url):
        store.database.check_writable()
        refusals: list[ProvenanceError] = []
        writing = _noting(refusals, writing_to(store, settings.database_url))
        source_maps = SourceMaps(store, folder_of(settings.database_url))
        app = create_app(store, writing, exposure=exposure_of(settings, url), source_maps=source_maps)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            ws="none",
            loop="auto",  # uvloop, where there is one
            http=ImpatientProtocol,
            lifespan="on",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        Maintenance(store).prepare(store.clock())
        _allow_many_files()
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.collect()
        gc.freeze()  # what stays for ever is not looked through again: that took 60 ms each time
        gc.set_threshold(*GC_THRESHOLDS)
        server = _Server(config, lambda: on_ready(url) if on_ready else None, app.mcp.end_streams)
        with _stopped_by_signals(server), _told_by(refusals):
            server.run(sockets=[listener])


def _may_make_store(settings: Settings) -> bool:
    """Say whether a store may be made for a server: one that others reach needs a key, which a new store has not."""
    path = sqlite_path(settings.database_url)
    return is_private(settings.host, settings.public_url) or path is None or path.exists()


def _noting(refusals: list[ProvenanceError], writing: Writing) -> Writing:
    """Return a way to write that takes note of why it cannot be begun: uvicorn keeps that to itself."""

    @asynccontextmanager
    async def noted(metrics: Metrics) -> AsyncGenerator[ServerRecorder]:
        async with AsyncExitStack() as stack:
            try:
                recorder = await stack.enter_async_context(writing(metrics))
            except ProvenanceError as error:
                refusals.append(error)
                raise
            yield recorder

    return noted


@contextmanager
def _told_by(refusals: list[ProvenanceError]) -> Generator[None]:
    """Raise a refusal that was noted, in the place of what uvicorn logs and of its exit."""

    def unless_noted(_record: logging.LogRecord) -> bool:
        return not refusals

    log = logging.getLogger("uvicorn.error")
    log.addFilter(unless_noted)
    try:
        yield
    except SystemExit:
        if refusals:
            raise refusals[0] from None
        raise
    finally:
        log.removeFilter(unless_noted)


def _allow_many_files() -> None:
    """Raise this process's limit of open files as far as it may, where there is one."""
    try:
        import resource  # noqa: PLC0415  # not on Windows
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Server(uvicorn.Server):
    """Say when requests are accepted, and end before it stops what would not end by itself."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        await super().shutdown(sockets)


@contextmanager
def _listening(settings: Settings, store: Store) -> Generator[tuple[socket.socket, str]]:
    """Hold the store and a socket bound for it.

    A given port is bound after the store is held: who starts a second server learns of the first one, not of its port.
    """
    free = _bound(settings.host, 0) if settings.port == 0 else None
    port = free.getsockname()[1] if free else settings.port
    url = _url(settings.host, port)
    try:
        with serving(store.database, url), free or _bound(settings.host, port) as listener:
            yield listener, url
    finally:
        if free:
            free.close()


def _bound(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        # with the protocol left open, asyncio would not set TCP_NODELAY, and every answer would wait 40 ms
        listener = socket.socket(family, kind, protocol)
    except OSError:
        raise InvalidInput("The host to serve on is no address or name of this machine; use 127.0.0.1.") from None
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise _cannot_bind(error, host, port) from None
    return listener


def _cannot_bind(error: OSError, host: str, port: int) -> InvalidInput | Unavailable:
    if error.errno == errno.EADDRNOTAVAIL:
        return InvalidInput(f"{host} is no address of this machine; use 127.0.0.1.")
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"Port {port} is in use by another program; choose another with --port, or 0 for a free one."
        )
    return Unavailable(f"Port {port} cannot be used: {error.strerror}. Choose another with --port.")


def _url(host: str, port: int) -> str:
    shown = "127.0.0.1" if is_wildcard(host) else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Generator[None]:
    """Let signals end the server and not the process: uvicorn raises them again once it has stopped."""

    def stop(*_: object) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
