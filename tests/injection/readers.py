"""Every way to read, asked as readers ask: MCP over stdio, HTTP, and the command line, of one store."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
from mcp import Client
from mcp.types import CallToolResult, TextContent, TextResourceContents
from tests.processes import Installation

READING = ("get_error_issues", "get_error_issue", "get_releases")


@dataclass(frozen=True)
class Output:
    """What a reader was given: as JSON where it is, and as text."""

    door: str
    text: str
    document: Any = None


@asynccontextmanager
async def agent(machine: Installation, *flags: str) -> AsyncGenerator[Client]:
    """Connect to the MCP server of a machine over stdio."""
    started = machine.mcp()
    async with Client(started.model_copy(update={"args": [*started.args, *flags]})) as client:
        yield client


async def through_tools(client: Client, issues: list[str], origin: str) -> list[Output]:
    """Read everything through the reading tools; both forms of each answer must say the same."""
    asked: list[tuple[str, dict[str, Any]]] = [
        ("get_error_issues", {"limit": 100}),
        ("get_error_issues", {"limit": 20}),
        ("get_releases", {"origin": origin, "limit": 100}),
    ]
    for issue in issues:
        asked += [("get_error_issue", {"issueId": issue, "detail": detail}) for detail in ("concise", "full")]
    schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
    outputs: list[Output] = []
    for name, arguments in asked:
        result = await client.call_tool(name, arguments)
        outputs.append(_checked(name, arguments, result, schemas[name]))
    return outputs


def _checked(name: str, arguments: dict[str, Any], result: CallToolResult, schema: dict[str, Any] | None) -> Output:
    import jsonschema  # noqa: PLC0415  # slow to load, and needed here only

    (block,) = result.content
    assert isinstance(block, TextContent)
    assert not result.is_error, block.text
    assert json.loads(block.text) == result.structured_content
    assert schema is not None
    jsonschema.validate(result.structured_content, schema)
    return Output(f"mcp {name} {arguments}", block.text, result.structured_content)


async def through_resources(client: Client, issues: list[str], events: list[str], origin: str) -> list[Output]:
    """Read every resource, completion and prompt."""
    outputs: list[Output] = []
    uris = ["provenance://issues", "provenance://origins", f"provenance://releases/{origin}"]
    uris += [f"provenance://issues/{issue}" for issue in issues] + [f"provenance://events/{event}" for event in events]
    for uri in uris:
        (contents,) = (await client.read_resource(uri)).contents
        assert isinstance(contents, TextResourceContents)
        outputs.append(Output(f"mcp {uri}", contents.text, json.loads(contents.text)))
    return outputs


async def described(client: Client) -> list[str]:
    """Return all that a client is told before it asks for anything: none of it may come out of an event."""
    listed = [
        await client.list_tools(),
        await client.list_resources(),
        await client.list_resource_templates(),
        await client.list_prompts(),
    ]
    return [one.model_dump_json(by_alias=True, exclude_none=True) for one in listed]


def through_http(http: httpx.Client, issues: list[str], events: list[str], origin: str) -> list[Output]:
    """Read every route that gives something out of events."""
    paths = ["/api/error-issues?limit=100", f"/api/origins/{origin}/releases?limit=100", "/api/interactions?limit=100"]
    paths += [f"/api/origins/{origin}", "/api/activity", "/api/changes"]
    for issue in issues:
        paths += [f"/api/error-issues/{issue}", f"/api/error-issues/{issue}/events"]
    for event in events:
        paths += [f"/api/interactions/{event}{part}" for part in ("", "/grouping", "/sourcemaps")]
    outputs: list[Output] = []
    for path in paths:
        answer = http.get(path)
        assert answer.status_code == 200, (path, answer.text)
        outputs.append(Output(f"http {path}", answer.text, answer.json()))
    return outputs


def below(value: object, key: str, *, inside: bool = False) -> Iterator[tuple[bool, str]]:
    """Yield every text of a document, keys too, and whether it stands below a key."""
    if isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            yield inside, name
            yield from below(item, key, inside=inside or name == key)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from below(item, key, inside=inside)
    elif isinstance(value, str):
        yield inside, value
