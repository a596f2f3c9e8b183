"""The skill says what is there: its front matter is what agents want, and each of its commands runs."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.factory import make_origin, payload, report
from tests.maps import vlq
from tests.processes import ROOT
from tests.stores import on_sqlite

from provenance_cli.main import main
from provenance_server.settings import KEPT, environment_variable
from provenance_storage.store import Store

SKILL = ROOT / "skills" / "provenance" / "SKILL.md"
TEXT = SKILL.read_text(encoding="utf-8")
COMMANDS = re.findall(r"^ *(provenance .+)$|`(provenance [a-z-][^`]*)`", TEXT, re.MULTILINE)
ISSUES = 4

Fill = Callable[[str], list[str]]


@pytest.fixture
def fill(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Make what the examples name (an origin, issues, a build), and return how their placeholders are filled."""
    for name in [name for name in os.environ if name.startswith("PROVENANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROVENANCE_DATABASE_URL", url)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "config.json"))
    monkeypatch.chdir(tmp_path)
    store = Store.open(url)
    events = [payload(release="1.4.2", errorType=f"Error{number}", causes=[], frames=[]) for number in range(ISSUES)]
    event = str(report(store, make_origin(store, "my-app"), *events)[0].id)
    store.close()
    _write_build(tmp_path / "dist")
    return lambda command: [event if word == "EVENT" else word for word in shlex.split(command)]


def _write_build(folder: Path) -> None:
    told = {"version": 3, "sources": ["cart.ts"], "sourcesContent": ["fail();\n"], "names": []}
    folder.mkdir()
    (folder / "app.min.js").write_text("fail();\n//# sourceMappingURL=app.min.js.map\n")
    (folder / "app.min.js.map").write_text(json.dumps({**told, "mappings": vlq([0, 0, 0, 0])}))


def test_the_front_matter_names_and_describes_the_skill() -> None:
    _, front, body = TEXT.split("---\n", 2)
    told = dict(line.split(": ", 1) for line in front.splitlines())

    assert told.keys() == {"name", "description"}
    assert told["name"] == SKILL.parent.name
    assert 0 < len(told["description"]) <= 1_024
    assert not re.search(r"[<>]|: ", told["description"])
    assert body.strip()
    assert TEXT.count("\n") < 150


@on_sqlite
def test_every_command_runs(fill: Fill, capsys: pytest.CaptureFixture[str]) -> None:
    commands = [block or inline for block, inline in COMMANDS]

    assert len(commands) > 20
    for command in commands:
        words = fill(command)[1:]
        assert main(words) == 0, (command, capsys.readouterr().err)
        printed = capsys.readouterr().out
        assert printed
        if "--json" in words:
            json.loads(printed)


def test_an_issue_is_resolved_once_its_fix_runs() -> None:
    usual = TEXT[TEXT.index("## The usual way") : TEXT.index("## Finding")]

    assert usual.index("is deployed") < usual.index("releases create") < usual.index("errors resolve")
    assert "not deployed everywhere yet" in usual


def test_commands_in_words_exist() -> None:
    named = set(re.findall(r"`((?:errors|releases|sourcemaps|origins) [a-z]+)", TEXT))

    assert named
    for words in named:
        assert main([*words.split(), "--help"]) == 0


def test_variables_of_the_environment_are_settings() -> None:
    named = set(re.findall(r"PROVENANCE_[A-Z_]+", TEXT))

    assert {"PROVENANCE_API_URL", "PROVENANCE_API_KEY"} <= named
    assert named <= {environment_variable(name) for name in KEPT}


@on_sqlite
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("provenance errors list --json", 0),
        ("provenance errors get NO-1 --json", 1),
        ("provenance errors get", 2),
        ("provenance --api-url http://127.0.0.1:9 errors list --json", 3),
    ],
)
def test_exit_codes_are_those_it_tells(fill: Fill, command: str, code: int) -> None:
    assert main(fill(command)[1:]) == code
    assert re.search(rf"\b{code} (done|refused|wrong|the store)", TEXT)
