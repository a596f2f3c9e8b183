"""Nothing in an event may act on the terminal it is shown in."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.cli.conftest import Run
from tests.stores import on_sqlite

pytestmark = on_sqlite
EVIL = "[red]up[/red] \x1b[2J\x1b]0;owned\x07 \u202egnp.exe \u200b\x9b31m"
FORBIDDEN = "\x1b\x07\x9b\u202e\u200b"


@pytest.fixture
def hostile(report: Callable[..., None], run: Run) -> None:
    report(
        errorType="Error",
        eventId="a" * 32,
        message=EVIL,
        release=EVIL,
        environment=EVIL,
        transaction=EVIL,
        tags={"evil": EVIL},
        user={"username": EVIL},
        breadcrumbs=[{"category": EVIL, "message": EVIL, "data": {EVIL: EVIL}}],
        contexts={EVIL: {"name": EVIL}},
        extra={EVIL: EVIL},
        frames=[{"file": EVIL, "function": EVIL, "line": 1, "inApp": True, "contextLine": EVIL, "vars": {EVIL: EVIL}}],
    )
    run("errors", "mute", "my-app-1", "--note", EVIL)
    run("releases", "create", "--origin", "my-app", "--version", "2", "--notes", EVIL, "--ref", EVIL)
    run("origins", "create", "other", "--name", EVIL, "--description", EVIL)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    "words",
    [
        ("errors", "list"),
        ("errors", "get", "my-app-1", "--detail", "full"),
        ("errors", "get", "my-app-1", "--detail", "full", "--json"),
        ("errors", "list", "--json"),
        ("errors", "events", "my-app-1"),
        ("errors", "explain", "a" * 32),
        ("errors", "explain", EVIL),
        ("errors", "reopen", "my-app-1"),
        ("errors", "reopen", "my-app-1", "no-such-\x1b[2J"),
        ("releases", "list", "--origin", "my-app"),
        ("releases", "create", "--origin", "my-app", "--version", "2"),
        ("origins", "list"),
        ("origins", "get", "other"),
        ("errors", "get", EVIL),
        ("errors", "list", "--origin", EVIL, "--json"),
        (EVIL,),
    ],
)
def test_hidden_characters_are_made_visible(run: Run, words: tuple[str, ...]):
    outcome = run(*words)

    assert outcome.out + outcome.err
    for character in FORBIDDEN:
        assert character not in outcome.out + outcome.err


@pytest.mark.usefixtures("hostile")
def test_markup_is_text(run: Run):
    shown = run("errors", "list").out

    assert "Error: [red]up[/red]" in shown
    assert "\\u{1b}[2J" in shown
    assert "[red]up[/red]" in run("errors", "get", "my-app-1").out


@pytest.mark.usefixtures("hostile")
def test_json_keeps_what_was_sent(run: Run):
    assert run("errors", "list", "--json").json["items"][0]["reported"]["title"] == f"Error: {EVIL}"
    assert json.loads(run("errors", "get", "nope", "--json").err)["error"]["code"] == "not_found"
