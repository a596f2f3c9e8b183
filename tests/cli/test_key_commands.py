"""Keys are made, listed and revoked on the command line, and what was done is told."""

from __future__ import annotations

from tests.cli.conftest import Run

from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


def test_a_key_is_printed_once_with_what_to_do_with_it(run: Run, store: Store) -> None:
    made = run("keys", "create", "--label", "ci", "--scope", "write", "--scope", "triage")
    (key,) = [word for word in made.out.split() if word.startswith("pak_") and len(word) == 68]
    listed = run("keys", "list")

    found = store.keys.find(key)
    assert made.code == 0
    assert found is not None
    assert (found.label, [scope.value for scope in found.scopes]) == ("ci", ["triage", "write"])
    assert f"export PROVENANCE_API_KEY={key}" in made.out
    assert key[:12] in listed.out
    assert key not in listed.out + run("keys", "list", "--json").out + run("activity").out


def test_the_first_key_that_closes_an_open_server_says_so(run: Run, origin: OriginRecord) -> None:
    def make(scope: str, *words: str) -> bool:
        return "It is the first key" in run("keys", "create", "--label", scope, "--scope", scope, *words).out

    sending = make("ingest", "--origin", "my-app")
    first = make("read")
    run("keys", "revoke", run("keys", "list", "--json").json["items"][0]["prefix"])

    assert (sending, first, make("admin")) == (False, True, False)


def test_a_key_in_json_is_the_answer(run: Run, store: Store) -> None:
    made = run("keys", "create", "--label", "me", "--scope", "admin", "--json").json
    (listed,) = run("keys", "list", "--json").json["items"]

    assert made == listed | {"key": made["key"]}
    assert (made["origin"], made["revokedAt"], made["lastUsedAt"]) == (None, None, None)


def test_a_key_that_sends_events_comes_with_its_dsn(run: Run, origin: OriginRecord) -> None:
    made = run("keys", "create", "--label", "backend", "--scope", "ingest", "--origin", "my-app")

    (key,) = [word for word in made.out.split() if word.startswith("pak_") and len(word) == 68]
    assert f"DSN             http://{key}@127.0.0.1:4000/{origin.number}\n" in made.out
    assert "PROVENANCE_API_KEY" not in made.out


def test_a_key_that_sends_events_says_that_it_closes_no_server(run: Run, origin: OriginRecord) -> None:
    words = ("keys", "create", "--scope", "ingest", "--origin", "my-app", "--label")
    first, in_json = run(*words, "a"), run(*words, "b", "--json")
    run("keys", "create", "--label", "me", "--scope", "read")
    closed = run(*words, "c")

    assert in_json.json["label"] == "b"
    assert "asks nobody for a key until one of another scope" in first.err
    assert first.err == in_json.err
    assert closed.err == ""


def test_a_key_is_revoked_by_prefix_or_id(run: Run, store: Store) -> None:
    made = run("keys", "create", "--label", "me", "--scope", "read", "--json").json

    first, again = run("keys", "revoke", made["prefix"]), run("keys", "revoke", made["id"], "--json")
    assert "Revoked" in first.out
    assert again.json["revokedAt"]
    assert store.keys.find(made["key"]) is None
    assert run("keys", "revoke", "pak_00000000").code == 1


def test_scopes_that_do_not_go_together_are_wrong_usage(run: Run, origin: OriginRecord) -> None:
    refused = run("keys", "create", "--label", "x", "--scope", "ingest")

    assert (refused.code, "origin" in refused.err) == (2, True)
    assert "There are no keys yet" in run("keys", "list").out


def test_activity_names_what_was_changed_and_says_it_in_words(run: Run, origin: OriginRecord) -> None:
    run("releases", "create", "--origin", "my-app", "--version", "1.2.3", "--notes", "two words")
    run("releases", "create", "--origin", "my-app", "--version", "1.2.3", "--ref", "abc")
    run("origins", "update", "my-app", "--name", "My other app")
    run("origins", "update", "my-app", "--retention-days", "30", "--scrub-key", "pin")
    run("keys", "create", "--label", "me", "--scope", "admin")
    told = [line.split("my-app  ")[-1].strip() for line in run("activity").out.splitlines()]
    prefix = run("keys", "list", "--json").json["items"][0]["prefix"]

    assert told[1].endswith(f"{prefix}  label=me prefix={prefix} scopes=admin")
    assert told[2] == (
        "scrub.keys=none scrub.keep=none retentionDays=90 → scrub.keys=pin scrub.keep=none retentionDays=30"
    )
    assert told[3] == 'name="My app" → name="My other app"'
    assert told[4] == "1.2.3         - → ref=abc"
    assert told[5] == '1.2.3         version=1.2.3 notes="two words"'
    assert "{" not in "".join(told)


def test_activity_tells_who_changed_what(run: Run, issues: list[str]) -> None:
    run("errors", "mute", "my-app-1", "--note", "known")
    run("keys", "create", "--label", "me", "--scope", "admin")
    of_issue = run("activity", "--issue", "my-app-1")
    of_origin = run("activity", "--origin", "my-app", "--json").json["items"]
    page = run("activity", "--limit", "1")

    assert "open → muted  known" in of_issue.out
    assert "by provenance-cli" in of_issue.out
    assert [entry["action"] for entry in of_origin] == ["issue.status", "origin.create"]
    assert "key.create" in page.out
    assert page.err.startswith("More: add --cursor ")
    assert "issue.status" in run("activity", "--limit", "1", *page.err.split()[2:]).out
