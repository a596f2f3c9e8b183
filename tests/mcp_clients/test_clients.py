"""Every client of the official SDKs does the whole work, over stdio and over HTTP, in the era it speaks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import StdioServerParameters
from tests.mcp_clients.machines import Served
from tests.mcp_clients.python_client import Mode, work
from tests.processes import NODE_TESTS, node_package

Door = Literal["stdio", "http", "http with a key"]
FOLDER = Path(__file__).parent
HANDSHAKE, MODERN = "2025-11-25", "2026-07-28"
TOOLS = ["get_error_issues", "get_error_issue", "update_error_issue_status", "get_releases", "create_release"]


@dataclass(frozen=True)
class Place:
    """Where a client goes.

    Attributes:
        process: How it starts a server of its own.
        url: Or where it asks one that runs.
        headers: With which headers.
    """

    process: StdioServerParameters
    url: str | None
    headers: dict[str, str]

    @property
    def served(self) -> StdioServerParameters | str:
        """Return the one or the other."""
        return self.url or self.process


Client = Callable[[Place, str, str], dict[str, Any]]


def _node(script: str, package: str, options: dict[str, Any]) -> Client:
    """Return a client that is a Node script."""

    def run(place: Place, origin: str, issue: str) -> dict[str, Any]:
        node_package(package)
        process = {"command": place.process.command, "args": place.process.args, "env": place.process.env}
        asked = {"origin": origin, "issue": issue, "options": options, "packages": str(NODE_TESTS)}
        where = {"url": place.url, "headers": place.headers} if place.url else {"process": process}
        done = subprocess.run(
            ["node", FOLDER / script, json.dumps(asked | where)],
            env=os.environ | {"HOME": (place.process.env or {})["HOME"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return run


def _python(mode: Mode) -> Client:
    """Return the Python client in a mode."""

    def run(place: Place, origin: str, issue: str) -> dict[str, Any]:
        return anyio.run(work, place.served, place.headers, mode, origin, issue)

    return run


CLIENTS: dict[str, tuple[str, Client]] = {
    "python": (MODERN, _python("auto")),
    "python legacy": (HANDSHAKE, _python("legacy")),
    "typescript 1": (HANDSHAKE, _node("v1.cjs", "@modelcontextprotocol/sdk", {})),
    "typescript 2": (HANDSHAKE, _node("v2.cjs", "@modelcontextprotocol/client", {})),
    "typescript 2 that negotiates": (
        MODERN,
        _node("v2.cjs", "@modelcontextprotocol/client", {"versionNegotiation": {"mode": "auto"}}),
    ),
}
"""The era that a client ends in, and how it does the work."""


@pytest.fixture(params=["stdio", "http", "http with a key"])
def door(request: pytest.FixtureRequest) -> Door:
    return request.param


@pytest.fixture
def served(request: pytest.FixtureRequest, door: Door) -> Served:
    return request.getfixturevalue("keyed_server" if door == "http with a key" else "open_server")


@pytest.fixture
def place(served: Served, door: Door) -> Place:
    headers = {"Authorization": f"Bearer {served.key}"} if served.key else {}
    return Place(served.machine.mcp(), None if door == "stdio" else served.mcp_url, headers)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_does_the_whole_work(name: str, place: Place, door: Door, served: Served, mnemonic: str) -> None:
    era, client = CLIENTS[name]
    issue = served.broken(mnemonic)

    seen = client(place, mnemonic, issue)

    assert (seen["era"], seen["server"], seen["tools"]) == (era, "provenance", TOOLS)
    _assert_tools_told(seen, mnemonic, issue)
    assert "provenance://issues" in seen["resources"]
    assert json.loads(seen["resource"]["text"])["shortId"] == issue
    assert seen["missing"]["code"] == -32602
    assert issue in seen["prompt"]
    assert set(seen["completed"]) == {issue, f"{mnemonic.upper()}-2"}
    if era == HANDSHAKE and door != "stdio":  # no session is kept that could be told later
        assert seen["unheard"]["code"] == -32601 or "does not support" in seen["unheard"]["message"]
    else:
        assert (seen["unheard"], seen["heard"]) == (None, f"provenance://issues/{issue}")


def _assert_tools_told(seen: dict[str, Any], mnemonic: str, issue: str) -> None:
    """Check the answers of the tools; text and structure hold the same."""
    for told in (seen["listed"], seen["detail"], seen["changed"]):
        assert not told["isError"], told
        assert json.loads(told["text"]) == told["structured"]
    assert seen["listed"]["structured"]["total"] == 2
    assert seen["detail"]["structured"]["shortId"] == issue
    assert seen["detail"]["structured"]["event"]["reported"]["stack"]
    assert seen["changed"]["structured"]["status"] == "resolved"
    assert seen["refused"]["isError"] is True
    assert f"{mnemonic}-999" in seen["refused"]["text"]
