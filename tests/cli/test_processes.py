"""The command as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.stores import Kind, on_sqlite

from provenance_storage.store import Store

HEAVY = {"typer", "sqlalchemy", "sqlmodel", "alembic", "mcp", "fastapi", "uvicorn", "httpx", "rich"}
COMMAND = [sys.executable, "-m", "provenance_cli.main"]


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: the doors ask the commands on either."""
    return "sqlite"


def start(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], input=text, capture_output=True, text=True, timeout=60, check=False)


def loaded(code: str) -> set[str]:
    """Return the heavy modules that a piece of code loads."""
    script = f"import sys\n{code}\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], input="", capture_output=True, text=True, timeout=60, check=True
    )
    return HEAVY & set(done.stderr.split())


@pytest.fixture
def server(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A served store; the commands that follow have none of their own."""
    process = subprocess.Popen([*COMMAND, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        monkeypatch.setenv("PROVENANCE_DATABASE_URL", f"sqlite:///{tmp_path / 'none' / 'store.sqlite3'}")
        (tmp_path / "none").write_text("where a folder would have to be")
        yield next(word for word in line.split() if word.startswith("http://"))
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
    assert code == 0


def test_help_loads_nothing_heavy():
    assert loaded("import provenance_cli.main") == set()
    assert loaded("from provenance_cli.main import main; main(['--help'])") == {"typer"}
    assert loaded("from provenance_cli.main import main; main(['errors', 'list', '--help'])") == {"typer"}


def test_mcp_starts_without_the_command_line_and_the_store():
    modules = loaded("from provenance_cli.main import main; main(['mcp'])")

    assert not modules & {"typer", "rich", "sqlalchemy", "sqlmodel", "fastapi"}


def test_without_words_the_help_is_shown():
    done = start()

    assert done.returncode == 0
    assert "Exit codes: 0 done, 1 refused or not found, 2 wrong usage" in done.stdout
    assert done.stderr == ""


def test_the_version_is_the_distributions():
    assert start("--version").stdout == f"provenance {version('provenance-errors')}\n"


def test_a_group_without_a_command_shows_its_help_and_is_wrong_usage():
    done = start("errors")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "resolve" in done.stderr


def test_both_ways_to_start_are_the_same():
    done = subprocess.run(
        [sys.executable, "-m", "provenance_cli", "--help"], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == start("--help").stdout


def test_completion_is_offered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("_PROVENANCE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "provenance errors re")
    monkeypatch.setenv("COMP_CWORD", "2")

    assert set(start().stdout.split()) == {"resolve", "reopen"}


def test_a_process_answers_and_refuses(issues: list[str]):
    listed, missing = start("errors", "list", "--json"), start("errors", "get", "my-app-9")

    assert listed.returncode == 0
    assert json.loads(listed.stdout)["total"] == 3
    assert listed.stderr == ""
    assert missing.returncode == 1
    assert missing.stderr.startswith("Error: No issue")


@on_sqlite
def test_text_that_the_encoding_lacks_is_escaped(report: Callable[..., None], monkeypatch: pytest.MonkeyPatch):
    report(message="naïve ☃")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    done = start("errors", "get", "my-app-1")

    assert done.returncode == 0
    assert "\\u2603" in done.stdout


def test_mcp_answers_until_stdin_ends():
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    for words in (["mcp"], ["mcp", "--database-url", os.environ["PROVENANCE_DATABASE_URL"]]):
        done = start(*words, text=json.dumps(hello) + "\n")

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[0])["result"]["serverInfo"]["name"] == "provenance"


def test_a_server_is_asked_with_the_same_words_and_answers(run: Run, issues: list[str], server: str):
    def ask(*words: str):
        return run(*words, "--api-url", server)

    listed = ask("errors", "list", "--status", "open,muted", "--json")

    assert [item["shortId"] for item in listed.json["items"]] == list(reversed(issues))
    assert ask("errors", "get", "my-app-1").out.startswith("MY-APP-1  open  error\n")
    assert ask("errors", "resolve", "my-app-1", "--release", "1.0.0").out.startswith(
        "MY-APP-1  open → resolved in 1.0.0"
    )
    assert ask("errors", "get", "my-app-1", "--json").json["history"][0]["actor"] == "open"
    assert ask("errors", "mute", "my-app-1", "my-app-2").code == 1
    assert ask("errors", "events", "my-app-1", "--json").json["total"] == 2
    assert ask("errors", "get", "my-app-99").code == 1
    assert ask("releases", "create", "--origin", "my-app", "--version", "5", "--json").json["created"] is True
    assert ask("releases", "list", "--origin", "my-app").code == 0
    assert ask("origins", "list", "--json").json["total"] == 1
    assert f"@{server.removeprefix('http://')}/1" in ask("origins", "get", "my-app").out
    assert ask("errors", "list", "--status", "broken").code == 2


@on_sqlite
def test_a_server_that_is_served_already_is_refused(server: str, url: str):
    done = start("serve", "--port", "0", "--database-url", url)

    assert done.returncode == 1
    assert server in done.stderr


def test_mcp_at_a_terminal_says_what_it_waits_for() -> None:
    terminal, stdin = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, "mcp"], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    os.close(stdin)
    assert process.stderr is not None
    said = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    os.close(terminal)

    assert said.startswith("This speaks MCP on stdin and stdout")
    assert out == ""


def test_mcp_under_a_host_says_nothing() -> None:
    done = start("mcp", text="")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
