"""Who may ask for what: every operation, every route and every tool, for somebody of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.factory import make_origin
from tests.http_api.conftest import BASE
from tests.http_api.keys import Holder, holders
from tests.http_api.sending import envelope, event_item
from tests.stores import new_database_url

from provenance_core.access import Scope
from provenance_http.app import Application, create_app
from provenance_http.openapi import openapi_document
from provenance_http.scoped_routes import ScopedRoute
from provenance_server.operations import OPERATIONS
from provenance_server.tools import TOOLS
from provenance_storage.store import Store

DOCUMENT = openapi_document("Provenance", "1")
PLACES = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}
INGEST = {"send_envelope", "send_event"}
UNDESCRIBED = {
    ("GET", "/"): None,
    ("GET", "/openapi.json"): None,
    ("GET", "/docs"): None,
    ("GET", "/.well-known/oauth-protected-resource"): None,
    ("GET", "/.well-known/oauth-protected-resource/mcp"): None,
    ("POST", "/mcp"): Scope.READ,
    **{
        (method, path): Scope.READ if method in {"GET", "OPTIONS"} else Scope.WRITE
        for method in ("GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
        for path in ("/api/0", "/api/0/{rest:path}")
    },
}
"""The routes that the document leaves out, and what they need: None where nobody is asked."""

MCP = {"accept": "application/json, text/event-stream"}


@dataclass
class Server:
    """An application of which somebody of every kind asks."""

    app: Application
    client: TestClient
    store: Store
    holders: list[Holder]

    def ask(self, holder: Holder, method: str, path: str) -> Any:
        """Ask for a path as somebody; what is asked for is not there, so that nothing changes."""
        for name in ("issueId", "origin", "release", "id"):
            path = path.replace(f"{{{name}}}", "nothing")
        body: dict[str, Any] = {"json": {}} if method in {"POST", "PUT", "PATCH"} else {}
        return self.client.request(method, path, headers=holder.headers, **body)

    def call(self, holder: Holder, tool: str) -> Any:
        """Call a tool over MCP as somebody."""
        params = {"name": tool, "arguments": {"nothing": 1}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return self.client.post("/mcp", json=message, headers=MCP | holder.headers)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with new_database_url("sqlite", tmp_path_factory.mktemp("keys")) as url:
        store = Store.open(url)
        there = holders(store, make_origin(store, "my-app"))
        app = create_app(store)
        with TestClient(app, base_url=BASE) as client:
            yield Server(app, client, store, there)
        store.close()


def _expected(holder: Holder, needed: Scope) -> int | None:
    """Return the refusal that somebody gets; None for somebody who may."""
    if holder.may is None:
        return 401
    return None if needed in holder.may else 403


def _refusal(answer: Any) -> int | None:
    return answer.status_code if answer.status_code in {401, 403} else None


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.name for operation in OPERATIONS])
def test_the_document_tells_the_scope_that_an_operation_checks(operation: Any) -> None:
    described = PLACES[operation.name][2]

    assert described["x-required-scope"] == operation.scope.value
    assert described["security"] == [{"apiKey": []}, {"bearer": []}]
    assert {"401", "403"} <= described["responses"].keys()


@pytest.mark.parametrize("name", sorted(PLACES.keys() - INGEST))
def test_an_operation_is_for_those_who_have_its_scope(server: Server, name: str) -> None:
    method, path, described = PLACES[name]
    told = described.get("x-required-scope")

    refusals = {holder.name: _refusal(server.ask(holder, method, path)) for holder in server.holders}

    if told is None:
        assert described["security"] == []
    assert refusals == {one.name: _expected(one, Scope(told)) if told else None for one in server.holders}


@pytest.mark.parametrize("place", UNDESCRIBED, ids=" ".join)
def test_what_the_document_leaves_out_is_no_more_open(server: Server, place: tuple[str, str]) -> None:
    method, path = place
    needed = UNDESCRIBED[place]

    refusals = {one.name: _refusal(server.ask(one, method, path.replace("{rest:path}", ""))) for one in server.holders}

    assert refusals == {one.name: _expected(one, needed) if needed else None for one in server.holders}


@pytest.mark.parametrize("door", ["envelope", "store"])
def test_events_are_sent_with_keys_that_do_nothing_else(server: Server, door: str) -> None:
    body = envelope(event_item()) if door == "envelope" else b"{}"

    statuses = {
        one.name: server.client.post(f"/api/1/{door}/?sentry_key={one.key or ''}", content=body).status_code
        for one in server.holders
    }

    assert statuses == {one.name: 200 if one.name == "ingest" else 403 for one in server.holders}


@pytest.mark.parametrize("tool", [tool.definition.name for tool in TOOLS])
def test_a_tool_is_for_those_who_have_its_scope(server: Server, tool: str) -> None:
    needed = next(operation.scope for operation in OPERATIONS if operation.name == tool)

    for holder in server.holders:
        answer = server.call(holder, tool)
        refusal = _expected(holder, Scope.READ)

        assert _refusal(answer) == refusal, holder.name
        if refusal is None:
            result = answer.json()["result"]
            assert result["isError"]  # for want of the scope, or of good arguments
            lacks = f"the scope `{needed.value}`" in result["content"][0]["text"]
            assert lacks == (needed not in (holder.may or ())), holder.name


def test_every_route_says_what_it_needs_and_is_known_here(server: Server) -> None:
    described = {(method, path): one.get("x-required-scope") for method, path, one in PLACES.values()}
    declared: dict[tuple[str, str], Scope | None] = {}
    for route in server.app.routes:
        assert isinstance(route, ScopedRoute), route
        declared |= {(method, route.path): scope for method, scope in route.needs.items() if method != "HEAD"}
        assert route.needs.get("HEAD") == route.needs.get("GET")
        assert route.methods == set(route.needs)

    in_document = {place: scope for place, scope in declared.items() if place not in UNDESCRIBED}
    left_out = {place: scope for place, scope in declared.items() if place in UNDESCRIBED}
    doors = {(method, path) for method, path, one in PLACES.values() if one["operationId"] in INGEST}

    assert left_out == UNDESCRIBED
    assert in_document == {place: scope for place, scope in described.items() if place not in doors}


def test_what_leads_nowhere_tells_strangers_nothing(server: Server) -> None:
    statuses = {
        holder.name: [
            server.ask(holder, *place).status_code for place in (("GET", "/nothing"), ("PUT", "/api/origins"))
        ]
        for holder in server.holders
    }

    assert statuses == {one.name: [401, 401] if one.may is None else [404, 405] for one in server.holders}
