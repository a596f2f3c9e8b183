"""The main job with real processes: official SDKs report, an agent reads and resolves, the error comes back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from tests.processes import NODE_TESTS, Installation, RunningServer, dsn, node_package

pytestmark = pytest.mark.anyio
Application = Callable[..., None]
FOLDER = Path(__file__).parent


each_client = pytest.mark.parametrize(
    ("machine", "shop"), [("sqlite", "sentry-sdk"), ("sqlite", "@sentry/node")], indirect=True
)
each_client_and_store = pytest.mark.parametrize(
    ("machine", "shop"),
    [("sqlite", "sentry-sdk"), ("sqlite", "@sentry/node"), ("postgresql", "sentry-sdk")],
    indirect=True,
)
"""What a client sends does not depend on the store that takes it."""


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, machine: Installation, server: RunningServer, origin: dict[str, Any]
) -> Application:
    """Return a function that runs a real application in a release, which breaks once for each order."""
    command = [sys.executable, str(FOLDER / "apps" / "shop.py")]
    if request.param == "@sentry/node":
        node_package("@sentry/node")
        command = ["node", str(NODE_TESTS / "shop.mjs")]

    def run(release: str, *orders: int) -> None:
        environment = machine.environment | {"SENTRY_DSN": dsn(server.url, origin), "RELEASE": release}
        # in one process, @sentry/node drops events whose root cause is that of the one before
        together = [orders] if request.param == "sentry-sdk" else [(order,) for order in orders]
        for some in together:
            subprocess.run([*command, *map(str, some)], env=environment, check=True, timeout=60)

    run.language = request.param  # type: ignore[attr-defined]  # told to the test
    return run


async def _call(agent: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await agent.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


@each_client_and_store
async def test_an_error_becomes_an_issue_that_is_read_resolved_and_regresses(
    machine: Installation, server: RunningServer, origin: dict[str, Any], shop: Application
) -> None:
    shop("shop@1.0.0", 1001, 1002, 1003)
    async with Client(machine.mcp()) as agent:
        listed = await _call(agent, "get_error_issues", origin=origin["mnemonic"], status=["open"])
        issue = listed["items"][0]["shortId"]
        first = await _call(agent, "get_error_issue", issueId=issue, detail="full")
        await _call(agent, "update_error_issue_status", issueId=issue, status="resolved", release="shop@1.0.0")
        shop("shop@1.0.0", 1004)
        same = await _call(agent, "get_error_issue", issueId=issue)
        shop("shop@1.1.0", 1005, 1006)
        after = await _call(agent, "get_error_issue", issueId=issue)
    with server.client() as client:
        detail = client.get(f"/api/error-issues/{issue}").json()

    _check_first(listed, first, getattr(shop, "language", ""))
    assert (same["status"], same["eventCount"], "regressionCount" in same) == ("resolved", 4, False)
    assert (after["status"], after["eventCount"], after["userCount"]) == ("regressed", 6, 2)
    assert after["regressionCount"] == 1
    assert [(entry["fromStatus"], entry["toStatus"]) for entry in after["history"]] == [
        ("open", "resolved"),
        ("resolved", "regressed"),
    ]
    assert detail["history"][1]["eventId"] != after["event"]["id"]
    met = {entry["reported"]["version"]: entry["eventCount"] for entry in after["releases"]}
    assert met == {"shop@1.0.0": 4, "shop@1.1.0": 2}
    assert after["firstSeen"] == first["firstSeen"]
    assert datetime.fromisoformat(detail["lastSeen"]) > datetime.fromisoformat(first["lastSeen"])
    assert sum(entry["eventCount"] for entry in detail["countsPerHour"]) == 6
    assert {tag["key"]: tag["values"] for tag in detail["reported"]["tags"]}["environment"] == [
        {"value": "production", "eventCount": 6}
    ]


def _check_first(listed: dict[str, Any], first: dict[str, Any], language: str) -> None:
    """Check what the agent was shown before it resolved."""
    stack = first["event"]["reported"]["stack"]
    assert listed["total"] == 1
    assert (first["eventCount"], first["userCount"], first["event"]["via"]) == (3, 2, "public")
    if language == "sentry-sdk":
        assert first["reported"]["title"] == "RuntimeError: could not price order 1003"
        assert first["reported"]["culprit"].endswith("in price_order")
        assert stack.startswith("KeyError: 'mug'\n> ")
        assert "    → 13     return PRICES[sku] * rate" in stack
        assert "sku = 'mug'" in stack
        assert "which caused" in stack
    else:
        assert first["reported"]["title"] == "Error: could not check out order 1003"
        assert first["reported"]["culprit"].endswith("in checkout")
        assert stack.startswith("TypeError: Cannot read properties of undefined (reading 'amount')\n> ")
        assert "return cart.items.map((item) => item.price.amount + currency.length);" in stack
        assert "which caused" in stack


@each_client
def test_transactions_and_sessions_of_sdks_are_taken_politely(
    server: RunningServer, origin: dict[str, Any], shop: Application
) -> None:
    shop("shop@1.0.0", 1001)
    with server.client() as client:
        listed = client.get("/api/error-issues", params={"origin": origin["mnemonic"]}).json()

    assert listed["total"] == 1
    assert listed["items"][0]["eventCount"] == 1


@pytest.mark.parametrize("machine", ["sqlite"], indirect=True)
def test_the_dsn_that_a_local_command_prints_names_the_server_that_runs(
    machine: Installation, server: RunningServer, origin: dict[str, Any]
) -> None:
    assert dsn(server.url, origin) in machine.run("origins", "get", origin["mnemonic"])
