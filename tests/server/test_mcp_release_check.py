"""The prompt that checks a release, followed word by word: what it claims of the tools' answers holds."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent
from tests.factory import make_origin, payload, report
from tests.mcp_doors import LOCAL, doors
from tests.storage import conftest as held
from tests.storage.conftest import HeldClock
from tests.stores import Kind

from provenance_server.mcp_server import make_server
from provenance_storage.records import OriginRecord
from provenance_storage.releases import ReleaseDetails
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
DAY = 86_400_000_000


clock, store = held.clock, held.store


@pytest.fixture
def store_kind() -> Kind:
    return "sqlite"


@pytest.fixture
def origin(store: Store, clock: HeldClock) -> OriginRecord:
    """Return an origin with two releases: the second brought SHOP-2, and still has SHOP-1, which is older."""
    origin = make_origin(store)
    report(store, origin, failing("Old", "shop@1.0.0"))
    clock.now += DAY
    report(store, origin, failing("New", "shop@1.1.0"), failing("Old", "shop@1.1.0"))
    clock.now += DAY
    report(store, origin, failing("New", "shop@1.1.0"))
    return origin


def failing(name: str, release: str) -> dict[str, Any]:
    """Return an event of an error of its own."""
    return payload(errorType=name, causes=[], frames=[], release=release)


async def prompt(agent: Client, **arguments: str) -> str:
    """Return the prompt's text."""
    (message,) = (await agent.get_prompt("release_check", arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


async def answer(agent: Client, text: str, tool: str, **named: str) -> dict[str, Any]:
    """Make a call as the prompt writes it out, with what stands for its place."""
    found = re.search(rf"Call {tool} with (\{{.*?\}})\.", text)
    assert found is not None
    arguments = json.loads(found[1])
    if "release" in arguments:
        arguments["release"] = named.get(arguments["release"], arguments["release"])
    result = await agent.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def version_of(row: dict[str, Any]) -> str:
    """Return a release's version from where the prompt says that it stands."""
    return row.get("version") or row["reported"]["version"]


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("given", [{}, {"release": "shop@1.1.0"}])
async def test_followed_it_reads_the_issues_that_the_release_brought(
    store: Store, origin: OriginRecord, given: dict[str, str], registered: bool
) -> None:
    if registered:
        store.releases.register(origin.id, "shop@1.0.0", ReleaseDetails())
    async with Client(make_server(doors(store))) as agent:
        text = await prompt(agent, origin="shop", **given)
        rows = (await answer(agent, text, "get_releases"))["items"]
        release, before = rows[0], rows[1]
        listed = await answer(agent, text, "get_error_issues", **{"<that version>": version_of(release)})
        brought = [
            row["shortId"] for row in listed["items"] if row.get("firstSeen", row["lastSeen"]) >= release["createdAt"]
        ]

    assert (version_of(release), version_of(before)) == ("shop@1.1.0", "shop@1.0.0")
    assert ("The release is the first row." in text) is not bool(given)
    assert "else under `reported`" in text
    assert "whose firstSeen (absent: same as lastSeen) is not before the release's createdAt" in text
    assert (release["newIssues"], before["newIssues"]) == (1, 1)
    assert sorted(row["shortId"] for row in listed["items"]) == ["SHOP-1", "SHOP-2"]
    assert brought == ["SHOP-2"]


async def test_followed_within_one_origin_it_reads_that_one(store: Store, origin: OriginRecord) -> None:
    async with Client(make_server(doors(store, LOCAL.narrowed(origin="shop")))) as agent:
        text = await prompt(agent, release="shop@1.0.0")
        rows = (await answer(agent, text, "get_releases"))["items"]
        listed = await answer(agent, text, "get_error_issues")

    assert [version_of(row) for row in rows] == ["shop@1.1.0", "shop@1.0.0"]
    assert [row["shortId"] for row in listed["items"]] == ["SHOP-1"]
