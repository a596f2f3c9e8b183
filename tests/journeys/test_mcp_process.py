"""The MCP server as a client starts it: fast, from any folder, through the repository's own mcp.json."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client
from mcp.types import EmptyResult, ResourceUpdatedNotification, SubscribeRequest, SubscribeRequestParams
from tests.factory import make_context, make_origin, payload, report
from tests.processes import PROVENANCE, ROOT, STOP_SECONDS, Installation, node_package, serving
from tests.stores import Kind, on_sqlite

from provenance_server.client import LocalClient
from provenance_server.operations import CREATE_KEY
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
MOST_SECONDS = 0.8
MOST_SECONDS_OF_A_BUSY_MACHINE = 8.0
TRIES = 7
MODERN: dict[str, Any] = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}
"""What every request of the era without a handshake carries."""


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: the doors and the main job speak to this process on either."""
    return "sqlite"


@pytest.fixture
def machine(tmp_path: Path, url: str) -> Installation:
    return Installation(tmp_path, url)


@pytest.fixture
def reported(machine: Installation) -> Installation:
    """Return a machine whose store holds one issue."""
    store = Store.open(machine.store_url)
    report(store, make_origin(store), payload(), payload())
    store.close()
    return machine


class RawClient:
    """Speak JSON-RPC to a server process by hand."""

    def __init__(self, machine: Installation, *words: str) -> None:
        self.process = subprocess.Popen(
            [*PROVENANCE, *(words or ("mcp",))],
            env=machine.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return the answer."""
        self.send(method, **params)
        return self.read()

    def send(self, method: str, **params: Any) -> None:
        """Send a request."""
        assert self.process.stdin is not None
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """Return the next message."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def start(self) -> list[str]:
        """Shake hands and return the names of the tools."""
        info = {"name": "test", "version": "1"}
        self.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=info)
        return [tool["name"] for tool in self.ask("tools/list")["result"]["tools"]]

    def end(self) -> tuple[int | None, bytes]:
        """Close stdin, wait, and return the exit code and what was printed on stderr."""
        errors = self.process.communicate(timeout=STOP_SECONDS)[1]
        return self.process.returncode, errors


def test_tools_are_listed_within_the_promised_time(machine: Installation) -> None:
    """Take the best of several starts, by what they had of a processor: other work on the machine slows them down."""
    best = best_processor = float("inf")
    for _ in range(TRIES):
        begun, before = time.perf_counter(), _processor_seconds()
        client = RawClient(machine)
        names = client.start()
        best = min(best, time.perf_counter() - begun)
        assert len(names) == 5
        assert client.end() == (0, b"")
        best_processor = min(best_processor, _processor_seconds() - before)
        if min(best, best_processor) < MOST_SECONDS:
            break

    assert min(best, best_processor) < MOST_SECONDS
    assert best < MOST_SECONDS_OF_A_BUSY_MACHINE


def _processor_seconds() -> float:
    """Return what the processes that we started and that have ended had of a processor."""
    spent = os.times()
    return spent.children_user + spent.children_system


async def test_it_works_in_a_folder_with_modules_of_the_same_names(reported: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    for name in ("server", "storage", "core", "cli", "http_api", "mcp", "sdk"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('the user\\'s own {name}')\n")
    (folder / "mcp" / "__init__.py").unlink()
    (folder / "mcp").rmdir()
    for name in ("cli.py", "tables.py", "settings.py", "errors.py", "events.py"):
        (folder / name).write_text("raise RuntimeError('the user\\'s own')\n")
    async with Client(reported.mcp(cwd=folder, PYTHONPATH=".")) as agent:
        listed = await agent.call_tool("get_error_issues", {})

    assert not listed.is_error
    assert isinstance(listed.structured_content, dict)
    assert listed.structured_content["total"] == 1


class SilentServer:
    """Take connections and say nothing."""

    def __init__(self, listener: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener
        self._taken: list[socket.socket] = []

    def wait_for(self, path: bytes) -> None:
        """Take connections until one asks for a path."""
        self._listener.settimeout(STOP_SECONDS)
        while True:
            connection, _ = self._listener.accept()
            self._taken.append(connection)
            connection.settimeout(STOP_SECONDS)
            if path in connection.recv(4_096):
                return

    def close(self) -> None:
        """Let go of all connections."""
        for connection in self._taken:
            connection.close()


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    """Return a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener, closing(SilentServer(listener)) as server:
        yield server


@on_sqlite
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (None, 0)])
@pytest.mark.parametrize("doing", ["subscribed", "listening", "busy"])
def test_a_signal_or_the_end_of_its_input_ends_it_at_once(
    machine: Installation, silent: SilentServer, number: int | None, code: int, doing: str
) -> None:
    """End it while a subscription of either era is open or, where it is busy, a call runs that is never answered."""
    client = RawClient(machine, "mcp", *(["--api-url", silent.url] if doing == "busy" else []))
    if doing == "listening":
        client.send("subscriptions/listen", **MODERN, notifications={"resourceSubscriptions": ["provenance://issues"]})
        assert client.read()["method"] == "notifications/subscriptions/acknowledged"
    else:
        client.start()
    if doing == "busy":
        client.send("tools/call", name="get_error_issues", arguments={})
        silent.wait_for(b"/api/error-issues")
    elif doing == "subscribed":
        assert client.ask("resources/subscribe", uri="provenance://issues")["result"] == {}
    begun = time.perf_counter()
    if number is None:
        assert client.end() == (code, b"")
    else:
        client.process.send_signal(number)
        client.process.wait(STOP_SECONDS)
    taken = time.perf_counter() - begun
    if number is not None:
        _, errors = client.process.communicate()
        assert errors == b""

    assert client.process.returncode == code
    assert taken < 2


@on_sqlite
def test_a_request_that_cannot_be_read_is_answered(machine: Installation) -> None:
    client = RawClient(machine)
    client.start()
    assert client.process.stdin is not None
    for line in (
        b"\n",
        b"no JSON\n",
        b'{"jsonrpc":"2.0","method":"notifications/nothing","params":{"a":"\\ud83d"}}\n',
        b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_error_issue","arguments":{"issueId":"\\ud83d"}}}\n',
    ):
        client.process.stdin.write(line)
    client.process.stdin.flush()
    answer = client.read()
    still = client.ask("tools/list")

    assert (answer["id"], answer["error"]["code"]) == (7, -32600)
    assert "half of a surrogate pair" in answer["error"]["message"]
    assert len(still["result"]["tools"]) == 5
    assert client.end()[0] == 0


READING = ["get_error_issues", "get_error_issue", "get_releases"]


@on_sqlite
@pytest.mark.parametrize(
    "words",
    [
        ["mcp", "--read-only"],
        ["--database-url=sqlite://", "mcp", "--read-only", "--origin", "shop"],
        ["mcp", "--lockdown", "--read-only", "--database-url", "sqlite:///other.sqlite3"],
    ],
)
def test_bounds_take_tools_away_and_the_parser_is_not_waited_for(
    machine: Installation, tmp_path: Path, words: list[str]
) -> None:
    done = subprocess.run(
        [PROVENANCE[0], "-X", "importtime", *PROVENANCE[1:], *words],
        env=machine.environment,
        input=b"",
        capture_output=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    client = RawClient(machine, *words)

    assert client.start() == READING
    assert client.end() == (0, b"")
    assert "provenance_server.mcp_process" in loaded
    assert loaded.isdisjoint({"typer", "sqlalchemy", "httpx", "provenance_server.subscriptions"})


@on_sqlite
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["mcp", "--origin", ""], 2, "--origin is empty"),
        (["mcp", "--origin="], 2, "--origin is empty"),
        (["mcp", "--bogus"], 2, "No such option"),
        (["mcp", "--api-url", "http://a", "--database-url", "sqlite://"], 2, "not both"),
        (["mcp", "--api-url", "ftp://a"], 2, "apiUrl"),
    ],
)
def test_words_that_make_no_sense_are_refused(machine: Installation, words: list[str], code: int, told: str) -> None:
    assert told in machine.run(*words, expect=code)


@on_sqlite
def test_the_environment_bounds_what_no_flag_can_widen(machine: Installation) -> None:
    class Bounded(Installation):
        @property
        def environment(self) -> dict[str, str]:
            return super().environment | {"PROVENANCE_READ_ONLY": "1", "PROVENANCE_LOCKDOWN": "1"}

    client = RawClient(Bounded(machine.home, machine.store_url))

    assert client.start() == READING
    client.end()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_listener_hears_within_a_second_what_another_process_caused(
    mode: Literal["auto", "legacy"], reported: Installation
) -> None:
    store = Store.open(reported.store_url)
    heard = anyio.Event()

    async def take(message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification) and message.params.uri == "provenance://issues":
            heard.set()

    async def wait_for(agent: Client) -> float:
        begun = time.perf_counter()
        report(store, store.origins.find("shop"), payload(errorType="Other", causes=[], frames=[]))
        with anyio.fail_after(STOP_SECONDS):
            await heard.wait()
        return time.perf_counter() - begun

    async with Client(reported.mcp(), mode=mode, message_handler=take) as agent:
        if mode == "legacy":
            asked = SubscribeRequest(params=SubscribeRequestParams(uri="provenance://issues"))
            await agent.session.send_request(asked, EmptyResult)
            taken = await wait_for(agent)
        else:
            async with agent.listen(resource_subscriptions=["provenance://issues"]):
                taken = await wait_for(agent)
    store.close()

    assert taken < 5


def _inspector(machine: Installation, *arguments: str, code: int = 0) -> dict[str, Any]:
    command = [str(node_package("@modelcontextprotocol/inspector").parents[1] / ".bin" / "mcp-inspector")]
    done = subprocess.run(
        [*command, "--cli", "--config", "mcp.json", "--server", "provenance", "--format", "json", "-q", *arguments],
        cwd=ROOT,
        env=os.environ | {"HOME": str(machine.home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


@on_sqlite
def test_every_tool_works_from_the_inspector_through_our_mcp_json(machine: Installation) -> None:
    node_package("@modelcontextprotocol/inspector")
    data = machine.home / ".local" / "share" / "provenance"
    store = Store.open(f"sqlite:///{data / 'provenance.sqlite3'}")
    report(store, make_origin(store), payload())
    store.close()

    def call(tool: str, *arguments: str) -> dict[str, Any]:
        pairs = [part for argument in arguments for part in ("--tool-arg", argument)]
        answer = _inspector(machine, "--method", "tools/call", "--tool-name", tool, *pairs)
        content = answer.get("result", answer)
        assert content.get("isError") in {None, False}, content
        return content["structuredContent"]

    listed = _inspector(machine, "--method", "tools/list")
    issues = call("get_error_issues", "status=open", "limit=5")
    detail = call("get_error_issue", "issueId=shop-1", "detail=full")
    created = call("create_release", "origin=shop", "version=shop@1.0.1")
    releases = call("get_releases", "origin=shop")
    changed = call("update_error_issue_status", "issueId=shop-1", "status=resolved", "release=shop@1.0.1")

    assert len(listed.get("result", listed)["tools"]) == 5
    assert issues["total"] == 1
    assert detail["event"]["reported"]["stack"]
    assert created["created"] is True
    assert releases["total"] == 2
    assert changed["resolvedIn"] == "shop@1.0.1"


def test_the_two_files_for_clients_are_the_same() -> None:
    assert json.loads((ROOT / "mcp.json").read_text()) == json.loads((ROOT / ".mcp.json").read_text())


@on_sqlite
def test_before_a_server_elsewhere_the_tools_are_those_its_key_allows(machine: Installation) -> None:
    store = Store.open(machine.store_url)
    owner = LocalClient(make_context(store))
    keys = {scope: owner.call(CREATE_KEY, {"label": scope, "scopes": [scope]}).key for scope in ("read", "write")}
    store.close()
    with serving(machine) as server:
        elsewhere = ["mcp", "--api-url", server.url, "--api-key"]
        reading = RawClient(machine, *elsewhere, keys["read"])
        names = reading.start()
        refused = reading.ask("tools/call", name="create_release", arguments={"origin": "shop", "version": "1"})
        reading.end()
        writing = RawClient(machine, *elsewhere, keys["write"])
        everything = writing.start()
        writing.end()
        wrong = RawClient(machine, *elsewhere, "pak_" + "0" * 64)
        all_the_same = wrong.start()
        told = wrong.ask("tools/call", name="get_error_issues", arguments={})
        wrong.end()

    assert names == READING
    assert "scope `write`" in refused["result"]["content"][0]["text"]
    assert len(everything) == 5
    assert len(all_the_same) == 5
    assert told["result"]["isError"] is True
    assert "key" in told["result"]["content"][0]["text"]
