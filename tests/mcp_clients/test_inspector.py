"""The Inspector, as its command line runs in a build, finds nothing to say against the server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.factory import make_origin, payload, report
from tests.mcp_clients.machines import Served
from tests.processes import ROOT, node_package

from provenance_storage.store import Store

PLACES = [".mcp.json", "http legacy", "http modern"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of a user whose store, where it is by default, holds one issue."""
    home = tmp_path_factory.mktemp("home")
    data = home / ".local" / "share" / "provenance"
    store = Store.open(f"sqlite:///{data / 'provenance.sqlite3'}")
    report(store, make_origin(store), payload())
    store.close()
    return home


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> list[str]:
    """Return where the Inspector goes: by a file of this repository, or over HTTP in an era."""
    if request.param.endswith(".json"):
        return ["--config", request.param, "--server", "provenance"]
    served: Served = request.getfixturevalue("open_server")
    return [served.mcp_url, "--transport", "http", "--protocol-era", request.param.partition(" ")[2]]


def _inspect(home: Path, *arguments: str) -> tuple[str, str]:
    """Run the Inspector and return what it printed."""
    program = node_package("@modelcontextprotocol/inspector").parents[1] / ".bin" / "mcp-inspector"
    own = {name: value for name, value in os.environ.items() if not name.startswith("PROVENANCE_")}
    done = subprocess.run(
        [program, "--cli", *arguments, "--format", "json", "-q"],
        cwd=ROOT,
        env=own | {"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


def _answer(home: Path, *arguments: str) -> dict[str, Any]:
    return json.loads(_inspect(home, *arguments)[0])["result"]


def test_every_host_can_take_the_schemas_of_the_tools(home: Path, place: list[str]) -> None:
    printed, told = _inspect(home, *place, "--method", "tools/list", "--strict")

    assert len(json.loads(printed)["result"]["tools"]) == 5
    assert told == ""


def test_resources_and_prompts_are_there(home: Path, place: list[str]) -> None:
    listed = _answer(home, *place, "--method", "resources/list")
    read = _answer(home, *place, "--method", "resources/read", "--uri", "provenance://issues/shop-1")
    asked = ["--prompt-name", "fix_error", "--prompt-args", "issueId=SHOP-1"]
    prompt = _answer(home, *place, "--method", "prompts/get", *asked)

    assert "provenance://issues" in [resource["uri"] for resource in listed["resources"]]
    assert json.loads(read["contents"][0]["text"])["shortId"] == "SHOP-1"
    assert "SHOP-1" in prompt["messages"][0]["content"]["text"]


def test_the_view_is_offered_to_hosts_that_show_one(home: Path, place: list[str]) -> None:
    printed, _ = _inspect(home, *place, "--method", "tools/list", "--app-info", "--advertise-apps")
    apps = [json.loads(line) for line in printed.splitlines()]

    shown = {app["toolName"] for app in apps if app["hasApp"]}
    assert shown == {"get_error_issues", "get_error_issue"}
    assert {app["resourceUri"] for app in apps if app["hasApp"]} == {"ui://provenance/issues.html"}
