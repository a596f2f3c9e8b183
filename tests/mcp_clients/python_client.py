"""The same work with the Python client: it returns what the Node scripts print."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolResult,
    EmptyResult,
    Implementation,
    ResourceTemplateReference,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    TextContent,
)

Mode = Literal["auto", "legacy"]
Place = StdioServerParameters | str
NOTICE_SECONDS = 20.0


class Ear:
    """Hears which resources changed, and when."""

    def __init__(self) -> None:
        self.uris: list[str] = []
        self._more = anyio.Event()

    async def take(self, message: object) -> None:
        """Take a message that the server sent of its own accord."""
        if isinstance(message, ResourceUpdatedNotification):
            self.uris.append(message.params.uri)
            self._more.set()
            self._more = anyio.Event()

    async def hears(self, *uris: str) -> None:
        """Wait until it has heard of every URI.

        Raises:
            TimeoutError: Nothing came in time.
        """
        with anyio.fail_after(NOTICE_SECONDS):
            while not set(uris) <= set(self.uris):
                await self._more.wait()


@asynccontextmanager
async def connected(
    place: Place, headers: Mapping[str, str], mode: Mode, ear: Ear | None = None
) -> AsyncGenerator[Client]:
    """Connect a client to a server of its own, or to one at a URL."""
    async with AsyncExitStack() as opened:
        where: Any = place
        if isinstance(place, str):
            sender = await opened.enter_async_context(
                httpx2.AsyncClient(headers=dict(headers), trust_env=False, timeout=60)
            )
            where = streamable_http_client(place, http_client=sender)
        heard = (ear or Ear()).take
        name = Implementation(name="python", version="1")
        yield await opened.enter_async_context(Client(where, mode=mode, message_handler=heard, client_info=name))


@asynccontextmanager
async def listening(client: Client, mode: Mode, *uris: str) -> AsyncGenerator[None]:
    """Listen to resources as the client's era does it."""
    if mode == "auto":
        async with client.listen(resource_subscriptions=list(uris)):
            yield
        return
    for uri in uris:
        asked = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
        await client.session.send_request(asked, EmptyResult)
    yield


async def work(place: Place, headers: Mapping[str, str], mode: Mode, origin: str, issue: str) -> dict[str, Any]:
    """Do the work and return what was seen."""
    ear = Ear()
    uri = f"provenance://issues/{issue}"
    async with connected(place, headers, mode, ear) as client:
        server = client.server_info
        seen: dict[str, Any] = {
            "era": client.protocol_version,
            "server": server.name if server else None,
            "tools": [tool.name for tool in (await client.list_tools()).tools],
            "listed": _told(await client.call_tool("get_error_issues", {"origin": origin, "status": ["open"]})),
            "detail": _told(await client.call_tool("get_error_issue", {"issueId": issue})),
            "refused": _told(await client.call_tool("get_error_issue", {"issueId": f"{origin}-999"})),
            "resources": [resource.uri for resource in (await client.list_resources()).resources],
            "resource": (await client.read_resource(uri)).contents[0].model_dump(by_alias=True, exclude_none=True),
            "missing": await _missing(client, f"provenance://issues/{origin}-999"),
            "prompt": await _prompt(client, issue),
            "completed": await _completed(client, origin),
        }
        async with AsyncExitStack() as opened:
            seen["unheard"] = None
            try:
                await opened.enter_async_context(listening(client, mode, uri))
            except MCPError as error:
                seen["unheard"] = {"code": error.code, "message": error.message}
            change = {"issueId": issue, "status": "resolved"}
            seen["changed"] = _told(await client.call_tool("update_error_issue_status", change))
            seen["heard"] = None
            if seen["unheard"] is None:
                await ear.hears(uri)
                seen["heard"] = uri
    return seen


def _told(result: CallToolResult) -> dict[str, Any]:
    first = result.content[0]
    assert isinstance(first, TextContent)
    return {"isError": result.is_error or False, "text": first.text, "structured": result.structured_content}


async def _missing(client: Client, uri: str) -> dict[str, Any]:
    try:
        await client.read_resource(uri)
    except MCPError as error:
        return {"code": error.code, "message": error.message}
    raise AssertionError(uri)


async def _prompt(client: Client, issue: str) -> str:
    content = (await client.get_prompt("fix_error", {"issueId": issue})).messages[0].content
    assert isinstance(content, TextContent)
    return content.text


async def _completed(client: Client, begun: str) -> list[str]:
    template = ResourceTemplateReference(type="ref/resource", uri="provenance://issues/{id}")
    return (await client.complete(template, {"name": "id", "value": begun})).completion.values
