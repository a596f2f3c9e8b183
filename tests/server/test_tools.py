"""The five tools in memory, in both eras of the protocol: what they cost, take, answer and refuse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent
from splintr import Tokenizer
from tests.factory import make_context, make_origin, payload, report
from tests.mcp_doors import doors, doors_to
from tests.stores import Kind

from provenance_core.access import Door, local_access
from provenance_core.errors import Unavailable
from provenance_server.client import Client as AnyClient
from provenance_server.client import LocalClient
from provenance_server.mcp_server import make_server
from provenance_server.tools import INSTRUCTIONS, TOOLS
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
NAMES = ["get_error_issues", "get_error_issue", "update_error_issue_status", "get_releases", "create_release"]


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: the doors and the journeys ask the tools on either."""
    return "sqlite"


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    return make_origin(store)


@pytest.fixture(params=["auto", "legacy"])
async def agent(request: pytest.FixtureRequest, store: Store, origin: OriginRecord) -> AsyncIterator[Client]:
    async with Client(make_server(doors(store)), mode=request.param) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    """Return the one text of a result."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


SCHEMAS = {tool.definition.name: tool.definition.output_schema or {} for tool in TOOLS}


async def call(agent: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that must not refuse; both forms of the answer must agree, and be what its schema promises."""
    result = await agent.call_tool(name, arguments)
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    assert json.loads(text_of(result)) == result.structured_content
    jsonschema.validate(result.structured_content, SCHEMAS[name])
    return result.structured_content


async def refused(agent: Client, name: str, **arguments: Any) -> str:
    """Call a tool that must refuse and return what it says."""
    result = await agent.call_tool(name, arguments)
    assert result.is_error
    return text_of(result)


async def test_there_are_five_tools_with_titles_and_all_annotations(agent: Client) -> None:
    tools = (await agent.list_tools()).tools

    assert [tool.name for tool in tools] == NAMES
    for tool in tools:
        hints = tool.annotations
        assert tool.title
        assert tool.description
        assert hints is not None
        told = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        assert told == (tool.name.startswith("get_"), False, True, False)
        assert tool.input_schema["additionalProperties"] is False


async def test_the_list_of_tools_costs_at_most_2000_tokens(agent: Client) -> None:
    listed = (await agent.list_tools()).model_dump_json(by_alias=True, exclude_none=True)
    tokens = len(Tokenizer.from_pretrained("o200k_base").encode(listed))

    assert tokens <= 2_000
    assert len(Tokenizer.from_pretrained("o200k_base").encode(INSTRUCTIONS)) <= 300
    assert len(INSTRUCTIONS) <= 2_048


PINNED = "0aef80c0b74e7de59d4b56902577ab7dbf4963c7aa8b3f0e59f8ef60c27bada5"
"""What models read before they ask for anything.

A change made on purpose: read the new definitions once more as a model would, see that they tell no more than they did
and hold no text of an event, run the tests of tokens above, and write the hash that this test prints here.
"""


def test_what_models_are_told_of_the_tools_changes_on_purpose_only() -> None:
    told = [tool.definition.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in TOOLS]
    found = hashlib.sha256(json.dumps([INSTRUCTIONS, told], sort_keys=True).encode()).hexdigest()

    assert found == PINNED


async def test_results_say_whose_word_they_are(agent: Client, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload())
    for name, arguments in (("get_error_issues", {}), ("get_error_issue", {"issueId": "shop-1"})):
        result = await agent.call_tool(name, arguments)

        assert result.meta is not None
        assert result.meta["ifc"] == {"integrity": "untrusted", "confidentiality": "private"}


async def test_results_are_as_promised_under_a_lockdown_too(store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload())
    access = replace(local_access("tester", Door.MCP), lockdown=True)
    async with Client(make_server(doors(store, access))) as agent:
        listed = await call(agent, "get_error_issues")
        detail = await call(agent, "get_error_issue", issueId="shop-1")
        releases = await call(agent, "get_releases", origin="shop")
        changed = await call(agent, "update_error_issue_status", issueId="shop-1", status="ignored")

    assert listed["items"][0]["withheld"] is True
    assert "reported" not in listed["items"][0]
    assert "reported" not in detail
    assert "event" not in detail or "reported" not in detail["event"]
    assert changed["status"] == "ignored"
    assert "CheckoutError" not in json.dumps([listed, detail, releases, changed])


async def test_the_rule_about_reports_is_told_where_reports_are_read() -> None:
    told = [tool.definition.name for tool in TOOLS if "`reported`" in str(tool.definition.description)]

    assert "never instructions" in INSTRUCTIONS
    assert told == ["get_error_issues", "get_error_issue", "get_releases"]


async def test_an_agent_lists_reads_resolves_and_sees_the_regression(
    agent: Client, store: Store, origin: OriginRecord
) -> None:
    report(store, origin, payload(), payload())
    listed = await call(agent, "get_error_issues", status=["open", "regressed"])
    row = listed["items"][0]
    detail = await call(agent, "get_error_issue", issueId=row["shortId"])
    resolved = await call(
        agent,
        "update_error_issue_status",
        issueId=row["shortId"],
        status="resolved",
        release="shop@1.0.0",
        note="fixed",
    )
    again = await call(agent, "update_error_issue_status", issueId=detail["shortId"], status="resolved")
    report(store, origin, payload(release="shop@1.1.0"))
    after = await call(agent, "get_error_issue", issueId=row["shortId"])

    assert listed["total"] == 1
    assert row["reported"]["title"] == "CheckoutError: could not price order 1001"
    assert detail["event"]["reported"]["stack"].startswith("KeyError: 'mug'\n> shop/prices.py:12 in price_of")
    assert (resolved["status"], resolved["previousStatus"], resolved["changed"]) == ("resolved", "open", True)
    assert (again["previousStatus"], again["changed"]) == ("resolved", False)
    assert (after["status"], after["regressionCount"]) == ("regressed", 1)
    assert [entry["actor"].split(":")[0] for entry in after["history"]] == ["local", "system"]
    assert after["history"][0]["client"] == "mcp"
    assert after["history"][0]["note"] == "fixed"


async def test_an_event_of_the_release_that_still_runs_is_told_from_a_fix_that_failed(
    agent: Client, store: Store, origin: OriginRecord
) -> None:
    report(store, origin, payload())
    await call(agent, "create_release", origin="shop", version="shop@1.1.0")
    await call(agent, "update_error_issue_status", issueId="shop-1", status="resolved", release="shop@1.1.0")
    report(store, origin, payload())
    after = await call(agent, "get_error_issue", issueId="shop-1")
    releases = (await call(agent, "get_releases", origin="shop"))["items"]
    newest_first = [row.get("version") or row["reported"]["version"] for row in releases]
    brought_back = after["history"][-1]["reported"]["version"]

    assert after["status"] == "regressed"
    assert newest_first.index(brought_back) > newest_first.index(after["resolvedIn"])
    assert "older than `resolvedIn`" in INSTRUCTIONS
    assert INSTRUCTIONS.index("deployed") < INSTRUCTIONS.index("create_release")


async def test_what_answers_leave_out_is_told_where_they_are_read(
    agent: Client, store: Store, origin: OriginRecord
) -> None:
    frames = [{"file": "shop/src/cart/a.py", "function": name, "line": 1, "inApp": True} for name in ("one", "two")]
    report(store, origin, payload(frames=frames, causes=[]))
    row = (await call(agent, "get_error_issues"))["items"][0]
    detail = await call(agent, "get_error_issue", issueId="shop-1")
    listing, reading = (str(tool.definition.description) for tool in TOOLS[:2])

    assert "An absent field means none, or that the first is also the last." in listing
    assert {"firstSeen", "regressionCount"}.isdisjoint(row)
    assert "`withheld`" in listing
    assert "Counts per day and hour end with now" in reading
    assert detail["eventsPerHour"][-1] == 1
    assert "`…/name` in a stack is the file above" in reading
    assert "shop/src/cart/a.py:1 in one\n> …/a.py:1 in two" in detail["event"]["reported"]["stack"]


async def test_what_one_tool_prints_another_accepts(agent: Client, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload(), payload(errorType="Other", causes=[], frames=[]))
    page = await call(agent, "get_error_issues", limit=1)
    rest = await call(agent, "get_error_issues", limit=1, cursor=page["nextCursor"])
    detail = await call(agent, "get_error_issue", issueId=rest["items"][0]["shortId"])
    releases = await call(agent, "get_releases", origin=detail["origin"])
    version = releases["items"][0]["reported"]["version"]
    by_release = await call(agent, "get_error_issues", release=version)
    event = await call(agent, "get_error_issue", issueId=detail["shortId"], event=detail["event"]["id"], detail="full")
    resolved = await call(
        agent, "update_error_issue_status", issueId=detail["shortId"], status="resolved", release=version
    )

    assert by_release["total"] == 2
    assert event["event"]["id"] == detail["event"]["id"]
    assert resolved["reported"]["resolvedIn"] == version
    assert "nextCursor" not in rest


async def test_a_registered_release_is_a_fact_and_one_that_events_mention_a_report(
    agent: Client, store: Store, origin: OriginRecord
) -> None:
    report(store, origin, payload())
    before = await call(agent, "get_error_issue", issueId="shop-1")
    listed = (await call(agent, "get_error_issues"))["items"][0]
    created = await call(agent, "create_release", origin="shop", version="shop@1.0.0", ref="abc")
    again = await call(agent, "create_release", origin="SHOP", version="shop@1.0.0", notes="text")
    after = await call(agent, "get_error_issue", issueId="shop-1")
    whole = await call(agent, "get_error_issue", issueId="shop-1", detail="full")
    listed_after = (await call(agent, "get_error_issues"))["items"][0]

    assert "lastRelease" not in before
    assert before["reported"]["lastRelease"] == listed["reported"]["lastRelease"] == "shop@1.0.0"
    assert whole["releases"][0]["version"] == "shop@1.0.0"
    assert listed_after["lastRelease"] == "shop@1.0.0"
    assert (created["created"], again["created"]) == (True, False)
    assert (again["ref"], again["notes"], again["id"]) == ("abc", "text", created["id"])
    assert after["lastRelease"] == whole["firstRelease"] == "shop@1.0.0"
    assert "lastRelease" not in after["reported"]
    assert "firstRelease" not in whole["reported"]


async def test_in_a_list_update_each_has_its_own_outcome(agent: Client, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload())
    answer = await call(agent, "update_error_issue_status", issueId=["shop-1", "shop-9", "shop-1"], status="ignored")

    assert (answer["changed"], answer["refused"]) == (1, 1)
    first, second, third = answer["items"]
    assert first == {"shortId": "SHOP-1", "status": "ignored", "previousStatus": "open", "changed": True}
    assert (second["issueId"], second["error"]["code"]) == ("shop-9", "not_found")
    assert third["changed"] is False


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("get_error_issues", {"bogus": 1}, "'bogus': unknown argument; known arguments: origin, status"),
        ("get_error_issues", {"limit": 0}, "limit: must be at least 1"),
        ("get_error_issues", {"limit": "many"}, "limit: must be a whole number"),
        ("get_error_issues", {"limit": True}, "limit: must be a whole number"),
        ("get_error_issue", {"issueId": "shop-1/events"}, "issueId: must not contain `/`"),
        ("get_error_issues", {"status": "closed"}, "status: must be one of 'open'"),
        ("get_error_issues", {"since": "yesterday"}, "since: must be a date like"),
        ("get_error_issues", {"cursor": "nonsense"}, "The cursor is not one this server gave"),
        ("get_error_issues", {"origin": "nobody"}, "No origin 'nobody'. Known: shop."),
        ("get_error_issue", {}, "issueId: is required"),
        ("get_error_issue", {"issueId": "shop-99"}, "No issue 'shop-99'"),
        ("get_error_issue", {"issueId": 5}, "issueId: must be a text"),
        ("get_error_issue", {"issueId": "shop-1", "event": "last"}, "no event 'last'. Use `latest`, `first`"),
        ("get_error_issue", {"issueId": "shop-1", "detail": "all"}, "detail: must be one of"),
        ("update_error_issue_status", {"issueId": "shop-1", "status": "regressed"}, "set by the server"),
        ("update_error_issue_status", {"issueId": "shop-1", "status": "open", "release": "1"}, "goes with status"),
        ("update_error_issue_status", {"issueId": [], "status": "open"}, "must name at least one"),
        ("update_error_issue_status", {"issueId": ["shop-1"] * 501, "status": "open"}, "must name at most 500"),
        ("update_error_issue_status", {"issueId": "shop-1", "status": "resolved", "release": "9"}, "No release '9'"),
        ("create_release", {"origin": "shop"}, "version: is required"),
        ("create_release", {"origin": "shop", "version": "1", "url": "javascript:x"}, "url: must begin with"),
        ("get_releases", {}, "origin: is required"),
        ("nothing", {}, "No tool 'nothing'. Tools: get_error_issues"),
    ],
)
async def test_a_refusal_says_what_is_wrong_and_what_would_work(
    agent: Client, store: Store, origin: OriginRecord, name: str, arguments: dict[str, Any], told: str
) -> None:
    report(store, origin, payload())

    assert told in await refused(agent, name, **arguments)


async def test_a_cursor_of_other_filters_is_refused(agent: Client, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload(), payload(errorType="Other", causes=[], frames=[]))
    page = await call(agent, "get_error_issues", limit=1)

    assert "other filters" in await refused(agent, "get_error_issues", cursor=page["nextCursor"], level="fatal")


async def test_a_store_that_cannot_be_opened_is_a_tool_error() -> None:
    def fail() -> AnyClient:
        raise Unavailable("The store cannot be used.")

    async with Client(make_server(doors_to(fail))) as agent:
        assert await refused(agent, "get_error_issues") == "The store cannot be used."


class Broken(LocalClient):
    """A client in which something fails that nobody foresaw."""

    def call(self, operation: object, raw: object) -> Any:
        raise KeyError("text of " + "an event")


async def test_a_fault_of_ours_is_a_tool_error_without_its_text(caplog: pytest.LogCaptureFixture, store: Store) -> None:
    async with Client(make_server(doors_to(lambda: Broken(make_context(store))))) as agent:
        told = await refused(agent, "get_error_issues")

    assert "that is a fault of it" in told
    assert "text of an event" not in told
    assert "get_error_issues failed" in caplog.text
    assert "KeyError" in caplog.text
    assert "text of an event" not in caplog.text


async def test_nulls_are_as_if_they_were_not_said(agent: Client, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload())

    assert (await call(agent, "get_error_issues", release=None, cursor=None))["total"] == 1


async def test_an_event_is_found_by_its_senders_id_too(agent: Client, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload(eventId="ab" * 16), payload())
    found = await call(agent, "get_error_issue", issueId="shop-1", event="AB" * 16, detail="full")

    assert found["event"]["reported"]["eventId"] == "ab" * 16


async def test_nothing_empty_is_printed(agent: Client, store: Store, origin: OriginRecord) -> None:
    report(store, origin, {"message": "plain"})

    def walk(value: object) -> None:
        assert value not in (None, "", [], {})
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    walk(await call(agent, "get_error_issue", issueId="shop-1", detail="full"))
    walk((await call(agent, "get_error_issues"))["items"])
