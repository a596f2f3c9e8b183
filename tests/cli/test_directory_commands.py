from __future__ import annotations

import pytest
from tests.cli.conftest import Run

from provenance_cli.dsn import dsn
from provenance_core.origins import OriginConfig
from provenance_server.answers import Origin
from provenance_server.settings import Settings
from provenance_storage.store import Store


def test_an_origin_is_created_and_shown_with_its_dsn(run: Run, store: Store):
    made = run("origins", "create", "My-App", "--name", "The shop", "--description", "Sells", "--regression", "newer")
    key = store.origins.find("my-app").public_key

    assert made.code == 0
    assert f"DSN             http://{key}@127.0.0.1:4000/1" in made.out
    for shown in ("my-app", "The shop", "Sells", "newer", "stack"):
        assert shown in made.out
    assert run("origins", "get", "1").out == made.out


def test_an_origin_in_json_is_the_answer(run: Run):
    made = run("origins", "create", "my-app", "--fingerprinting", "message", "--json").json

    assert made["config"]["errorTracking"] == {
        "fingerprinting": "message",
        "regression": "different",
        "scrub": {"keys": [], "keep": []},
        "rateLimit": None,
        "retentionDays": 90,
        "maxEventsPerIssue": 1000,
    }
    assert run("origins", "get", "my-app", "--json").json == {**made, "discarded": [], "reported": {"discarded": []}}
    assert run("origins", "list", "--json").json == {"items": [made], "total": 1, "nextCursor": None}


def test_an_origin_is_updated_where_an_option_says_so(run: Run):
    run("origins", "create", "my-app", "--scrub-key", "pin", "--scrub-key", "iban", "--rate-limit", "100")

    changed = run("origins", "update", "my-app", "--retention-days", "30", "--keep-key", "token_count", "--json").json
    emptied = run("origins", "update", "my-app", "--scrub-key", "", "--rate-limit", "0", "--json").json
    shown = run("origins", "update", "my-app", "--max-events-per-issue", "50")
    refused = run("origins", "update", "my-app", "--retention-days", "0")

    assert changed["config"]["errorTracking"] | {"fingerprinting": "", "regression": ""} == {
        "fingerprinting": "",
        "regression": "",
        "scrub": {"keys": ["pin", "iban"], "keep": ["token_count"]},
        "rateLimit": 100,
        "retentionDays": 30,
        "maxEventsPerIssue": 1000,
    }
    assert emptied["config"]["errorTracking"]["scrub"] == {"keys": [], "keep": ["token_count"]}
    assert emptied["config"]["errorTracking"]["rateLimit"] is None
    assert "Kept            30 days, 50 events of an issue" in shown.out
    assert (refused.code, "at least 1" in refused.err) == (2, True)


def test_origins_are_listed_page_by_page(run: Run):
    assert "provenance origins create my-app" in run("origins", "list").out
    for name in ("one", "two"):
        run("origins", "create", name)

    first = run("origins", "list", "--limit", "1")
    second = run("origins", "list", "--limit", "1", *first.err.split()[4:])

    assert "one" in first.out
    assert "two" in second.out


def test_an_origin_that_exists_is_refused(run: Run):
    run("origins", "create", "my-app")

    assert run("origins", "create", "my-app").code == 1


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "http://key@127.0.0.1:4000/7"),
        ({"host": "0.0.0.0", "port": 80}, "http://key@127.0.0.1:80/7"),
        ({"host": "::1"}, "http://key@[::1]:4000/7"),
        ({"api_url": "https://errors.example/tracker/"}, "https://key@errors.example/tracker/7"),
        ({"api_url": "https://user:word@errors.example:8443"}, "https://key@errors.example:8443/7"),
    ],
)
def test_a_dsn_names_the_server_in_force(settings: dict[str, object], expected: str):
    origin = Origin(
        id="id", number=7, mnemonic="m", name="m", config=OriginConfig(), public_key="key", created_at="2026-01-01"
    )

    assert dsn(Settings.model_validate({"database_url": "sqlite:///x", **settings}), origin) == expected


def test_a_release_is_registered_and_updated(run: Run, issues: list[str]):
    made = run("releases", "create", "--origin", "my-app", "--version", "1.1.0", "--ref", "abc", "--notes", "New")
    again = run("releases", "create", "--origin", "my-app", "--version", "1.1.0", "--url", "https://x.example/1")

    assert made.code == 0
    assert made.out.startswith("Registered release 1.1.0 of my-app\n") or made.out.startswith("Updated release 1.1.0")
    assert again.out.startswith("Updated release 1.1.0 of my-app\n")
    assert "https://x.example/1" in again.out


def test_a_release_in_json_is_the_answer(run: Run, issues: list[str]):
    words = ("releases", "create", "--origin", "my-app", "--version", "3", "--date-released", "2026-11-23", "--json")

    made = run(*words).json

    assert (made["version"], made["created"], made["dateReleased"]) == ("3", True, "2026-11-23T00:00:00.000Z")
    assert run(*words).json["created"] is False


def test_releases_are_listed_newest_first(run: Run, issues: list[str]):
    run("releases", "create", "--origin", "my-app", "--version", "2.0.0")

    outcome = run("releases", "list", "--origin", "my-app")
    page = run("releases", "list", "--origin", "my-app", "--limit", "1", "--json").json
    found = run("releases", "list", "--origin", "my-app", "--query", "1.1")

    rows = [line.split() for line in outcome.out.splitlines()[1:]]
    assert [row[:2] for row in rows] == [["2.0.0", "yes"], ["1.1.0", "no"], ["1.0.0", "no"]]
    assert [item["version"] for item in page["items"]] == ["2.0.0"]
    assert page["nextCursor"]
    assert len(found.out.splitlines()) == 2


def test_the_configured_origin_serves_releases(run: Run, issues: list[str]):
    run("config", "set", "origin", "my-app")

    assert run("releases", "list").code == 0
    assert run("releases", "create", "--version", "9").code == 0
