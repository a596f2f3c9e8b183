"""The door of agents: MCP over HTTP, on the running server's own store and writer.

The SDK is loaded when the first agent asks: a server of events needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send
from starlette.types import Scope as Request

from provenance_core.access import SYSTEM_ACTOR, Access, Door, Scope
from provenance_core.errors import Forbidden, ProvenanceError, Unauthorized, UnsupportedEncoding
from provenance_core.events import Via
from provenance_http.auth import access_of, check_again
from provenance_http.bodies import LARGEST_ARGUMENTS, Body
from provenance_http.exposure import MCP_PATH
from provenance_http.scoped_routes import add_route
from provenance_http.services import Services, services_of
from provenance_server.client import Client, LocalClient
from provenance_server.context import Context

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from provenance_server.callers import Caller

_WATCHING = Access(SYSTEM_ACTOR, frozenset({Scope.READ}), Via.LOCAL)
"""What the server itself may to see what changes: what a listener may see of that is decided for each."""

CHECK_SECONDS = 10.0
"""How long somebody may go on to listen whose key another process revoked, or whose token is over. Ours."""

_EVENT_STREAM = "text/event-stream"


class McpDoor:
    """Answer agents, from when the first one asks until the server stops."""

    def __init__(self) -> None:
        self._wanted: anyio.Event | None = None
        self._ready: anyio.Event | None = None
        self._manager: StreamableHTTPSessionManager | None = None
        self._streams: set[_Stream] = set()
        self._ending = False
        self._keys_changed: anyio.Event | None = None

    async def run(self, services: Services) -> None:
        """Be there for agents until cancelled."""
        self._wanted, self._ready, self._keys_changed = anyio.Event(), anyio.Event(), anyio.Event()
        await self._wanted.wait()
        self._manager = await anyio.to_thread.run_sync(_manager, services)
        async with self._manager.run():
            self._ready.set()
            while True:
                with anyio.move_on_after(CHECK_SECONDS):
                    await self._keys_changed.wait()
                self._keys_changed = anyio.Event()
                for stream in tuple(self._streams):
                    await stream.check()

    async def __call__(self, scope: Request, receive: Receive, send: Send) -> None:
        """Answer a request of an agent who may read; which of the tools it may use each of them decides."""
        body = await _body(scope, receive)
        assert self._wanted is not None  # noqa: S101  # no request comes before the application runs
        assert self._ready is not None  # noqa: S101
        self._wanted.set()
        await self._ready.wait()
        assert self._manager is not None  # noqa: S101
        stream = _Stream(scope, send, self._streams, lambda: self._ending)
        with stream.ended:
            try:
                await self._manager.handle_request(scope, _again(body, receive), stream.send)
            finally:
                self._streams.discard(stream)
        if stream.ended.cancelled_caught:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def check_streams(self) -> None:
        """See at once whether who listens still may: keys were changed."""
        if self._keys_changed is not None:
            self._keys_changed.set()

    def end_streams(self) -> None:
        """End what agents listen to: the server stops."""
        self._ending = True
        for stream in tuple(self._streams):
            stream.ended.cancel()


class _Stream:
    """What is sent to an agent: once that is a stream of events, it can be ended from outside.

    Args:
        request: Whose it is.
        send: Where to send.
        streams: The streams that there are.
        ending: Says whether the server stops: a stream that begins now ends at once.
    """

    def __init__(self, request: Request, send: Send, streams: set[_Stream], ending: Callable[[], bool]) -> None:
        self._request = request
        self._send = send
        self._streams = streams
        self._ending = ending
        self.ended = anyio.CancelScope()

    async def send(self, message: Message) -> None:
        """Send on, and see whether this is a stream."""
        if message["type"] == "http.response.start":
            told = Headers(raw=message.get("headers", [])).get("content-type", "")
            if told.startswith(_EVENT_STREAM):
                self._streams.add(self)
        await self._send(message)
        if self in self._streams and self._ending():
            self.ended.cancel()

    async def check(self) -> None:
        """End the stream where who listens may not any more."""
        try:
            await check_again(self._request)
        except (Unauthorized, Forbidden):
            self.ended.cancel()
        except ProvenanceError:
            return  # it is asked again soon; whoever listens then reads with a key that is checked


def add_mcp_route(app: FastAPI, door: McpDoor) -> None:
    """Register the door: it keeps no sessions, so that there is nothing to listen to by GET, or to DELETE."""
    add_route(app, MCP_PATH, door, {"POST": Scope.READ})


async def _body(scope: Request, receive: Receive) -> bytes:
    """Take in a request's body, within the limits of every other door.

    Raises:
        ProvenanceError: It is too large, or encoded.
    """
    headers = Headers(scope=scope)
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedEncoding("Send MCP messages as they are, without a content-encoding.")
    with Body(receive, headers.get("content-length"), LARGEST_ARGUMENTS, services_of(scope).room) as body:
        return await body.whole()


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was taken in already, and then tells when its sender goes away."""
    waiting = [body]

    async def received() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return received


def _manager(services: Services) -> StreamableHTTPSessionManager:
    """Load the SDK and make what runs its server, in a worker thread."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # noqa: PLC0415  # loads the SDK, in a worker thread

    from provenance_server.callers import Caller, Doors  # noqa: PLC0415  # with the SDK
    from provenance_server.mcp_server import make_server  # noqa: PLC0415  # with the SDK

    def client(access: Access) -> Client:
        return ServedClient(Context(services.store, services.recorder, access, services.source_maps))

    def caller(request: Any, program: str | None) -> Caller:
        access = access_of(request.scope)
        actor = replace(access.actor, door=Door.MCP, client=program or access.actor.client)
        own = replace(access, actor=actor)
        return Caller(own, lambda: client(own))

    server = make_server(Doors(caller, lambda: client(_WATCHING)))
    return StreamableHTTPSessionManager(
        server, json_response=True, stateless=True, max_request_body_size=LARGEST_ARGUMENTS
    )


class ServedClient(LocalClient):
    """Run operations on the store that the process serves, and leave it open."""

    def close(self) -> None:
        """Leave the store to the server."""
