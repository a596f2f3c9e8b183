"""What a person sees on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.cli.conftest import Run
from tests.stores import on_sqlite

from provenance_cli.ages import age


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


@on_sqlite
@pytest.mark.usefixtures("terminal")
def test_a_small_terminal_gets_the_columns_it_has_room_for(run: Run, issues: list[str]):
    outcome = run("errors", "list")

    assert "\x1b[" in outcome.out
    header = outcome.out.splitlines()[0]
    assert "TITLE" in header
    assert "CULPRIT" not in header
    assert "shop/cart.py in total" in outcome.out


@on_sqlite
@pytest.mark.usefixtures("terminal")
def test_a_page_is_coloured_and_its_colours_can_be_refused(
    run: Run, issues: list[str], monkeypatch: pytest.MonkeyPatch
):
    assert "\x1b[33mopen" in run("errors", "get", "my-app-1").out

    monkeypatch.delenv("FORCE_COLOR")
    assert "\x1b[" not in run("errors", "get", "my-app-1").out


@on_sqlite
@pytest.mark.usefixtures("terminal")
def test_json_has_no_colour(run: Run, issues: list[str]):
    assert "\x1b" not in run("errors", "get", "my-app-1", "--json").out


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-11-23T11:59:50.000Z", "just now"),
        ("2026-11-23T12:00:30.000Z", "just now"),
        ("2026-11-23T11:58:59.000Z", "1m ago"),
        ("2026-11-23T09:00:00.000Z", "3h ago"),
        ("2026-10-24T12:00:00.000Z", "30d ago"),
    ],
)
def test_an_age_is_said_in_its_largest_unit(moment: str, said: str):
    assert age(moment, datetime(2026, 11, 23, 12, tzinfo=UTC)) == said
