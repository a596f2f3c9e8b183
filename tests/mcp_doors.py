"""MCP servers for tests, in memory: on a store, for callers with any access."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.factory import make_context

from provenance_core.access import Access, Door, local_access
from provenance_server.callers import Caller, Doors
from provenance_server.client import Client, LocalClient
from provenance_storage.store import Store

LOCAL = local_access("tester", Door.MCP)


def doors(store: Store, access: Access = LOCAL, *, keeps_sessions: bool = True) -> Doors:
    """Return what a server needs whose callers all have an access; their programs name themselves."""

    def caller(_: object, program: str | None) -> Caller:
        known = replace(access, actor=replace(access.actor, client=program))
        return Caller(known, lambda: client_of(store, known))

    return Doors(caller, lambda: client_of(store, LOCAL), keeps_sessions=keeps_sessions)


def doors_to(open_client: Callable[[], Client]) -> Doors:
    """Return what a server needs whose callers all use one client."""
    return Doors(lambda _, __: Caller(LOCAL, open_client), open_client, keeps_sessions=True)


def client_of(store: Store, access: Access) -> Client:
    """Return a client of a store; it does not own the store."""
    return LocalClient(make_context(store, access))
