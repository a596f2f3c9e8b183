"""The bundle for desktop hosts: it holds what it needs, its manifest tells the truth, and its server starts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent
from tests.processes import ROOT, Installation, node_package

from provenance_core.access import Door, local_access
from provenance_server import prompts
from provenance_server.settings import KEPT, SECRET, environment_variable, load_settings
from provenance_server.tools import TOOLS


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the bundle."""
    return build(tmp_path_factory.mktemp("built") / "provenance.mcpb")


@pytest.fixture
def unpacked(bundle: Path, tmp_path: Path) -> Path:
    """Unpack the bundle as a host does."""
    folder = tmp_path / "extension"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def manifest(unpacked: Path) -> dict[str, Any]:
    """Return the manifest of the bundle."""
    return json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))


def build(file: Path) -> Path:
    """Write the bundle to a file."""
    script = ROOT / "mcpb" / "build.py"
    subprocess.run([sys.executable, script, file], check=True, capture_output=True, timeout=60)
    return file


def environment(manifest: dict[str, Any], **chosen: str) -> dict[str, str]:
    """Return the variables that a host sets for what its user chose, as its replacement of placeholders gives them."""
    defaults = {name: option["default"] for name, option in manifest["user_config"].items()}
    values = {name: str(value).lower() if value is False else str(value) for name, value in defaults.items()} | chosen
    places = {f"${{user_config.{name}}}": value for name, value in values.items()}
    return {name: places[place] for name, place in manifest["server"]["mcp_config"]["env"].items()}


def test_the_same_tree_gives_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "again.mcpb").read_bytes() == bundle.read_bytes()


def test_it_holds_our_source_and_nothing_else(bundle: Path) -> None:
    names = zipfile.ZipFile(bundle).namelist()
    roots = {name.split("/")[0] for name in names}
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["dev-mode-dirs"]
    documents = {"LICENSE", "README.md", "manifest.json", "provenance_mcp.py", "pyproject.toml"}

    assert roots == {*told, *documents}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert bundle.stat().st_size < 2_000_000


def test_the_manifest_says_what_the_code_says(manifest: dict[str, Any], unpacked: Path) -> None:
    project = tomllib.loads((unpacked / "pyproject.toml").read_text())["project"]

    assert manifest["version"] == project["version"] == version(project["name"])
    assert manifest["description"] == project["description"]
    assert [tool["name"] for tool in manifest["tools"]] == [tool.definition.name for tool in TOOLS]
    assert (unpacked / manifest["server"]["entry_point"]).is_file()
    assert manifest["server"]["mcp_config"]["args"][-1] == manifest["server"]["entry_point"]


def test_what_a_user_chooses_are_settings(manifest: dict[str, Any]) -> None:
    options = manifest["user_config"]

    assert options.keys() <= set(KEPT)
    assert {name for name, option in options.items() if option.get("sensitive")} == SECRET | {"databaseUrl"}
    assert manifest["server"]["mcp_config"]["env"].keys() == {environment_variable(name) for name in options}


def test_what_a_user_leaves_empty_is_as_if_not_said(manifest: dict[str, Any], tmp_path: Path) -> None:
    config = {"PROVENANCE_CONFIG": str(tmp_path / "config.json")}
    chosen = load_settings({}, config | environment(manifest, apiUrl="http://127.0.0.1:4000", origin="shop"))

    assert load_settings({}, config | environment(manifest)) == load_settings({}, config)
    assert (chosen.api_url, chosen.origin) == ("http://127.0.0.1:4000", "shop")


@pytest.fixture
def server(manifest: dict[str, Any], unpacked: Path, tmp_path: Path) -> StdioServerParameters:
    """Return how a host starts the server.

    uv's part is played: this interpreter has the dependencies, and the tree is on its path as if it were installed.
    """
    config = manifest["server"]["mcp_config"]
    program, *arguments = [word.replace("${__dirname}", str(unpacked)) for word in (config["command"], *config["args"])]
    assert (program, *arguments[:3]) == ("uv", "run", "--directory", str(unpacked))
    packages = tomllib.loads((unpacked / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["dev-mode-dirs"]
    path = os.pathsep.join(str(unpacked / package) for package in packages)
    own = Installation(tmp_path).environment | environment(manifest) | {"PYTHONPATH": path}
    return StdioServerParameters(command=sys.executable, args=arguments[3:], env=own, cwd=unpacked)


@pytest.mark.anyio
async def test_the_unpacked_server_starts(
    manifest: dict[str, Any], unpacked: Path, server: StdioServerParameters
) -> None:
    with (unpacked / "server" / "provenance_server" / "tools.py").open("a") as file:
        file.write('TOOLS[0].definition.title = "From the unpacked tree"\n')

    async with Client(server) as client:
        tools = (await client.list_tools()).tools

    assert [tool.name for tool in tools] == [tool["name"] for tool in manifest["tools"]]
    assert tools[0].title == "From the unpacked tree"


def test_it_offers_the_settings_that_the_registry_is_told_of(manifest: dict[str, Any]) -> None:
    (package,) = json.loads((ROOT / "server.json").read_text())["packages"]
    told = {variable["name"] for variable in package["environmentVariables"]}

    assert manifest["server"]["mcp_config"]["env"].keys() == told
    assert {"readOnly", "lockdown"} <= manifest["user_config"].keys()


@pytest.mark.parametrize(
    ("name", "required"),
    [("triage_errors", {}), ("fix_error", {"issueId": "SHOP-1"}), ("release_check", {"origin": "s"})],
)
def test_a_prompt_filled_with_what_it_requires_has_the_words_of_the_server(
    manifest: dict[str, Any], name: str, required: dict[str, str]
) -> None:
    (prompt,) = [prompt for prompt in manifest["prompts"] if prompt["name"] == name]
    written = prompts.written(local_access("", Door.MCP), name, required)
    filled = re.sub(r"\$\{arguments\.(\w+)\}", lambda place: required.get(place[1], ""), prompt["text"])

    assert isinstance(written.messages[0].content, TextContent)
    assert filled == written.messages[0].content.text


def test_an_unknown_word_is_no_file_name(tmp_path: Path) -> None:
    script = ROOT / "mcpb" / "build.py"
    done = subprocess.run([sys.executable, script, "--bogus"], cwd=tmp_path, capture_output=True, check=False)

    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])


@pytest.mark.anyio
async def test_the_manifest_lists_the_prompts_of_the_server(
    manifest: dict[str, Any], server: StdioServerParameters
) -> None:
    async with Client(server) as client:
        listed = (await client.list_prompts()).prompts

    served = {prompt.name: [one.name for one in prompt.arguments or [] if one.required] for prompt in listed}
    assert {prompt["name"]: prompt["arguments"] for prompt in manifest["prompts"]} == served
    for prompt in manifest["prompts"]:
        assert set(re.findall(r"\$\{arguments\.(\w+)\}", prompt["text"])) == set(prompt["arguments"])


def test_the_official_validator_agrees(unpacked: Path) -> None:
    validator = node_package("@anthropic-ai/mcpb") / "dist" / "cli" / "cli.js"

    subprocess.run(["node", validator, "validate", unpacked / "manifest.json"], check=True, capture_output=True)
