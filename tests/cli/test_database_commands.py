"""The commands that look after a store."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.processes import Installation, serving
from tests.storage.test_backup import damage
from tests.stores import Kind, new_database_url

from provenance_storage.records import OriginRecord
from provenance_storage.retention import DAY
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    return "sqlite"


@pytest.fixture
def old(store: Store, origin: OriginRecord, report: Callable[..., None]) -> int:
    """Report two events and let one of them be of long ago; return how many bytes its payload has."""
    report()
    with store.database.write() as connection:
        for statement in (
            "update interaction set received_at = received_at - {age}",
            "update interaction_payload set received_at = received_at - {age}",
            "update event_key set received_at = received_at - {age}",
        ):
            connection.exec_driver_sql(statement.format(age=100 * DAY))
        size = connection.exec_driver_sql("select sum(length(body)) from interaction_payload").scalar_one()
    report()
    return int(size)


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    with new_database_url("postgresql", tmp_path, migrated=False) as url:
        yield url


def states(run: Run, *words: str) -> tuple[int, dict[str, str]]:
    done = run("doctor", "--json", *words)
    return done.code, {item["name"]: item["state"] for item in done.json["items"]}


def test_a_backup_is_another_store(run: Run, issues: list[str], tmp_path: Path):
    target = tmp_path / "copy.sqlite3"

    first, again = run("db", "backup", str(target)), run("db", "backup", str(target))
    forced = run("db", "backup", str(target), "--force", "--json")

    assert first.code == 0
    assert first.out == f"{target} holds a copy, {target.stat().st_size:,} bytes, checked.\n"
    assert (again.code, "--force" in again.err) == (1, True)
    assert forced.json["bytes"] == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    listed = run("errors", "list", "--json", "--database-url", f"sqlite:///{target}")
    assert [item["shortId"] for item in listed.json["items"]] == list(reversed(issues))


def test_prune_says_what_it_removed(run: Run, old: int):
    done, again = run("db", "prune", "--json"), run("db", "prune")

    assert (done.json["removed"], done.json["bytes"]) == (1, old)
    assert done.json["origins"] == [{"origin": "my-app", "expired": 1, "thinned": 0, "bytes": old}]
    assert done.json["partitions"] == []
    assert again.out == "my-app: 0 were too old, 0 too many.\n0 interactions were removed, 0 bytes.\n"


def test_an_issue_without_events_can_be_read(run: Run, old: int, store: Store):
    run("db", "prune")
    some = run("errors", "get", "my-app-1")
    with store.database.write() as connection:
        connection.exec_driver_sql("update interaction set received_at = 0")
        connection.exec_driver_sql("update interaction_payload set received_at = 0")
    run("db", "prune")
    none = run("errors", "get", "my-app-1")

    assert "2, 2 in the last 24 hours; 1 is kept" in some.out
    assert "Stack trace" in some.out
    assert none.code == 0
    assert "None of its events is kept any more" in none.out
    assert "Stack trace" not in none.out
    assert run("errors", "get", "my-app-1", "--json").json["storedEventCount"] == 0
    assert run("errors", "events", "my-app-1").out == "No events are kept.\n"


def test_doctor_on_a_sound_store(run: Run, issues: list[str]):
    done = run("doctor")
    lines = [line.split()[:2] for line in done.out.splitlines() if not line.startswith(" ")]

    assert done.code == 0
    assert ["ok", "store"] in lines
    assert ["ok", "counts"] in lines
    assert {state for state, name in lines if name != "disk"} == {"ok"}


def test_doctor_says_what_to_do(run: Run, issues: list[str], store: Store):
    with store.database.write() as connection:
        connection.exec_driver_sql("update error_issue set stored_count = stored_count + 1 where number = 1")

    done = run("doctor")

    assert done.code == 1
    assert "problem  counts       1 issues whose stored events are not as many as their stored_count says." in done.out
    assert states(run)[1]["counts"] == "problem"


def test_doctor_where_there_is_nothing_yet(run: Run):
    code, found = states(run)

    assert (code, found["store"]) == (0, "warning")
    assert not Path(os.environ["PROVENANCE_DATABASE_URL"].removeprefix("sqlite:///")).exists()


def test_doctor_on_a_damaged_file(run: Run, report: Callable[..., None], store: Store):
    for number in range(40):
        report(errorType=f"Error{number}")
    path = Path(store.database.place)
    store.close()
    damage(path)

    done = run("doctor")

    assert done.code == 1
    assert "problem  integrity" in done.out
    assert "Traceback" not in done.err


def test_doctor_on_what_is_no_store(run: Run, tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be taken for one" * 100)

    code, found = states(run, "--database-url", f"sqlite:///{path}")

    assert (code, found["store"]) == (3, "problem")


def test_doctor_where_nobody_answers(run: Run):
    assert states(run, "--database-url", "postgresql://127.0.0.1:1/none")[0] == 3
    assert states(run, "--api-url", "http://127.0.0.1:1") == (3, {"config": "ok", "server": "problem"})


def test_doctor_on_a_broken_config(run: Run, config: Path):
    config.parent.mkdir()
    config.write_text("{")

    assert states(run) == (1, {"config": "problem"})


def test_doctor_on_a_config_that_others_may_read(run: Run, config: Path):
    run("config", "set", "origin", "my-app")
    config.chmod(0o644)

    assert states(run)[1]["config"] == "warning"


def test_a_store_moves_to_postgresql(run: Run, issues: list[str], postgresql: str):
    moved = run("db", "migrate-to", postgresql)
    again = run("db", "migrate-to", postgresql)

    assert moved.code == 0
    assert "           4  events counted\n" in moved.out
    assert "Let databaseUrl name it from now on." in moved.out
    assert (again.code, "not empty" in again.err) == (1, True)
    there = run("errors", "get", "my-app-1", "--json", "--database-url", postgresql)
    assert there.json == run("errors", "get", "my-app-1", "--json").json
    assert run("db", "upgrade", "--database-url", postgresql, "--json").json["changed"] is False
    code, found = states(run, "--database-url", postgresql)
    assert (code, set(found.values())) == (0, {"ok"})


def test_postgresql_is_backed_up_by_its_own_program(run: Run, postgresql: str, tmp_path: Path):
    done = run("db", "backup", str(tmp_path / "copy"), "--database-url", postgresql)

    assert (done.code, "pg_dump" in done.err) == (2, True)


def test_a_served_store_is_looked_after(tmp_path: Path, postgresql: str):
    machine = Installation(tmp_path)
    copy = tmp_path / "copy.sqlite3"
    with serving(machine) as server:
        machine.json("origins", "create", "my-app")
        machine.json("db", "backup", str(copy))
        machine.json("db", "prune")
        found = {item["name"]: item["message"] for item in machine.json("doctor")["items"]}
        refused = machine.run("db", "migrate-to", postgresql, expect=1)
        remote = machine.json("doctor", environment={"PROVENANCE_API_URL": server.url})

    assert found["server"] == f"A server answers at {server.url}."
    assert server.url in refused
    assert [item["state"] for item in remote["items"]] == ["ok", "ok"]
    listed = machine.json("origins", "list", environment={"PROVENANCE_DATABASE_URL": f"sqlite:///{copy}"})
    assert [item["mnemonic"] for item in listed["items"]] == ["my-app"]
