"""One answer, four doors: MCP, HTTP, the command line on the local store and against the server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from mcp import Client
from mcp.types import TextContent
from tests.factory import make_origin, payload, report
from tests.processes import Installation, RunningServer, serving
from tests.rendering import to_json
from tests.stores import KINDS, new_database_url

from provenance_cli.main import main
from provenance_server.arguments import Detail
from provenance_server.operation import Operation
from provenance_server.operations import OPERATIONS
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
BY_NAME: dict[str, Operation[Any, Any]] = {operation.name: operation for operation in OPERATIONS}
TOOLS = {"get_error_issues", "get_error_issue", "update_error_issue_status", "get_releases", "create_release"}
VERBS = {"resolved": "resolve", "ignored": "ignore", "muted": "mute", "open": "reopen"}
SENT = "fc6d8c0c43fc4630ad850ee518f1b9d0"
"""An event's id by its sender."""

Arguments = Mapping[str, Any]
Told = tuple[str, Any]
"""`answer` and the compact JSON, or `refusal` and the words."""


@pytest.fixture(scope="module", params=KINDS)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("doors")
    with new_database_url(request.param, home) as url:
        store = Store.open(url)
        shop = make_origin(store)
        make_origin(store, "other")
        report(store, shop, payload(eventId=SENT), payload(user={"id": "b"}))
        report(store, shop, payload(errorType="Rare", causes=[], frames=[], level="warning", release="shop@1.1.0"))
        store.close()
        yield Installation(home, url)


@pytest.fixture(scope="module")
def server(machine: Installation) -> Iterator[RunningServer]:
    with serving(machine) as running:
        yield running


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def agent(machine: Installation) -> AsyncIterator[Client]:
    async with Client(machine.mcp()) as client:
        yield client


def _compact(name: str, body: Any, arguments: Arguments) -> Any:
    answer = BY_NAME[name].answer.model_validate(body)
    if name not in TOOLS:
        return _without_cursor(answer.model_dump(mode="json", by_alias=True))
    return _without_cursor(to_json(answer, Detail(arguments.get("detail", "concise"))))


def _without_cursor(told: Any) -> Any:
    """Return an answer with its cursor made the same: a cursor says when its walk began."""
    return {**told, "nextCursor": "there"} if "nextCursor" in told else told


async def _ask_mcp(agent: Client, name: str, arguments: Arguments) -> Told:
    result = await agent.call_tool(name, dict(arguments))
    if result.is_error:
        assert isinstance(result.content[0], TextContent)
        return "refusal", result.content[0].text
    return "answer", _without_cursor(result.structured_content)


def _ask_http(server: RunningServer, name: str, arguments: Arguments) -> Told:
    operation = BY_NAME[name]
    left = dict(arguments)
    path = operation.path
    for part in operation.arguments.path_arguments:
        path = path.replace(f"{{{part}}}", quote(str(left.pop(part, "")), safe=""))
    left.pop("detail", None)  # how much a reader is shown; HTTP gives all
    query = operation.method in {"GET", "DELETE"}
    with server.client() as client:
        answer = client.request(operation.method, path, params=left if query else None, json=None if query else left)
    if answer.is_success:
        return "answer", _compact(name, answer.json(), arguments)
    return "refusal", answer.json()["error"]["message"]


def _words(name: str, arguments: Arguments) -> list[str]:
    """Return the command that asks the same."""
    left = {key: value for key, value in arguments.items() if value is not None}
    command = {
        "get_error_issues": ["errors", "list"],
        "get_error_issue": ["errors", "get"],
        "get_error_issue_events": ["errors", "events"],
        "update_error_issue_status": ["errors", VERBS.get(str(left.get("status")), "")],
        "explain_grouping": ["errors", "explain"],
        "get_releases": ["releases", "list"],
        "create_release": ["releases", "create"],
        "list_origins": ["origins", "list"],
        "get_origin": ["origins", "get"],
        "create_origin": ["origins", "create"],
    }[name]
    if name == "update_error_issue_status":
        left.pop("status")
    placed = [str(left.pop(key)) for key in ("issueId", "id", "mnemonic") if key in left]
    flags: list[str] = []
    for key, value in left.items():
        flag = "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key)
        flags += [part for one in (value if isinstance(value, list) else [value]) for part in (flag, str(one))]
    return [*command, *placed, *flags]


def _ask_cli(capsys: pytest.CaptureFixture[str], name: str, arguments: Arguments, *where: str) -> Told:
    capsys.readouterr()
    code = main([*where, *_words(name, arguments), "--json"])
    printed = capsys.readouterr()
    if code == 0:
        return "answer", _compact(name, json.loads(printed.out), arguments)
    return "refusal", json.loads(printed.err.splitlines()[-1])["error"]["message"]


@pytest.fixture
def ask(
    machine: Installation,
    server: RunningServer,
    agent: Client,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str, Arguments], Any]:
    """Return a function that asks every door and returns what each told."""
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)

    async def everywhere(name: str, arguments: Arguments) -> dict[str, Told]:
        told = {
            "http": _ask_http(server, name, arguments),
            "cli": _ask_cli(capsys, name, arguments),
            "cli, remote": _ask_cli(capsys, name, arguments, "--api-url", server.url),
        }
        if name in TOOLS:
            told["mcp"] = await _ask_mcp(agent, name, arguments)
        return told

    return everywhere


QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("get_error_issues", {}),
    ("get_error_issues", {"origin": "shop", "status": ["open", "regressed"], "limit": 1}),
    ("get_error_issues", {"origin": "SHOP", "sort": "eventCount", "order": "asc"}),
    ("get_error_issues", {"level": "warning", "environment": "production", "release": "shop@1.1.0"}),
    ("get_error_issues", {"query": "could not price", "since": "7d", "until": "2100-01-01"}),
    ("get_error_issues", {"origin": "other"}),
    ("get_error_issue", {"issueId": "SHOP-1"}),
    ("get_error_issue", {"issueId": "shop-1", "event": "first", "detail": "full"}),
    ("get_error_issue_events", {"issueId": "shop-1", "limit": 1}),
    ("create_release", {"origin": "shop", "version": "shop@2.0.0", "ref": "abc", "dateReleased": "2026-11-23"}),
    ("get_releases", {"origin": "shop"}),
    ("get_releases", {"origin": "1", "query": "1.1", "limit": 5}),
    ("update_error_issue_status", {"issueId": "shop-2", "status": "ignored", "note": "noise"}),
    ("update_error_issue_status", {"issueId": "shop-2", "status": "open"}),
    ("update_error_issue_status", {"issueId": "shop-1", "status": "resolved", "release": "shop@1.1.0"}),
    ("explain_grouping", {"id": SENT}),
    ("explain_grouping", {"id": SENT, "origin": "SHOP"}),
    ("list_origins", {}),
    ("get_origin", {"id": "other"}),
]


@pytest.mark.parametrize(("name", "arguments"), QUESTIONS)
async def test_every_door_gives_the_same_answer(ask: Any, name: str, arguments: dict[str, Any]) -> None:
    await ask(name, arguments)  # what changes something has changed it now, and asking again is safe
    told = await ask(name, arguments)

    assert {kind for kind, _ in told.values()} == {"answer"}, told
    for door, answer in told.items():
        assert answer == told["http"], door


REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("get_error_issues", {"limit": 0}),
    ("get_error_issues", {"limit": 101}),
    ("get_error_issues", {"limit": "many"}),
    ("get_error_issues", {"status": "closed"}),
    ("get_error_issues", {"status": ["open", "closed"], "level": "loud", "sort": "age"}),
    ("get_error_issues", {"since": "yesterday"}),
    ("get_error_issues", {"until": "2026-02-30"}),
    ("get_error_issues", {"cursor": "nonsense"}),
    ("get_error_issues", {"origin": "nobody"}),
    ("get_error_issues", {"query": "q" * 300}),
    ("get_error_issue", {"issueId": "shop-99"}),
    ("get_error_issue", {"issueId": "nothing\u202e"}),
    ("get_error_issue", {"issueId": "shop-1", "event": "last"}),
    ("get_error_issue", {"issueId": "a\\b"}),
    ("get_error_issue_events", {"issueId": "shop-99"}),
    ("update_error_issue_status", {"issueId": "shop-99", "status": "ignored"}),
    ("update_error_issue_status", {"issueId": "shop-1", "status": "muted"}),
    ("update_error_issue_status", {"issueId": "shop-2", "status": "resolved", "release": "9.9.9"}),
    ("get_releases", {"origin": "nobody"}),
    ("create_release", {"origin": "nobody", "version": "1"}),
    ("create_release", {"origin": "shop", "version": " "}),
    ("create_release", {"origin": "shop", "version": "1", "url": "javascript:alert(1)"}),
    ("create_release", {"origin": "shop", "version": "1", "dateReleased": "soon"}),
    ("explain_grouping", {"id": "nothing\u202e"}),
    ("explain_grouping", {"id": SENT, "origin": "other"}),
    ("explain_grouping", {"id": SENT, "origin": "nobody"}),
    ("get_origin", {"id": "nobody"}),
    ("create_origin", {"mnemonic": "not a name"}),
    ("create_origin", {"mnemonic": "shop"}),
]


@pytest.mark.parametrize(("name", "arguments"), REFUSALS)
async def test_every_door_refuses_in_the_same_words(ask: Any, name: str, arguments: dict[str, Any]) -> None:
    await ask("update_error_issue_status", {"issueId": "shop-1", "status": "resolved"})
    told = await ask(name, arguments)

    assert {kind for kind, _ in told.values()} == {"refusal"}, told
    assert {words for _, words in told.values()} == {told["http"][1]}


async def test_every_door_names_an_unknown_argument(ask: Any) -> None:
    told = await ask("get_error_issues", {"bogus": "1"})

    assert told["http"] == told["mcp"]
    for kind, words in told.values():
        assert kind == "refusal"
        assert "bogus" in words


def test_a_server_that_does_not_answer_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code = main(["--api-url", "http://127.0.0.1:9", "errors", "list"])

    assert code == 3
    assert "No server answers at http://127.0.0.1:9" in capsys.readouterr().err


def test_every_operation_has_a_route_and_a_description(server: RunningServer) -> None:
    document = httpx.get(f"{server.url}/openapi.json", trust_env=False).json()
    routes = {
        (method.upper(), path): entry["operationId"]
        for path, methods in document["paths"].items()
        for method, entry in methods.items()
        if "operationId" in entry
    }

    for operation in OPERATIONS:
        assert routes[operation.method, operation.path] == operation.name
        assert operation.description
        assert operation.run.__name__ == operation.name
