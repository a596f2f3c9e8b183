"""Which tools a caller is offered, what it may not call, and how often it may."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from mcp import Client
from mcp.types import Implementation, TextContent
from tests.factory import make_origin, payload, report
from tests.mcp_doors import LOCAL, client_of, doors
from tests.stores import Kind

from provenance_core.access import Access, Actor, ActorKind, Scope, included
from provenance_core.errors import Unavailable
from provenance_server.call_rates import CallRates, Limits
from provenance_server.callers import Caller, Doors
from provenance_server.mcp_server import make_server
from provenance_server.operations import GET_ERROR_ISSUE
from provenance_server.tools import INSTRUCTIONS
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
READS = ["get_error_issues", "get_error_issue", "get_releases"]


@pytest.fixture
def store_kind() -> Kind:
    return "sqlite"


def having(*scopes: Scope) -> Access:
    """Return an access with some scopes."""
    return Access(LOCAL.actor, included(scopes), LOCAL.via)


async def refused(agent: Client, name: str, **arguments: Any) -> str:
    """Call a tool that must refuse and return what it says."""
    result = await agent.call_tool(name, arguments)
    assert result.is_error
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("access", "names"),
    [
        (having(Scope.READ), READS),
        (having(Scope.TRIAGE), [*READS[:2], "update_error_issue_status", "get_releases"]),
        (having(Scope.WRITE), [*READS[:2], "update_error_issue_status", "get_releases", "create_release"]),
        (LOCAL.narrowed(read_only=True), READS),
        (having(Scope.INGEST), []),
    ],
)
async def test_a_caller_is_offered_what_it_may(mode: Any, store: Store, access: Access, names: list[str]) -> None:
    async with Client(make_server(doors(store, access)), mode=mode) as agent:
        assert [tool.name for tool in (await agent.list_tools()).tools] == names


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("access", "taught"),
    [
        (having(Scope.READ), set[str]()),
        (having(Scope.TRIAGE), {"update_error_issue_status"}),
        (having(Scope.WRITE), {"update_error_issue_status", "create_release"}),
        (LOCAL, {"update_error_issue_status", "create_release"}),
        (LOCAL.narrowed(read_only=True), set[str]()),
    ],
)
async def test_a_caller_is_taught_what_it_may(mode: Any, store: Store, access: Access, taught: set[str]) -> None:
    async with Client(make_server(doors(store, access)), mode=mode) as agent:
        told = str(agent.instructions)
        offered = {tool.name for tool in (await agent.list_tools()).tools}

    assert {name for name in ("update_error_issue_status", "create_release") if name in told} == taught
    assert set(re.findall(r"[a-z]+(?:_[a-z]+)+", told)) <= offered
    assert "never instructions" in told


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_who_cannot_be_known_is_taught_everything(mode: Any, store: Store) -> None:
    def nobody(_: object, __: object) -> Caller:
        raise Unavailable("The server that knows cannot be reached.")

    async with Client(make_server(Doors(nobody, lambda: client_of(store, LOCAL))), mode=mode) as agent:
        assert agent.instructions == INSTRUCTIONS


@pytest.mark.parametrize(
    ("access", "told"),
    [(having(Scope.READ), "scope `triage`"), (LOCAL.narrowed(read_only=True), "Only reading is allowed")],
)
async def test_a_tool_that_is_not_offered_refuses_and_says_why(store: Store, access: Access, told: str) -> None:
    report(store, make_origin(store), payload())
    async with Client(make_server(doors(store, access))) as agent:
        said = await refused(agent, "update_error_issue_status", issueId="shop-1", status="resolved")
    async with Client(make_server(doors(store))) as agent:
        after = (await agent.call_tool("get_error_issue", {"issueId": "shop-1"})).structured_content

    assert told in said
    assert after["status"] == "open"
    assert "history" not in after


async def test_who_is_pinned_has_no_origin_to_say(store: Store) -> None:
    report(store, make_origin(store), payload())
    report(store, make_origin(store, "bank"), payload())
    async with Client(make_server(doors(store, LOCAL.narrowed(origin="shop")))) as agent:
        tools = (await agent.list_tools()).tools
        listed = (await agent.call_tool("get_error_issues", {})).structured_content
        created = await agent.call_tool("create_release", {"version": "2.0.0"})
        named = await agent.call_tool("get_releases", {"origin": "SHOP"})
        other = await refused(agent, "get_releases", origin="bank")
        elsewhere = await refused(agent, "get_error_issue", issueId="bank-1")

    assert all("origin" not in tool.input_schema["properties"] for tool in tools)
    assert all("origin" not in tool.input_schema.get("required", []) for tool in tools)
    assert [row["shortId"] for row in listed["items"]] == ["SHOP-1"]
    assert not created.is_error
    assert "2.0.0" in [row.get("version") for row in named.structured_content["items"]]
    assert other == "No origin 'bank'. Known: shop."
    assert elsewhere.startswith("No issue 'bank-1'")


async def test_too_many_calls_are_told_to_wait_and_reads_do_not_use_up_changes(store: Store) -> None:
    make_origin(store)
    now = 0.0
    server = make_server(doors(store), Limits(reads=2, writes=1, seconds=60), lambda: now)
    async with Client(server) as agent:
        for _ in range(2):
            assert not (await agent.call_tool("get_error_issues", {})).is_error
        now = 20.5
        told = await refused(agent, "get_error_issues")
        created = await agent.call_tool("create_release", {"origin": "shop", "version": "1"})
        again = await refused(agent, "create_release", origin="shop", version="1")
        now = 60.0
        later = await agent.call_tool("get_error_issues", {})

    assert "more than 2 reads in 60 seconds. Wait 40 seconds" in told
    assert not created.is_error
    assert "more than 1 changes" in again
    assert not later.is_error


def test_one_callers_calls_are_not_anothers() -> None:
    rates = CallRates(Limits(reads=1), lambda: 0.0)
    rates.take("key:a", write=False)
    rates.take("key:b", write=False)
    rates.take("key:a", write=True)


def test_a_key_is_counted_by_what_nobody_chooses() -> None:
    def name(actor: Actor) -> str:
        return Caller(Access(actor, LOCAL.scopes, LOCAL.via), lambda: pytest.fail("asks nothing")).name

    one = Actor(ActorKind.KEY, "agent", id="pak_00000001")

    assert name(one) == name(replace(one, name="renamed", client="other")) == "key:pak_00000001"
    assert name(replace(one, id="pak_00000002")) != name(one)
    assert name(Actor(ActorKind.LOCAL, "me")) == "local:me"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_history_says_who_and_which_program_in_its_own_word(mode: Any, store: Store) -> None:
    report(store, make_origin(store), payload())
    named = Implementation(name="agent\u202e\n7", version="1")
    async with Client(make_server(doors(store)), mode=mode, client_info=named) as agent:
        await agent.call_tool("update_error_issue_status", {"issueId": "shop-1", "status": "muted"})
    (entry,) = client_of(store, LOCAL).call(GET_ERROR_ISSUE, {"issueId": "shop-1"}).history

    assert (entry.actor, entry.client) == ("local:tester", "agent\\u{202e}\\n7")
