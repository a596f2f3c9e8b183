"""The documents say what is there: generated pages are fresh, links lead somewhere, commands exist."""

from __future__ import annotations

import re
import shlex
import subprocess
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.processes import ROOT
from typer import Exit, TyperException
from typer.main import get_command

from provenance_cli.app import app
from provenance_cli.main import ROOT_OPTIONS, root_options_first

PAGES = ["tools.md", "http.md", "commands.md"]
TEXTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def _generator() -> ModuleType:
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_fresh(name: str) -> None:
    page = _generator().PAGES[name]()

    assert (ROOT / "docs" / "reference" / name).read_text() == page, "run `make docs`"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", path.read_text())

    for target in targets:
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), target


def _commands() -> list[list[str]]:
    """Return the words of the commands that stand in code: those on a line of their own, and those within a text."""
    found: list[str] = []
    for path in (*TEXTS, ROOT / "skills" / "provenance" / "SKILL.md"):
        text = path.read_text().replace("provenance -- ", "")
        found += re.findall(r"^ *(provenance (?:[a-z]|--[a-z]).*)$", text, re.MULTILINE)
        found += re.findall(r"`(provenance\s(?:[a-z]|--[a-z])[^`]*)`", text)
    plain = [re.split(r" (?:[<>|]|#.*) ", line, maxsplit=1)[0] for line in found if "[OPTIONS]" not in line]
    commands = [tuple(shlex.split(line)[1:]) for line in plain]
    return [list(words) for words in dict.fromkeys(commands)]


def _understood(words: list[str]) -> None:
    """Read a command as the program does, but for running it; one that is only named needs no arguments.

    Raises:
        TyperException: There is no such command or option, or one that is required is not given.
    """
    command: Any = get_command(app)
    left = root_options_first(words)
    context = command.make_context("provenance", list(left), resilient_parsing=True)  # installs nothing
    context.resilient_parsing = False
    while left and left[0].startswith("--"):
        del left[: 2 if left[0] in ROOT_OPTIONS else 1]
    while left and hasattr(command, "commands"):
        _, command, left = command.resolve_command(context, left)
    if left:
        with suppress(Exit):  # of --help
            command.make_context("provenance", left, parent=context)


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_commands_in_the_documents_would_run(words: list[str]) -> None:
    _understood(words)


def test_commands_of_all_documents_are_read() -> None:
    commands = _commands()

    assert ["keys", "create", "--label", "backend", "--scope", "ingest", "--origin", "my-app"] in commands  # agents
    assert ["sourcemaps", "explain", "<eventId>"] in commands  # source-maps
    assert ["sourcemaps", "upload", "--dry-run", "dist"] in commands  # the skill


@pytest.mark.parametrize(
    "line", ["keys create --scope ingest --origin my-app", "errors list --nothing x", "nothing", "errors get --event a"]
)
def test_a_command_that_would_not_run_is_found(line: str) -> None:
    with pytest.raises(TyperException):
        _understood(line.split())


def test_the_distribution_of_others_is_not_recommended() -> None:
    for path in TEXTS:
        assert not re.search(r"(pip|pipx|uvx|uv tool) install provenance(?!-errors)\b(?!/)", path.read_text())


def test_no_tracked_file_names_a_registry() -> None:
    hosts = "|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs", "deb" + r"\.debian"])
    found = subprocess.run(["git", "grep", "-lE", hosts], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (found.stdout, found.returncode) == ("", 1)
