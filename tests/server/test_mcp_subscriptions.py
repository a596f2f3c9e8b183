"""Subscriptions over MCP in both eras: who listens hears what any process does to issues, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp import Client, MCPError
from mcp.client.subscriptions import ResourceUpdated
from mcp.server.lowlevel import Server
from mcp.types import (
    EmptyResult,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)
from tests.factory import make_origin, payload, report
from tests.mcp_doors import LOCAL, client_of, doors
from tests.server.mcp_eras import Mode, modes
from tests.stores import Kind

from provenance_core.access import Access, Scope
from provenance_core.errors import Unavailable
from provenance_core.lifecycle import ChangeKind, Status
from provenance_server.access_answers import ChangeList, IssueChange
from provenance_server.mcp_server import make_server
from provenance_server.operations import UPDATE_ERROR_ISSUE_STATUS
from provenance_server.subscriptions import Subscription, Watcher
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
SECONDS = 20
EVERY = 0.02
ISSUES = "provenance://issues"


@pytest.fixture
def store_kind() -> Kind:
    return "sqlite"


def serving(store: Store, access: Access = LOCAL) -> Server[Any]:
    """Return a server that looks for changes often."""
    return make_server(doors(store, access), every=EVERY)


@asynccontextmanager
async def listening(
    server: Server[Any], mode: Mode, *uris: str
) -> AsyncGenerator[tuple[Client, MemoryObjectReceiveStream[str]]]:
    """Listen for some resources, as clients of an era do; what is heard comes in a stream."""
    send, heard = anyio.create_memory_object_stream[str](100)

    async def take(message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            await send.send(message.params.uri)

    async def follow(events: Any) -> None:
        async for event in events:
            assert isinstance(event, ResourceUpdated)
            await send.send(event.uri)

    with send, heard:
        if mode == "legacy":
            async with Client(server, mode=mode, message_handler=take) as agent:
                for uri in uris:
                    await subscribe(agent, uri)
                yield agent, heard
            return
        async with (
            Client(server, mode=mode) as agent,
            agent.listen(resource_subscriptions=uris) as events,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(follow, events)
            yield agent, heard
            tasks.cancel_scope.cancel()


async def subscribe(agent: Client, uri: str) -> None:
    """Subscribe as clients of the handshake era do."""
    await agent.session.send_request(SubscribeRequest(params=SubscribeRequestParams(uri=uri)), EmptyResult)


async def unsubscribe(agent: Client, uri: str) -> None:
    """Unsubscribe likewise."""
    await agent.session.send_request(UnsubscribeRequest(params=UnsubscribeRequestParams(uri=uri)), EmptyResult)


async def next_of(heard: MemoryObjectReceiveStream[str]) -> str:
    """Return what is heard next, within a limit."""
    with anyio.fail_after(SECONDS):
        return await heard.receive()


def resolve(store: Store, issue: str, **more: str) -> None:
    """Resolve an issue as another process would."""
    client_of(store, LOCAL).call(UPDATE_ERROR_ISSUE_STATUS, {"issueId": issue, "status": "resolved", **more})


@modes
async def test_both_eras_are_told_truly_what_there_is(mode: Mode, store: Store) -> None:
    async with Client(make_server(doors(store)), mode=mode) as agent:
        able = agent.server_capabilities
        assert able.resources is not None
        assert able.tools is not None
        assert able.prompts is not None
        assert able.resources.subscribe is True
        assert (able.resources.list_changed, able.tools.list_changed, able.prompts.list_changed) == (False,) * 3
        assert able.completions is not None


@modes
async def test_a_new_issue_is_heard_of(mode: Mode, store: Store, origin: OriginRecord) -> None:
    async with listening(serving(store), mode, ISSUES) as (_, heard):
        report(store, origin, payload(errorType="Other", causes=[], frames=[]))

        assert await next_of(heard) == ISSUES


@modes
async def test_a_change_of_an_issue_is_heard_at_every_address_as_it_was_written(
    mode: Mode, store: Store, origin: OriginRecord
) -> None:
    issue = store.issues.find("shop-1", None)
    uris = {f"{ISSUES}/{issue.id}", f"{ISSUES}/shop-1", f"{ISSUES}/SHOP-1", ISSUES}
    async with listening(serving(store), mode, *uris) as (_, heard):
        resolve(store, "shop-1")

        assert {await next_of(heard) for _ in uris} == uris


@modes
async def test_a_regression_is_heard_by_who_follows_the_releases(
    mode: Mode, store: Store, origin: OriginRecord
) -> None:
    resolve(store, "shop-1", release="shop@1.0.0")
    uri = "provenance://releases/1"
    async with listening(serving(store), mode, uri) as (agent, heard):
        report(store, origin, payload(release="shop@2.0.0"))

        assert await next_of(heard) == uri
        assert (await agent.call_tool("get_error_issue", {"issueId": "shop-1"})).structured_content[
            "status"
        ] == "regressed"


async def test_who_unsubscribes_hears_no_more(store: Store, origin: OriginRecord) -> None:
    async with listening(serving(store), "legacy", ISSUES, f"{ISSUES}/shop-1") as (agent, heard):
        await unsubscribe(agent, ISSUES)
        await unsubscribe(agent, ISSUES)
        resolve(store, "shop-1")

        assert await next_of(heard) == f"{ISSUES}/shop-1"
        with pytest.raises(anyio.WouldBlock):
            heard.receive_nowait()


@modes
async def test_a_pinned_listener_hears_of_its_origin_only(mode: Mode, store: Store, origin: OriginRecord) -> None:
    report(store, make_origin(store, "bank"), payload())
    server = serving(store, LOCAL.narrowed(origin="bank"))
    async with listening(server, mode, ISSUES, f"{ISSUES}/shop-1", f"{ISSUES}/bank-1") as (_, heard):
        resolve(store, "shop-1")
        resolve(store, "bank-1")

        assert {await next_of(heard), await next_of(heard)} == {ISSUES, f"{ISSUES}/bank-1"}
        with pytest.raises(anyio.WouldBlock):
            heard.receive_nowait()


async def test_without_sessions_the_handshake_era_cannot_subscribe_and_is_told_so(store: Store) -> None:
    server = make_server(doors(store, keeps_sessions=False))
    async with Client(server, mode="legacy") as agent:
        assert agent.server_capabilities.resources is not None
        assert agent.server_capabilities.resources.subscribe is False
        with pytest.raises(MCPError, match="Method not found"):
            await subscribe(agent, ISSUES)
    async with Client(server) as agent:
        assert agent.server_capabilities.resources is not None
        assert agent.server_capabilities.resources.subscribe is True


@modes
async def test_who_may_not_read_may_not_listen(mode: Mode, store: Store, origin: OriginRecord) -> None:
    server = serving(store, Access(LOCAL.actor, frozenset({Scope.INGEST}), LOCAL.via))
    with pytest.raises(ExceptionGroup) as refused:
        async with listening(server, mode, ISSUES):
            pass

    assert refused.group_contains(MCPError, match="takes the scope `read`", depth=None)


@pytest.mark.parametrize("uri", ["provenance://nothing", "file:///etc/passwd", "provenance://releases/nobody"])
async def test_what_is_not_there_cannot_be_subscribed_to(uri: str, store: Store) -> None:
    async with Client(make_server(doors(store)), mode="legacy") as agent:
        with pytest.raises(MCPError) as refused:
            await subscribe(agent, uri)

    assert (refused.value.code, refused.value.data) == (-32602, {"uri": uri})


def change(number: int, kind: ChangeKind, issue: str = "SHOP-1") -> IssueChange:
    """Return a change of an issue."""
    return IssueChange(
        id=str(number),
        issue_id=f"id-of-{issue}",
        short_id=issue,
        origin="shop",
        change=kind,
        status=Status.OPEN,
        at="2026-11-23T10:00:00.000Z",
    )


class Script:
    """Answer what happened, one list for each time it is asked; afterwards nothing."""

    def __init__(self, *lists: list[IssueChange] | Exception) -> None:
        self._lists = list(lists)
        self.asked: list[str | None] = []
        self.done = anyio.Event()

    def __call__(self, after: str | None) -> ChangeList:
        self.asked.append(after)
        if not self._lists:
            anyio.from_thread.run_sync(self.done.set)
            return ChangeList(items=[], next_cursor=str(len(self.asked)))
        told = self._lists.pop(0)
        if isinstance(told, Exception):
            raise told
        return ChangeList(items=told, next_cursor=str(len(self.asked)))


async def _told(script: Script, times: list[float]) -> list[str]:
    """Return what a subscription to an issue is told of a script; the clock gives each time once, then the last."""
    told: list[str] = []

    async def send(uri: str) -> None:
        told.append(uri)

    def clock() -> float:
        return times.pop(0) if len(times) > 1 else times[0]

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            watcher = Watcher(script, tasks, 0.001, clock)
            subscription = Subscription({("issues", "shop-1"): ["i"], ("issues", ""): ["all"]}, None, send)
            await watcher.add(subscription)
            await script.done.wait()
            watcher.remove(subscription)
    return told


async def test_a_change_that_is_told_twice_is_passed_on_once() -> None:
    twice = change(1, ChangeKind.STATUS)

    assert await _told(Script([], [twice], [twice], [twice]), [0.0]) == ["all", "i"]


async def test_further_events_are_told_every_five_seconds_and_statuses_at_once() -> None:
    events = [[change(number, ChangeKind.EVENT)] for number in range(3)]
    script = Script([], *events, [change(9, ChangeKind.STATUS)], [change(10, ChangeKind.EVENT)], [], [])

    assert await _told(script, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 9.5]) == ["i", "all", "i", "i"]


async def test_a_failure_is_told_once_and_what_happened_meanwhile_is_not_missed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = Unavailable("No server answers.")
    script = Script([], away, away, KeyError("text of an event"), [change(1, ChangeKind.NEW)])
    with caplog.at_level(logging.WARNING):
        told = await _told(script, [0.0])

    assert told == ["all", "i"]
    assert script.asked[:6] == [None, "1", "1", "1", "1", "5"]
    assert [record.message for record in caplog.records] == [
        "What changes cannot be watched for now: No server answers."
    ]


async def test_a_listener_that_is_gone_is_forgotten() -> None:
    async def gone(_: str) -> None:
        raise anyio.ClosedResourceError

    tasks = anyio.create_task_group()
    watcher = Watcher(Script([], [change(1, ChangeKind.NEW)]), tasks, 0.001)
    with anyio.fail_after(SECONDS):
        async with tasks:  # it ends when nobody is watched for any more
            await watcher.subscribe("all", Subscription({("issues", ""): ["all"]}, None, gone))
    watcher.unsubscribe("all")


async def test_nobody_is_asked_while_nobody_listens(store: Store, origin: OriginRecord) -> None:
    script = Script()
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            Watcher(script, tasks, 0.001)

    assert script.asked == []
