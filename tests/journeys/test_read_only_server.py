"""A server that only reads: an agent that comes by a process of its own changes nothing either."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp import Client
from mcp.types import TextContent
from tests.factory import make_origin, payload, report
from tests.processes import Installation, serving

from provenance_storage.store import Store


@pytest.mark.anyio
async def test_it_bounds_remote_agents_and_the_command_line(tmp_path: Path) -> None:
    machine = Installation(tmp_path)
    store = Store.open(machine.store_url)
    report(store, make_origin(store, "shop"), payload())
    store.close()
    with serving(machine, "--read-only") as server:
        elsewhere = {"PROVENANCE_API_URL": server.url}
        async with Client(machine.mcp(None, **elsewhere)) as agent:
            offered = {tool.name for tool in (await agent.list_tools()).tools}
            called = await agent.call_tool("create_release", {"origin": "shop", "version": "1"})
        said = machine.run("errors", "mute", "shop-1", expect=1, environment=elsewhere)
        read = machine.json("errors", "list", environment=elsewhere)

    assert "get_error_issues" in offered
    assert not offered & {"create_release", "set_error_issues_status"}
    assert called.is_error
    assert isinstance(called.content[0], TextContent)
    assert "Only reading" in called.content[0].text
    assert "Only reading" in said
    assert [issue["status"] for issue in read["items"]] == ["open"]
