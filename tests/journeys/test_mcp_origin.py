"""What an entry of a host says bounds the MCP server to one origin; what a person has configured does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from tests.factory import make_origin, payload, report
from tests.processes import Installation

from provenance_core.origins import OriginConfig
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio


@pytest.fixture
def machine(tmp_path: Path) -> Installation:
    """Return a machine with an issue in each of two origins; `shop` is what its user's commands mean."""
    machine = Installation(tmp_path)
    store = Store.open(machine.store_url)
    report(store, make_origin(store), payload())
    report(store, store.origins.create("office", "Office", None, OriginConfig()), payload())
    store.close()
    machine.run("config", "set", "origin", "shop")
    return machine


async def _seen(machine: Installation, **environment: str) -> tuple[list[str], bool]:
    """Return the issues an agent is shown, and whether it can read the one of `office`."""
    async with Client(machine.mcp(None, **environment)) as agent:
        listed: Any = (await agent.call_tool("get_error_issues", {"sort": "firstSeen"})).structured_content
        other = await agent.call_tool("get_error_issue", {"issueId": "office-1"})
    return sorted(row["shortId"] for row in listed["items"]), not other.is_error


async def test_the_environment_of_an_entry_leaves_one_origin(machine: Installation) -> None:
    assert await _seen(machine, PROVENANCE_ORIGIN="shop") == (["SHOP-1"], False)


@pytest.mark.parametrize("environment", [{}, {"PROVENANCE_ORIGIN": ""}])
async def test_the_config_file_and_an_empty_variable_bound_nothing(
    machine: Installation, environment: dict[str, str]
) -> None:
    assert await _seen(machine, **environment) == (["OFFICE-1", "SHOP-1"], True)


def test_a_blank_bound_is_refused(machine: Installation) -> None:
    told = machine.run("mcp", expect=2, environment={"PROVENANCE_ORIGIN": " "})

    assert "PROVENANCE_ORIGIN is empty" in told
