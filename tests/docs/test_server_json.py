"""`server.json` tells the MCP registry the truth: which distribution, how it starts, what it reads."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from tests.processes import PROVENANCE, ROOT, Installation

from provenance_server.settings import KEPT, SECRET, environment_variable
from provenance_server.tools import TOOLS

TOLD: dict[str, Any] = json.loads((ROOT / "server.json").read_text())
(PACKAGE,) = TOLD["packages"]
VARIABLES: dict[str, dict[str, Any]] = {one["name"]: one for one in PACKAGE["environmentVariables"]}


def test_it_names_this_distribution_in_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert (PACKAGE["registryType"], PACKAGE["identifier"]) == ("pypi", project["name"])
    assert TOLD["version"] == PACKAGE["version"] == version(project["name"])


def test_it_keeps_to_the_registrys_limits() -> None:
    assert TOLD["$schema"].endswith("/schemas/2025-12-11/server.schema.json")
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", TOLD["name"])
    assert 0 < len(TOLD["description"]) <= 100
    assert 0 < len(TOLD["title"]) <= 100


def test_the_readme_proves_who_owns_the_name() -> None:
    assert f"<!-- mcp-name: {TOLD['name']} -->" in (ROOT / "README.md").read_text()


def test_environment_variables_are_settings_and_secrets_are_marked() -> None:
    settings = {environment_variable(name): name for name in KEPT}
    secret = {environment_variable(name) for name in SECRET} | {"PROVENANCE_DATABASE_URL"}

    assert VARIABLES.keys() <= settings.keys()
    assert {name for name, told in VARIABLES.items() if told.get("isSecret")} == secret
    assert not any(told.get("isRequired") for told in VARIABLES.values())
    assert all(told["description"] for told in VARIABLES.values())


@pytest.mark.anyio
async def test_the_arguments_start_the_server(tmp_path: Path) -> None:
    arguments = [argument["value"] for argument in PACKAGE["packageArguments"] if argument["type"] == "positional"]
    told = {name: variable["default"] for name, variable in VARIABLES.items() if "default" in variable}
    environment = Installation(tmp_path).environment | told
    server = StdioServerParameters(command=PROVENANCE[0], args=[*PROVENANCE[1:], *arguments], env=environment)

    async with Client(server) as client:
        tools = (await client.list_tools()).tools

    assert [tool.name for tool in tools] == [tool.definition.name for tool in TOOLS]
