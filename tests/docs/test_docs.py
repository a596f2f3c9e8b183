"""The documents say what is there: generated pages are fresh, links lead somewhere, commands exist."""

from __future__ import annotations

import re
import shlex
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from tests.processes import ROOT

from provenance_cli.main import main

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
    text = "\n".join(path.read_text() for path in (ROOT / "README.md", ROOT / "docs" / "configuration.md"))
    found = re.findall(r"(?<!add )(provenance (?:[a-z]|--[a-z])[^`\n]*)", text.replace("provenance -- ", ""))
    return [words for line in found if "<" not in line and (words := shlex.split(line.split("#")[0], posix=True))]


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_commands_in_the_documents_exist(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    plain = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]
    assert main([*plain[:2], "--help"]) == 0
    told = capsys.readouterr().out
    assert main(["--help"]) == 0
    told += capsys.readouterr().out

    assert [word for word in words if word.startswith("--") and word not in told] == []


def test_the_distribution_of_others_is_not_recommended() -> None:
    for path in TEXTS:
        assert not re.search(r"(pip|pipx|uvx|uv tool) install provenance(?!-errors)\b(?!/)", path.read_text())


def test_no_tracked_file_names_a_registry() -> None:
    hosts = "|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs", "deb" + r"\.debian"])
    found = subprocess.run(["git", "grep", "-lE", hosts], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (found.stdout, found.returncode) == ("", 1)
