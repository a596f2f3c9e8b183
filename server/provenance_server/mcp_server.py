"""The MCP server: tools, resources, prompts, completions and subscriptions, all of them asking operations."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import TaskGroup
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.types import (
    CompleteRequestParams,
    CompleteResult,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    ServerCapabilities,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from provenance_core.access import Scope
from provenance_core.errors import ProvenanceError
from provenance_server.apps.issues_app import EXTENSION
from provenance_server.call_rates import CallRates, Limits
from provenance_server.callers import Caller, Doors, caller_of
from provenance_server.protocol_errors import answering
from provenance_server.tool_calls import ToolCalls
from provenance_server.tools import INSTRUCTIONS, instructions

if TYPE_CHECKING:
    from provenance_server.subscriptions import Watcher

DISTRIBUTION = "provenance-errors"
EVERY_SECONDS = 0.5
_LISTS_STAY_MS = 60_000
_KEPT: dict[CacheableMethod, CacheHint] = {
    "tools/list": CacheHint(_LISTS_STAY_MS),
    "resources/list": CacheHint(_LISTS_STAY_MS),
    "resources/templates/list": CacheHint(_LISTS_STAY_MS),
    "prompts/list": CacheHint(_LISTS_STAY_MS),
}
_GREETINGS = frozenset({"initialize", "server/discover"})


@dataclass
class Running:
    """What lives as long as a server runs: the watcher, made when somebody first subscribes."""

    tasks: TaskGroup
    doors: Doors
    every: float
    _watcher: Watcher | None = None

    @property
    def watcher(self) -> Watcher:
        """Return the one watcher."""
        if self._watcher is None:
            from provenance_server.subscriptions import Watcher, changes_of  # noqa: PLC0415  # most never subscribe

            self._watcher = Watcher(changes_of(self.doors), self.tasks, self.every)
        return self._watcher


Asked = ServerRequestContext[Running, Any]


class ErrorServer(Server[Running]):
    """A server whose lists never change while it runs, and which says so in both eras."""

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> ServerCapabilities:
        """Return what the server can: the SDK takes whoever serves subscriptions to announce changed lists too."""
        able = super().get_capabilities(
            notification_options, experimental_capabilities, extensions, protocol_version=protocol_version
        )
        for part in (able.tools, able.prompts, able.resources):
            if part is not None:
                part.list_changed = False
        return able


class Handlers:
    """What a server answers beside tool calls; each module is loaded when its first request comes.

    Args:
        doors: What the server needs of the process it stands in.
        rates: Counts what a caller asks.
    """

    def __init__(self, doors: Doors, rates: CallRates) -> None:
        self._doors = doors
        self._rates = rates

    async def _reader(self, context: Asked) -> Caller:
        """Return a caller who may read, and count what it asks."""
        caller = await caller_of(self._doors, context)
        caller.access.require(Scope.READ)
        self._rates.take(caller.name, write=False)
        return caller

    async def list_resources(self, context: Asked, _: PaginatedRequestParams | None) -> ListResourcesResult:
        """List the resources that are always there."""
        from provenance_server import resources  # noqa: PLC0415  # loaded when first asked

        await self._reader(context)
        return resources.listed()

    async def list_templates(self, context: Asked, _: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        """List how the other resources are named."""
        from provenance_server import resources  # noqa: PLC0415  # loaded when first asked

        await self._reader(context)
        return resources.templates()

    async def read_resource(self, context: Asked, params: ReadResourceRequestParams) -> ReadResourceResult:
        """Read one."""
        from provenance_server import resources  # noqa: PLC0415  # loaded when first asked

        return await resources.read(await self._reader(context), params.uri)

    async def list_prompts(self, context: Asked, _: PaginatedRequestParams | None) -> ListPromptsResult:
        """List the prompts."""
        from provenance_server import prompts  # noqa: PLC0415  # loaded when first asked

        return prompts.listed((await self._reader(context)).access)

    async def get_prompt(self, context: Asked, params: GetPromptRequestParams) -> GetPromptResult:
        """Write one out."""
        from provenance_server import prompts  # noqa: PLC0415  # loaded when first asked

        return prompts.written((await self._reader(context)).access, params.name, params.arguments or {})

    async def complete(self, context: Asked, params: CompleteRequestParams) -> CompleteResult:
        """Say what an argument may be."""
        from provenance_server import completions  # noqa: PLC0415  # loaded when first asked

        return await completions.completed(await self._reader(context), params)

    async def listen(self, context: Asked, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        """Tell what changes until the client goes away."""
        from provenance_server import subscriptions  # noqa: PLC0415  # loaded when first asked

        caller = await self._reader(context)
        return await subscriptions.listen(context.lifespan_context.watcher, caller, context, params)

    async def subscribe(self, context: Asked, params: SubscribeRequestParams) -> EmptyResult:
        """Tell what changes, in a session of the handshake era."""
        from provenance_server import subscriptions  # noqa: PLC0415  # loaded when first asked

        caller = await self._reader(context)
        await subscriptions.subscribe(context.lifespan_context.watcher, caller, context.session, params.uri)
        return EmptyResult()

    async def unsubscribe(self, context: Asked, params: UnsubscribeRequestParams) -> EmptyResult:
        """Tell it no more."""
        context.lifespan_context.watcher.unsubscribe(params.uri)
        return EmptyResult()


def make_server(
    doors: Doors,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    every: float = EVERY_SECONDS,
) -> Server[Running]:
    """Return the MCP server.

    Args:
        doors: What it needs of the process it stands in.
        limits: How often one caller may call.
        clock: Tells seconds that never go back.
        every: After how many seconds to ask again what changed, while somebody listens.
    """
    rates = CallRates(limits or Limits(), clock)
    calls = ToolCalls(doors, rates, clock)
    others = Handlers(doors, rates)

    @asynccontextmanager
    async def running(_: Server[Running]) -> AsyncGenerator[Running]:
        async with anyio.create_task_group() as tasks:
            try:
                yield Running(tasks, doors, every)
            finally:
                tasks.cancel_scope.cancel()

    server = ErrorServer(
        "provenance",
        version=version(DISTRIBUTION),
        title="Provenance",
        instructions=INSTRUCTIONS,
        cache_hints=_KEPT,
        lifespan=running,
        on_list_tools=answering(calls.list),
        on_call_tool=calls.call,
        on_list_resources=answering(others.list_resources),
        on_list_resource_templates=answering(others.list_templates),
        on_read_resource=answering(others.read_resource),
        on_list_prompts=answering(others.list_prompts),
        on_get_prompt=answering(others.get_prompt),
        on_completion=answering(others.complete),
        on_subscriptions_listen=answering(others.listen),
        on_subscribe_resource=answering(others.subscribe) if doors.keeps_sessions else None,
        on_unsubscribe_resource=answering(others.unsubscribe) if doors.keeps_sessions else None,
    )
    server.extensions = {EXTENSION: {}}
    server.middleware.append(_announce_extensions)
    server.middleware.append(partial(_instruct, doors))
    return server


async def _announce_extensions(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Name the extensions in the handshake too: the SDK leaves out what 2025-11-25 did not define, and hosts look."""
    result = await call_next(ctx)
    if ctx.method == "initialize" and isinstance(result, dict):
        result["capabilities"] = {**result["capabilities"], "extensions": {EXTENSION: {}}}
    return result


async def _instruct(doors: Doors, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Teach a caller no more than it may do; everything where nobody can say, for then each call tells."""
    result = await call_next(ctx)
    if ctx.method in _GREETINGS and isinstance(result, dict):
        with suppress(ProvenanceError):
            result["instructions"] = instructions((await caller_of(doors, ctx)).access)
    return result
