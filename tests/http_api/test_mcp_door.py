"""Agents over HTTP: one path for both eras, on the store that is served, within what their key allows."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.subscriptions import ResourceUpdated
from mcp.types import Implementation
from starlette.testclient import TestClient
from tests.factory import make_origin, payload, report
from tests.http_api.conftest import BASE
from tests.http_api.keys import bearer, make_key
from tests.processes import Installation, RunningServer, serving
from tests.stores import on_sqlite

from provenance_core.access import Scope
from provenance_http.app import create_app
from provenance_http.bodies import LARGEST_ARGUMENTS
from provenance_http.exposure import Exposure
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

ACCEPT = {"accept": "application/json, text/event-stream"}
ISSUES = "provenance://issues"
STOP_SECONDS = 5.0
RECORD = {"origin": "my-app", "resourceType": "ERROR", "interaction": {"message": "x"}}


def _call(client: TestClient, tool: str, key: str | None = None, **arguments: Any) -> Any:
    params = {"name": tool, "arguments": arguments}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = ACCEPT | {"x-userid": "browser"} | (bearer(key) if key else {})
    answer = client.post("/mcp", json=message, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def _tools(client: TestClient, key: str | None = None) -> set[str]:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    answer = client.post("/mcp", json=message, headers=ACCEPT | (bearer(key) if key else {}))
    return {tool["name"] for tool in answer.json()["result"]["tools"]}


@on_sqlite
def test_a_post_without_a_session_is_answered_in_json(client: TestClient) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}

    answer = client.post("/mcp", json=message, headers=ACCEPT, follow_redirects=False)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


@on_sqlite
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_there_is_no_session_to_listen_to_or_to_end(client: TestClient, method: str) -> None:
    answer = client.request(method, "/mcp", headers=ACCEPT)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@on_sqlite
@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"x" * (LARGEST_ARGUMENTS + 1), {}, 413),
        (b"{}", {"content-encoding": "gzip"}, 415),
        (b"{", {}, 400),
        (b"{}", {"content-type": "text/plain"}, 400),
    ],
)
def test_a_body_that_is_none_is_refused(
    client: TestClient, content: bytes, headers: dict[str, str], status: int
) -> None:
    told = ACCEPT | {"content-type": "application/json"} | headers

    assert client.post("/mcp", content=content, headers=told).status_code == status


@on_sqlite
def test_the_history_tells_who_came_by_which_door(client: TestClient, store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload())
    key = make_key(store, Scope.TRIAGE, label="agent")

    _call(client, "update_error_issue_status", key, issueId="MY-APP-1", status="muted")

    change = client.get("/api/error-issues/MY-APP-1", headers=bearer(key)).json()["history"][0]
    entry = client.get("/api/activity", headers=bearer(key)).json()["items"][0]
    assert (change["actor"], change["client"], entry["door"]) == ("key:agent", "browser", "mcp")


@on_sqlite
def test_tools_are_offered_by_scope(client: TestClient, store: Store) -> None:
    open_to_all = _tools(client)
    offered = {scope: _tools(client, make_key(store, scope)) for scope in (Scope.READ, Scope.TRIAGE, Scope.WRITE)}

    assert offered[Scope.READ] < offered[Scope.TRIAGE] <= offered[Scope.WRITE] <= open_to_all


@on_sqlite
def test_a_server_can_let_everybody_only_read(store: Store, origin: OriginRecord) -> None:
    report(store, origin, payload())
    key = make_key(store, Scope.ADMIN)
    with TestClient(create_app(store, exposure=Exposure(read_only=True)), base_url=BASE) as client:
        refused = _call(client, "update_error_issue_status", key, issueId="MY-APP-1", status="muted")
        read = _call(client, "get_error_issue", key, issueId="MY-APP-1")
        place = "/api/error-issues/MY-APP-1/status"
        by_http = client.patch(place, json={"status": "muted"}, headers=bearer(key))

    assert refused["isError"]
    assert "--read-only" in refused["content"][0]["text"]
    assert not read.get("isError")
    assert by_http.status_code == 403


@on_sqlite
def test_what_an_agent_records_goes_the_way_of_every_event(
    client: TestClient, store: Store, origin: OriginRecord
) -> None:
    key = make_key(store, Scope.WRITE)
    client.post("/api/interactions", json=RECORD, headers=bearer(key))

    read = _call(client, "get_error_issue", key, issueId="MY-APP-1")

    assert read["structuredContent"]["eventCount"] == 1


@on_sqlite
def test_an_application_can_be_started_again(store: Store) -> None:
    app = create_app(store)

    for _ in range(2):
        with TestClient(app, base_url=BASE) as client:
            assert _tools(client)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def server(machine: Installation) -> Iterator[RunningServer]:
    """Run a server that has one issue, and a key called agent."""
    with closing(Store.open(machine.store_url)) as store:
        report(store, make_origin(store, "my-app"), payload())
        (machine.home / "key").write_text(make_key(store, Scope.ADMIN, label="agent"))
    with serving(machine) as running:
        yield running


@asynccontextmanager
async def _agent(server: RunningServer, key: str, **options: Any) -> AsyncGenerator[Client]:
    async with httpx2.AsyncClient(headers=bearer(key), trust_env=False, timeout=30) as http:
        transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
        async with Client(transport, client_info=Implementation(name="tests", version="1"), **options) as client:
            yield client


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "revision"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
async def test_agents_of_both_eras_work_on_one_path(
    server: RunningServer, machine: Installation, mode: Any, revision: str
) -> None:
    async with _agent(server, (machine.home / "key").read_text(), mode=mode) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        listed = await client.call_tool("get_error_issues", {})
        refused = await client.call_tool("get_error_issue", {"issueId": "NOPE-1"})
        spoken = client.protocol_version

    assert spoken == revision
    assert "get_error_issue" in tools
    assert listed.structured_content is not None
    assert [one["shortId"] for one in listed.structured_content["items"]] == ["MY-APP-1"]
    assert refused.is_error


@pytest.mark.anyio
async def test_who_listens_hears_of_changes_until_a_key_is_revoked(
    server: RunningServer, machine: Installation
) -> None:
    admin = bearer((machine.home / "key").read_text())
    async with httpx2.AsyncClient(base_url=server.url, headers=admin, trust_env=False) as http:
        made = (await http.post("/api/keys", json={"label": "ear", "scopes": ["read"]})).json()
        async with _agent(server, made["key"]) as client:
            with anyio.fail_after(20):
                async with client.listen(resource_subscriptions=[ISSUES]) as heard:
                    await http.patch("/api/error-issues/MY-APP-1/status", json={"status": "muted"})
                    first = await anext(aiter(heard))
                    await http.delete(f"/api/keys/{made['id']}")
                    with pytest.raises(SubscriptionLost):
                        await anext(aiter(heard))
        refused = await http.post("/mcp", json={}, headers=bearer(made["key"]))

    assert refused.status_code == 401
    assert first == ResourceUpdated(uri=ISSUES)


def test_a_server_that_is_told_to_stop_does_not_wait_for_listeners(tmp_path: Path) -> None:
    machine = Installation(tmp_path)
    opened = threading.Event()
    ended = threading.Event()

    async def listen(server: RunningServer) -> None:
        try:
            async with (
                Client(f"{server.url}/mcp") as client,
                client.listen(resource_subscriptions=["provenance://issues"]) as heard,
            ):
                opened.set()
                async for _ in heard:
                    pass
        except Exception:  # noqa: BLE001  # it ends, in whatever way the SDK tells that
            pass
        finally:
            ended.set()

    with serving(machine) as server:
        listener = threading.Thread(target=anyio.run, args=(listen, server))
        listener.start()
        assert opened.wait(30)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        output, errors = server.process.communicate(timeout=30)
        took = time.monotonic() - began
        assert ended.wait(30)
        listener.join(30)

        assert (server.process.returncode, errors) == (0, ""), output
        assert took < STOP_SECONDS
