"""The MCP server: five tools on the local store or on a remote server, over stdio."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

gc.disable()  # what is imported stays; collecting meanwhile costs a fifth of the start
import anyio  # noqa: E402
import anyio.to_thread  # noqa: E402
from mcp.server.context import ServerRequestContext  # noqa: E402
from mcp.server.lowlevel import Server  # noqa: E402
from mcp.server.stdio import stdio_server  # noqa: E402
from mcp.types import (  # noqa: E402
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)

from provenance_core.clean import clean_line, quoted  # noqa: E402
from provenance_core.errors import ProvenanceError  # noqa: E402
from provenance_server.client import Client  # noqa: E402
from provenance_server.faults import trace  # noqa: E402
from provenance_server.render import to_text  # noqa: E402
from provenance_server.settings import Settings  # noqa: E402
from provenance_server.tools import INSTRUCTIONS, TOOLS, ErrorTool  # noqa: E402

gc.enable()
gc.freeze()

DISTRIBUTION = "provenance-errors"
ACTOR_LENGTH = 64

_log = logging.getLogger(__name__)

_tools: dict[str, ErrorTool] = {tool.definition.name: tool for tool in TOOLS}


class Opener:
    """Open clients when they are first needed, one for each actor: answering `tools/list` must not wait for a store.

    Args:
        open_client: Opens a client for an actor.
    """

    def __init__(self, open_client: Callable[[str], Client]) -> None:
        self._open = open_client
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()

    def client(self, actor: str) -> Client:
        """Return the client of an actor.

        Raises:
            ProvenanceError: The store or server cannot be reached.
        """
        with self._lock:
            if actor not in self._clients:
                self._clients[actor] = self._open(actor)
            return self._clients[actor]

    def close(self) -> None:
        """Close every client."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


def make_server(opener: Opener) -> Server[Any]:
    """Return the MCP server with its five tools."""

    async def list_tools(_: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[tool.definition for tool in TOOLS])

    async def call_tool(context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        actor = _actor(context)
        return await anyio.to_thread.run_sync(_call, opener, actor, params.name, params.arguments or {})

    return Server(
        "provenance",
        version=version(DISTRIBUTION),
        title="Provenance",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _actor(context: ServerRequestContext[Any]) -> str:
    """Name who asks by the client's own name, for the history."""
    params = context.session.client_params
    name = clean_line(params.client_info.name, ACTOR_LENGTH) if params is not None else ""
    return f"mcp:{name or 'unknown'}"


def _call(opener: Opener, actor: str, name: str, arguments: dict[str, Any]) -> CallToolResult:
    """Run a tool; what it refuses is a tool error, so that the model reads it and can try again."""
    tool = _tools.get(name)
    if tool is None:
        return _refused(f"No tool {quoted(name)}. Tools: {', '.join(_tools)}.")
    try:
        answer = tool.run(opener.client(actor), arguments)
    except ProvenanceError as error:
        return _refused(error.message)
    except Exception as error:  # noqa: BLE001  # a fault of ours is told as one, and the server goes on
        _log.error("The tool %s failed.\n%s", name, trace(error))
        return _refused("Provenance failed on this call; that is a fault of it. Its log on stderr says more.")
    return CallToolResult(content=[TextContent(type="text", text=to_text(answer))], structured_content=answer)


def _refused(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


def run(settings: Settings) -> None:
    """Serve MCP over stdin and stdout until stdin ends or a signal comes."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)

    def open_client(actor: str) -> Client:
        from provenance_server.opening import open_client as open_any  # noqa: PLC0415  # loads the store

        return open_any(settings, actor)

    opener = Opener(open_client)
    _end_on_signals()
    try:
        anyio.run(_serve, make_server(opener))
    finally:
        opener.close()


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


def _end_on_signals() -> None:
    """End at once on SIGINT and SIGTERM: the SDK ignores the first and leaves the second to kill the process.

    Nothing is lost: every write is committed before its answer.
    """

    def end(number: int, _: object) -> None:
        os._exit(0 if number == signal.SIGTERM else 128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):  # not in the main thread, as in a test
            signal.signal(number, end)
