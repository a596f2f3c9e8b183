"""What an inspection finds in and around a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.storage.conftest import new_error
from tests.storage.test_backup import damage
from tests.storage.test_inspection import found, run
from tests.stores import Kind

from provenance_storage.engine import open_database
from provenance_storage.findings import State
from provenance_storage.inspection import inspect
from provenance_storage.records import OriginRecord
from provenance_storage.server_lock import serving
from provenance_storage.sqlite import SqliteDatabase
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    return "sqlite"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


def test_no_store_yet(tmp_path: Path):
    database = open_database(f"sqlite:///{tmp_path / 'provenance.sqlite3'}")

    findings = list(inspect(database))

    assert [(finding.name, finding.state) for finding in findings] == [("store", State.WARNING)]
    assert not database.exists


def test_damage_is_told_in_one_line(store: Store, origin: OriginRecord):
    store.record([new_error(origin, f"f{number}") for number in range(500)])
    path = Path(store.database.place)
    store.close()
    damage(path)

    findings = {finding.name: finding for finding in inspect(open_database(f"sqlite:///{path}"))}

    assert findings["integrity"].state is State.PROBLEM
    assert "damaged" in findings["integrity"].message
    assert "\n" not in findings["integrity"].message


def test_a_file_that_is_no_store(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be taken for one" * 100)

    findings = list(inspect(open_database(f"sqlite:///{path}")))

    assert findings[0].state is State.PROBLEM
    assert "damaged or not a store" in findings[0].message


def test_rows_that_refer_to_nothing(store: Store, origin: OriginRecord):
    store.record([new_error(origin)])
    assert isinstance(store.database, SqliteDatabase)
    store.database.pragma("foreign_keys=OFF")
    run(store, "delete from error_issue")

    finding = found(store)["references"]

    assert (finding.state, "interaction" in finding.message) == (State.PROBLEM, True)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are a matter of POSIX")
def test_a_file_that_others_may_read(store: Store):
    Path(store.database.place).chmod(0o644)

    finding = found(store)["permissions"]

    assert (finding.state, finding.advice) == (State.WARNING, f"chmod 600 {store.database.place}")


def test_a_server_is_named(store: Store):
    with serving(store.database, "http://127.0.0.1:4000"):
        assert found(store)["server"].message == "A server answers at http://127.0.0.1:4000."
    assert found(store)["server"].message == "No server runs on this store."
