from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.stores import on_sqlite

from provenance_cli.main import guarded, main, root_options_first
from provenance_core.access import Scope, ask_for_key
from provenance_core.errors import Forbidden


@pytest.mark.parametrize(
    "words",
    [
        ("errors", "get", "my-app-1"),
        ("errors", "get", "nothing"),
        ("errors", "list", "--origin", "nobody"),
        ("origins", "get", "nobody"),
        ("releases", "list", "--origin", "nobody"),
        ("errors", "resolve", "my-app-1"),
    ],
)
def test_what_is_not_found_exits_with_1(run: Run, words: tuple[str, ...]):
    outcome = run(*words)

    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err.startswith("Error: ")
    assert outcome.err.count("\n") == 1


def test_a_refused_move_exits_with_1(run: Run, issues: list[str]):
    run("errors", "ignore", "my-app-1")

    outcome = run("errors", "mute", "my-app-1", "--json")

    assert outcome.code == 1
    assert outcome.out == ""
    error = json.loads(outcome.err)["error"]
    assert error["code"] == "conflict"
    assert error["details"] == {"status": "ignored", "allowed": ["open"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("errors", "list", "--status", "broken"), "Invalid arguments: status: must be one of 'open'"),
        (("errors", "list", "--limit", "0"), "limit: must be at least 1"),
        (("errors", "list", "--limit", "many"), "limit: must be a whole number"),
        (("errors", "list", "--since", "yesterday"), "since: must be a date"),
        (("errors", "list", "--cursor", "abc"), "cursor"),
        (("errors", "list", "--sort", "colour"), "sort: must be one of 'lastSeen'"),
        (("errors", "list", "--trust", "much"), "trust: must be one of 'authenticated' or 'matched'"),
        (("errors", "get", "my-app-1", "--detail", "all"), "detail: must be one of 'concise' or 'full'"),
        (("errors", "lst"), "No such command 'lst'. Did you mean 'list'? See `provenance errors --help`."),
        (("errors", "list", "--nope"), "No such option: --nope"),
        (("errors", "get"), "Missing argument"),
        (("errors", "resolve"), "Missing argument"),
        (("frobnicate",), "No such command 'frobnicate'"),
        (("releases", "list"), "Which origin? Say --origin my-app"),
        (("releases", "create", "--origin", "my-app"), "Missing option"),
        (("origins", "create", "bad-"), "mnemonic: must be"),
        (("origins", "create", "x", "--fingerprinting", "magic"), "must be one of 'stack'"),
        (("config", "set", "colour", "red"), "There is no such setting"),
        (("config", "set", "port", "99999"), "The setting port is wrong"),
        (("config", "set", "origin", ""), "A setting cannot be empty"),
        (("config", "get", "colour"), "There is no such setting"),
        (("--api-url", "ftp://x", "errors", "list"), "The setting apiUrl is wrong"),
        (("--database-url", "mysql://x/y", "errors", "list"), "Only SQLite and PostgreSQL can hold a store"),
        (("--api-url", "http://x", "--database-url", "sqlite:///y", "errors", "list"), "not both"),
        (("--api-url", "http://x", "db", "upgrade"), "local store only"),
        (("--api-url", "http://x", "serve"), "local store only"),
        (("serve", "--port", "many"), "The setting port is wrong"),
        (("serve", "--host", "0.0.0.0"), "provenance keys create"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_would_work(run: Run, words: tuple[str, ...], said: str):
    outcome = run(*words)

    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("Error: ")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_wrong_usage_in_json_is_an_error_body(run: Run):
    outcome = run("errors", "get", "--json")

    assert outcome.code == 2
    assert json.loads(outcome.err)["error"]["code"] == "invalid_input"


def test_a_server_that_is_not_there_exits_with_3(run: Run):
    outcome = run("--api-url", "http://127.0.0.1:9", "errors", "list")

    assert outcome.code == 3
    assert outcome.err.startswith("Error: No server answers at http://127.0.0.1:9.")


def test_a_store_that_cannot_be_used_exits_with_3(run: Run, tmp_path: Path):
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"no database, but long enough to be read as one " * 100)

    outcome = run("errors", "list", "--database-url", f"sqlite:///{broken}")

    assert outcome.code == 3
    assert "damaged or not a store" in outcome.err


@pytest.mark.parametrize("words", [("errors", "list"), ("db", "upgrade"), ("serve", "--port", "0")])
def test_a_store_that_cannot_be_made_exits_with_3(run: Run, tmp_path: Path, words: tuple[str, ...]):
    (tmp_path / "file").write_text("")

    outcome = run(*words, "--database-url", f"sqlite:///{tmp_path / 'file' / 'store.sqlite3'}")

    assert outcome.code == 3
    assert "cannot be opened" in outcome.err


def test_a_config_file_that_cannot_be_written_exits_with_3(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "file" / "config.json"))

    assert run("config", "set", "origin", "my-app").code == 3


def test_root_options_may_stand_anywhere():
    words = ["errors", "list", "--api-url", "U", "--json", "--api-key=K", "--", "--database-url"]

    assert root_options_first(words) == [
        "--api-url",
        "U",
        "--api-key=K",
        *["errors", "list", "--json", "--", "--database-url"],
    ]
    assert root_options_first(["errors", "--api-url"]) == ["--api-url", "errors"]


@on_sqlite
def test_a_reader_that_goes_away_is_no_failure_to_tell(
    issues: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr("sys.stdout", closed)

        assert main(["errors", "list"]) == 1
        assert capfd.readouterr().err == ""


def test_an_interruption_exits_with_130(monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin.readline", interrupt, raising=False)

    assert main(["config", "set", "apiKey", "-"]) == 130


@pytest.mark.parametrize("at_terminal", [True, False])
def test_only_a_person_at_a_terminal_is_told_how_a_key_is_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, at_terminal: bool
):
    def refuse() -> int:
        raise Forbidden(ask_for_key(Scope.TRIAGE), {"scope": Scope.TRIAGE.value})

    monkeypatch.setattr(sys.stderr, "isatty", lambda: at_terminal)
    assert guarded(refuse, as_json=False) == 1
    first, *more = capsys.readouterr().err.splitlines()

    assert first == "Error: Ask who runs this server for a key with the scope `triage`."
    made = "provenance keys create --label me --scope triage"
    assert more == ([f"Who runs the server makes one on its machine: {made}"] if at_terminal else [])
    if at_terminal:
        assert main(made.split()[1:]) == 0


def test_a_scope_that_a_server_makes_up_is_in_no_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def refuse() -> int:
        raise Forbidden("No.", {"scope": "read; echo"})

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    guarded(refuse, as_json=False)

    assert capsys.readouterr().err == "Error: No.\n"
