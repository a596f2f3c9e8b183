"""Write the MCP bundle, which desktop hosts install with one click: `make mcpb`.

It holds our packages' source, and no dependencies: the host's uv installs those that `pyproject.toml` names. The same
tree always gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provenance_core.access import Door, local_access
from provenance_server.prompts import find, listed
from provenance_server.settings import environment_variable
from provenance_server.tools import TOOLS

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "dist" / "provenance.mcpb"
ENTRY_POINT = "provenance_mcp.py"
MANIFEST_VERSION = "0.4"
"""The first that has servers of type `uv`."""

_DOCUMENTS = ("pyproject.toml", "README.md", "LICENSE")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16
_UNIX = 3
_ACCESS = local_access("", Door.MCP)

USER_CONFIG: dict[str, dict[str, Any]] = {
    "apiUrl": {
        "type": "string",
        "title": "Server",
        "description": "The Provenance server to ask, e.g. http://127.0.0.1:4000. Empty: the store of this machine.",
        "default": "",
    },
    "apiKey": {
        "type": "string",
        "title": "API key",
        "description": "The key for that server.",
        "sensitive": True,
        "default": "",
    },
    "databaseUrl": {
        "type": "string",
        "title": "Database URL",
        "description": "The local store: sqlite:///PATH or postgresql://… Empty: the file in your data folder.",
        "sensitive": True,
        "default": "",
    },
    "origin": {
        "type": "string",
        "title": "Application",
        "description": "The only application (origin) to see, by its short name. Empty: all of them.",
        "default": "",
    },
    "readOnly": {
        "type": "boolean",
        "title": "Read only",
        "description": "Offer reading only: no issue is changed, no release created.",
        "default": False,
    },
    "lockdown": {
        "type": "boolean",
        "title": "Lockdown",
        "description": "Withhold reported text that comes from nobody known.",
        "default": False,
    },
}
"""The settings that hosts ask their users for, by the names of the settings; what is left empty counts as not said."""


def main() -> None:
    """Write the bundle to where the command line says, or to `dist/`."""
    parser = argparse.ArgumentParser(description="Write the MCP bundle.")
    parser.add_argument("bundle", nargs="?", type=Path, default=BUNDLE, help="where to; default: %(default)s")
    bundle: Path = parser.parse_args().bundle
    bundle.parent.mkdir(parents=True, exist_ok=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    files = dict(_files(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]))
    files["manifest.json"] = json.dumps(manifest(project["project"]), indent=2, ensure_ascii=False).encode() + b"\n"
    with zipfile.ZipFile(bundle, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _FILE_MODE
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
    sys.stdout.write(f"{bundle} holds {len(files)} files in {bundle.stat().st_size // 1024} KiB.\n")


def manifest(project: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of the project that `pyproject.toml` describes."""
    return {
        "manifest_version": MANIFEST_VERSION,
        "name": "provenance",
        "display_name": "Provenance",
        "version": project["version"],
        "description": project["description"],
        "author": {"name": "The Provenance authors"},
        "license": project["license"],
        "keywords": project["keywords"],
        "server": {
            "type": "uv",
            "entry_point": ENTRY_POINT,
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", ENTRY_POINT],
                "env": {environment_variable(name): f"${{user_config.{name}}}" for name in USER_CONFIG},
            },
        },
        "tools": [{"name": tool.definition.name, "description": tool.definition.description} for tool in TOOLS],
        "prompts": _prompts(),
        "user_config": USER_CONFIG,
        "compatibility": {
            "platforms": ["darwin", "linux", "win32"],
            "runtimes": {"python": project["requires-python"]},
        },
    }


def _prompts() -> list[dict[str, Any]]:
    """Return the prompts with the arguments that they require: a host would fill in the others though left empty."""
    return [
        {
            "name": prompt.name,
            "description": prompt.description,
            "arguments": [argument.name for argument in prompt.arguments or [] if argument.required],
            "text": _text(prompt.name),
        }
        for prompt in listed(_ACCESS).prompts
    ]


def _text(name: str) -> str:
    """Return what hosts show of a prompt before the server writes it out, with places for what it requires."""
    way = find(name)
    required = {field: told for field, told in way.arguments.model_fields.items() if told.is_required()}
    places = {field: f"${{arguments.{told.alias or field}}}" for field, told in required.items()}
    return way.write(way.arguments.model_construct(None, **places), _ACCESS)


def _files(packages: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield what goes into the bundle, by its name there."""
    yield ENTRY_POINT, (Path(__file__).parent / ENTRY_POINT).read_bytes()
    for name in _DOCUMENTS:
        yield name, (ROOT / name).read_bytes()
    for package in packages:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_bytes()


if __name__ == "__main__":
    main()
