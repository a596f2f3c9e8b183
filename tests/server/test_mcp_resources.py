"""Resources over MCP in both eras: what is at an address, what is not, and that it is what the tools answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import TextResourceContents
from tests.factory import make_origin, payload, report
from tests.mcp_doors import LOCAL, doors
from tests.stores import on_sqlite

from provenance_core.access import SYSTEM_ACTOR, Access, Scope
from provenance_core.origins import OriginConfig
from provenance_server.apps.issues_app import EXTENSION, MIME_TYPE, URI
from provenance_server.fitting import cost
from provenance_server.mcp_server import make_server
from provenance_server.render_limits import ORIGIN_ROW, ORIGINS_LEAST
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = [pytest.mark.anyio, on_sqlite]
CANARY = "canary-of-an-event"


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    """Return an origin with one issue whose every text is marked."""
    origin = make_origin(store)
    report(store, origin, payload(message=CANARY, errorType=CANARY, release=CANARY, tags={CANARY: CANARY}))
    return origin


async def read(agent: Client, uri: str) -> dict[str, Any]:
    """Read a resource that must be there."""
    (contents,) = (await agent.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    assert (contents.uri, contents.mime_type) == (uri, "application/json")
    return json.loads(contents.text)


async def test_what_is_always_there_and_how_the_rest_is_named(agent: Client) -> None:
    listed = (await agent.list_resources()).resources
    templates = (await agent.list_resource_templates()).resource_templates
    told = json.dumps([one.model_dump(mode="json") for one in (*listed, *templates)])

    assert [one.uri for one in listed] == ["provenance://issues", "provenance://origins", URI]
    assert [one.uri_template for one in templates] == [
        "provenance://issues/{id}",
        "provenance://events/{id}",
        "provenance://releases/{origin}",
    ]
    assert all(one.title and one.description and one.mime_type for one in (*listed, *templates))
    assert CANARY not in told


async def test_a_resource_is_what_the_tool_answers(agent: Client) -> None:
    unresolved = await agent.call_tool("get_error_issues", {"status": ["open", "regressed"], "limit": 20})
    detail = await agent.call_tool("get_error_issue", {"issueId": "shop-1"})
    releases = await agent.call_tool("get_releases", {"origin": "shop"})

    assert await read(agent, "provenance://issues") == unresolved.structured_content
    assert await read(agent, "provenance://issues/SHOP-1") == detail.structured_content
    assert await read(agent, "provenance://releases/shop") == releases.structured_content


async def test_an_event_is_found_by_its_id(agent: Client) -> None:
    detail = await read(agent, "provenance://issues/shop-1")
    event = await read(agent, f"provenance://events/{detail['event']['id']}")

    assert (event["issue"], event["id"]) == ("SHOP-1", detail["event"]["id"])
    assert CANARY in json.dumps(event.pop("reported"))
    assert CANARY not in json.dumps(event)


async def test_origins_are_told_without_their_keys(agent: Client, origin: OriginRecord) -> None:
    assert await read(agent, "provenance://origins") == {
        "items": [{"mnemonic": "shop", "number": 1, "name": "Shop"}],
        "total": 1,
    }


@pytest.mark.parametrize("count", [1, 91, 120])
@pytest.mark.parametrize("mnemonic", ["o", "x7q-" * 14 + "z9q"])
async def test_origins_cost_so_much_each_and_what_is_left_out_is_said(
    agent: Client, store: Store, origin: OriginRecord, count: int, mnemonic: str
) -> None:
    long = "\u9f98\u9750" * 100
    for number in range(1, count):
        store.origins.create(f"{mnemonic}{number}", long, long, OriginConfig(), by=SYSTEM_ACTOR)
    told = await read(agent, "provenance://origins")

    assert cost(told) <= max(ORIGIN_ROW * min(count, 100), ORIGINS_LEAST)
    assert (len(told["items"]), told["total"]) == (min(count, 100), count)
    assert ("cut" in told) is (count > 100)
    assert all(row["mnemonic"] and row["number"] for row in told["items"])
    assert told["items"][0]["name"] == "Shop"
    if count > 100:
        assert told["cut"].startswith("20 more: list them with `provenance origins list`")


@pytest.mark.parametrize(
    "uri",
    [
        "provenance://issues/shop-99",
        "provenance://issues/",
        "provenance://issues/shop-1/events",
        "provenance://issues/%2e%2e%2fshop",
        "provenance://events/nothing",
        "provenance://events/01a20a92-9bb4-7e56-a32c-58ccd0329cf7",
        "provenance://releases/nobody",
        "provenance://releases",
        "provenance://origins/shop",
        "provenance://",
        "file:///etc/passwd",
        "ui://provenance/other.html",
        "provenance://issues/" + "x" * 300,
    ],
)
async def test_what_is_not_there_is_an_invalid_parameter_with_its_uri(agent: Client, uri: str) -> None:
    with pytest.raises(MCPError) as refused:
        await agent.read_resource(uri)

    assert refused.value.code == -32602
    assert refused.value.data == {"uri": uri}
    assert CANARY not in refused.value.message


async def test_the_app_is_a_page_that_loads_nothing(agent: Client) -> None:
    (contents,) = (await agent.read_resource(URI)).contents
    tools = {tool.name: tool.meta for tool in (await agent.list_tools()).tools}

    assert isinstance(contents, TextResourceContents)
    assert contents.mime_type == MIME_TYPE
    assert contents.text.startswith("<!doctype html>")
    assert contents.meta is not None
    assert contents.meta["ui"]["csp"]["connectDomains"] == []
    assert [name for name, meta in tools.items() if meta and meta["ui"]["resourceUri"] == URI] == [
        "get_error_issues",
        "get_error_issue",
    ]
    assert agent.server_capabilities.extensions == {EXTENSION: {}}


async def _denied(store: Store, access: Access, uri: str) -> MCPError:
    async with Client(make_server(doors(store, access))) as agent:
        with pytest.raises(MCPError) as refused:
            await agent.read_resource(uri)
    return refused.value


async def test_a_caller_who_may_not_read_reads_nothing(store: Store, origin: OriginRecord) -> None:
    access = Access(LOCAL.actor, frozenset({Scope.INGEST}), LOCAL.via)
    error = await _denied(store, access, "provenance://issues")

    assert (error.code, error.data) == (-32003, {"code": "forbidden"})
    assert "`read`" in error.message


async def test_a_pinned_caller_finds_nothing_of_another_origin(store: Store, origin: OriginRecord) -> None:
    make_origin(store, "bank")
    access = LOCAL.narrowed(origin="bank")
    async with Client(make_server(doors(store, access))) as agent:
        unresolved = await read(agent, "provenance://issues")
        origins = await read(agent, "provenance://origins")

    assert unresolved["total"] == 0
    assert [row["mnemonic"] for row in origins["items"]] == ["bank"]
    for uri in ("provenance://issues/shop-1", "provenance://releases/shop"):
        assert (await _denied(store, access, uri)).code == -32602
