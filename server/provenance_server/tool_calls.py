"""Tools over MCP: which of them a caller is offered, and what becomes of a call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)

from provenance_core.access import Access, Scope
from provenance_core.clean import quoted
from provenance_core.errors import NotFound, ProvenanceError
from provenance_server.apps.issues_app import TOOL_META
from provenance_server.call_rates import CallRates
from provenance_server.callers import Caller, Doors, caller_of
from provenance_server.faults import trace
from provenance_server.operations import OPERATIONS
from provenance_server.protocol_errors import FAULT
from provenance_server.render import to_text
from provenance_server.rendered import Rendered
from provenance_server.tools import TOOLS, ErrorTool
from provenance_server.worker_threads import in_thread

if TYPE_CHECKING:
    from provenance_server.mass_changes import MassChanges

SHOWN_BY_APP = frozenset({"get_error_issues", "get_error_issue"})
CHANGES_ISSUES = "update_error_issue_status"

_log = logging.getLogger(__name__)
_tools: dict[str, ErrorTool] = {tool.definition.name: tool for tool in TOOLS}
_scopes: dict[str, Scope] = {operation.name: operation.scope for operation in OPERATIONS if operation.name in _tools}


class ToolCalls:
    """Offer and run tools.

    Args:
        doors: What the server needs of the process it stands in.
        rates: Counts the calls of each caller.
        clock: Tells seconds that never go back.
    """

    def __init__(self, doors: Doors, rates: CallRates, clock: Callable[[], float]) -> None:
        self._doors = doors
        self._rates = rates
        self._clock = clock

    @cached_property
    def _mass(self) -> MassChanges:
        from provenance_server.mass_changes import MassChanges  # noqa: PLC0415  # no list of tools waits for it

        return MassChanges(self._clock)

    async def list(self, context: ServerRequestContext[Any], _: PaginatedRequestParams | None) -> ListToolsResult:
        """List the tools that the caller may use."""
        return ListToolsResult(tools=offered((await caller_of(self._doors, context)).access))

    async def call(
        self, context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """Run a tool; what it refuses is a tool error, so that the model reads it and can try again."""
        try:
            return await self._call(context, params)
        except MCPError:
            raise
        except ProvenanceError as error:
            return _refused(error.message)
        except Exception as error:  # noqa: BLE001  # a fault of ours is told as one, and the server goes on
            _log.error("The tool %s failed.\n%s", params.name, trace(error))
            return _refused(FAULT)

    async def _call(
        self, context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        tool = _tools.get(params.name)
        if tool is None:
            raise NotFound(f"No tool {quoted(params.name)}. Tools: {', '.join(_tools)}.")
        scope = _scopes[params.name]
        caller = await caller_of(self._doors, context)
        caller.access.require(scope)
        self._rates.take(caller.name, write=scope is not Scope.READ)
        arguments = within_pin(tool.definition, params.arguments or {}, caller.access)
        if params.name != CHANGES_ISSUES:
            return _told(await run(tool, caller, arguments))
        permit = await self._mass.permit(context, params, caller, arguments)
        if isinstance(permit, InputRequiredResult):
            return permit
        with permit:
            rendered = await run(tool, caller, arguments)
            permit.changed(rendered.content.get("changed"))
        return _told(rendered)


async def run(tool: ErrorTool, caller: Caller, arguments: Mapping[str, Any]) -> Rendered:
    """Run a tool for a caller, in a worker thread.

    Raises:
        ProvenanceError: Whatever it refuses.
    """
    return await in_thread(lambda: tool.run(caller.open_client(), arguments))


async def run_named(name: str, caller: Caller, arguments: Mapping[str, Any]) -> Rendered:
    """Run the tool of a name for a caller."""
    return await run(_tools[name], caller, arguments)


def offered(access: Access) -> list[Tool]:
    """Return the tools that a caller may use, as they look to it."""
    return list(_offered(frozenset(name for name in _tools if access.may(_scopes[name])), access.origin is not None))


@cache
def _offered(names: frozenset[str], pinned: bool) -> tuple[Tool, ...]:
    shown = (tool.definition for name, tool in _tools.items() if name in names)
    return tuple(_with_app(_without_origin(definition) if pinned else definition) for definition in shown)


def _with_app(definition: Tool) -> Tool:
    """Return a tool with the App that shows its results, in hosts that have such a thing."""
    return definition.model_copy(update={"meta": TOOL_META}) if definition.name in SHOWN_BY_APP else definition


def _without_origin(definition: Tool) -> Tool:
    """Return a tool as a caller sees it for whom there is one origin."""
    schema = dict(definition.input_schema)
    schema["properties"] = {name: value for name, value in schema["properties"].items() if name != "origin"}
    required = [name for name in schema.pop("required", []) if name != "origin"]
    return definition.model_copy(update={"input_schema": schema | ({"required": required} if required else {})})


def within_pin(definition: Tool, arguments: Mapping[str, Any], access: Access) -> dict[str, Any]:
    """Return a call's arguments with the caller's only origin where the tool needs one; operations refuse another."""
    given = dict(arguments)
    needed = "origin" in definition.input_schema.get("required", [])
    if access.origin is not None and needed and given.get("origin") is None:
        given["origin"] = access.origin
    return given


def _told(rendered: Rendered) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=to_text(rendered.content))],
        structured_content=rendered.content,
        _meta=rendered.meta or None,
    )


def _refused(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)
