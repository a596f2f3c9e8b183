"""MCP over stdin and stdout: a process of one client, on the local store or in front of a server elsewhere."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from provenance_core.access import Access, Door, included, local_access
from provenance_core.errors import ProvenanceError
from provenance_server.callers import Caller, Doors
from provenance_server.client import Client, RemoteClient
from provenance_server.mcp_server import make_server
from provenance_server.operations import GET_ACCESS
from provenance_server.settings import Settings
from provenance_server.unreadable_lines import AnsweredLines

if TYPE_CHECKING:
    from provenance_server.opening import Place

ACCESS_SECONDS = 2.0
"""How long the list of tools waits for a server to say which of them its key allows."""

_ASK_AGAIN_SECONDS = 30.0
_END_SECONDS = 1.0
"""How long the end waits for calls that still run when stdin ends."""


class Opener:
    """Open the store, or the connections to a server, when first needed: `tools/list` must not wait for a store.

    All callers share it, for a program may name itself anew in each request.

    Args:
        settings: Where to ask.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place: Place | None = None
        self._lock = threading.Lock()

    def client(self, access: Access) -> Client:
        """Return a client for an access.

        Raises:
            ProvenanceError: The store cannot be opened.
        """
        with self._lock:
            if self._place is None:
                from provenance_server.opening import open_place  # noqa: PLC0415  # loads the store

                self._place = open_place(self._settings)
            return self._place.client(access)

    def close(self) -> None:
        """Let go of what was opened."""
        with self._lock:
            if self._place is not None:
                self._place.close()
            self._place = None


class Process:
    """What this process knows of its one client: this machine's user, and the bounds it was started with.

    Args:
        settings: Where to ask, and the bounds.
        user: This machine's user.
        origin: The only origin there is to be, if any.
    """

    def __init__(self, settings: Settings, user: str, origin: str | None) -> None:
        self._settings = settings
        self._user = user
        self._origin = origin
        self._opener = Opener(settings)
        self._allowed: Access | None = None
        self._ask_at = 0.0
        self._asking: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def doors(self) -> Doors:
        """Return what the MCP server needs."""
        return Doors(self.caller, lambda: self._opener.client(self._access(None)), keeps_sessions=True)

    def caller(self, _: Any | None, program: str | None) -> Caller:
        """Return who asks; of a server elsewhere, what it allows."""
        access = self._access(program)
        url = self._settings.api_url
        allowed = access if url is None else self._allowed_elsewhere(url, access)
        return Caller(allowed, lambda: self._opener.client(access))

    def close(self) -> None:
        """Let go of the store or the connection."""
        self._opener.close()

    def _access(self, program: str | None) -> Access:
        settings = self._settings
        local = local_access(self._user, Door.MCP, program)
        return local.narrowed(origin=self._origin, read_only=settings.read_only, lockdown=settings.lockdown)

    def _allowed_elsewhere(self, url: str, access: Access) -> Access:
        """Return what the server lets our key do; everything where it cannot be asked, for then each call tells."""
        with self._lock:
            now = time.monotonic()
            asks = self._asking is not None and self._asking.is_alive()
            if self._allowed is None and now >= self._ask_at and not asks:
                self._ask_at = now + _ASK_AGAIN_SECONDS
                self._asking = threading.Thread(target=self._ask, args=(url, access), daemon=True)
                self._asking.start()
                self._asking.join(ACCESS_SECONDS)
            allowed = self._allowed
        return access if allowed is None else replace(allowed, actor=access.actor)

    def _ask(self, url: str, access: Access) -> None:
        """Ask a server what it allows; one that answers byte by byte may take longer than anybody waits."""
        with suppress(ProvenanceError):
            self._allowed = self._told(url, access)

    def _told(self, url: str, access: Access) -> Access:
        client = RemoteClient(url, self._settings.api_key, access, timeout=ACCESS_SECONDS)
        try:
            told = client.call(GET_ACCESS, {})
        finally:
            client.close()
        bounded = access.narrowed(origin=told.origin, read_only=told.read_only, lockdown=told.lockdown)
        return replace(bounded, scopes=included(told.scopes))


def run(settings: Settings, user: str, origin: str | None = None) -> None:
    """Serve MCP over stdin and stdout until stdin ends or a signal comes.

    Args:
        settings: Where to ask, and the bounds.
        user: This machine's user, for the history.
        origin: The only origin there is to be, if any.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    process = Process(settings, user, origin)
    _end_on_signals()
    try:
        anyio.run(_serve, make_server(process.doors))
    finally:
        _end_where_calls_still_run()
        process.close()


def _end_where_calls_still_run() -> None:
    """End now where a call still waits, as for a server that is silent: the interpreter would wait for its thread.

    Nothing is lost: every write is committed before its answer.
    """
    until = time.monotonic() + _END_SECONDS
    for thread in threading.enumerate():
        if thread is threading.current_thread() or thread.daemon:
            continue
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            for stream in (sys.stdout, sys.stderr):
                with suppress(AttributeError, OSError, ValueError):  # it may be closed, or not be there at all
                    stream.flush()
            os._exit(0)


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (lines, answers):
        await server.run(AnsweredLines(lines, answers), answers, server.create_initialization_options())


def _end_on_signals() -> None:
    """End at once on SIGINT and SIGTERM: the SDK ignores the first and leaves the second to kill the process.

    Nothing is lost: every write is committed before its answer.
    """

    def end(number: int, _: object) -> None:
        os._exit(0 if number == signal.SIGTERM else 128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):  # not in the main thread, as in a test
            signal.signal(number, end)
