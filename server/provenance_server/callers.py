"""Who asks over MCP: what the process that a server stands in knows of a caller, and how its operations are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance_core.access import Access
from provenance_core.clean import clean_line

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

from provenance_server.client import Client
from provenance_server.worker_threads import in_thread

PROGRAM_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller.

    Attributes:
        access: Who it is, what it may, and what bounds it; the operations ask the same again.
        open_client: Return the client that runs its operations. It is called in a worker thread, for each request, and
            not to list tools: it may open the store when it is first called, and must keep what is costly.
    """

    access: Access
    open_client: Callable[[], Client]

    @property
    def name(self) -> str:
        """Return by what its calls are counted: what is known of it, never what it says of itself."""
        actor = self.access.actor
        return f"{actor.kind.value}:{actor.id}" if actor.id is not None else str(actor)


@dataclass(frozen=True, slots=True)
class Doors:
    """What an MCP server needs of the process it stands in.

    Attributes:
        caller: Return who asks: of the HTTP request (a Starlette `Request`; None over stdio), and of the name that the
            client's program gives itself, cleaned, if it gives one. It is called in a worker thread, for each request,
            and may raise a ProvenanceError.
        own_client: Return a client with the process's own access, by which it watches what changes. It is called in a
            worker thread.
        keeps_sessions: Whether a session of the handshake era outlives a request, so that it can be told later what
            changed: so over stdio, not over HTTP without sessions.
    """

    caller: Callable[[Any | None, str | None], Caller]
    own_client: Callable[[], Client]
    keeps_sessions: bool = False


async def caller_of(doors: Doors, context: ServerRequestContext[Any]) -> Caller:
    """Return who makes a request.

    Raises:
        ProvenanceError: Nobody who may, or the server that knows cannot be reached.
    """
    return await in_thread(lambda: doors.caller(context.request, program_of(context)))


def program_of(context: ServerRequestContext[Any]) -> str | None:
    """Return the name that the client's program gives itself."""
    params = context.session.client_params
    return (clean_line(params.client_info.name, PROGRAM_LENGTH) or None) if params is not None else None
