"""A copy of a store that is used."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.storage.conftest import new_error
from tests.stores import Kind, new_database_url

from provenance_core.errors import Conflict, InvalidInput, NotFound, Unavailable
from provenance_storage.backup import back_up
from provenance_storage.conservation import conservation
from provenance_storage.engine import open_database
from provenance_storage.records import OriginRecord
from provenance_storage.sqlite import SqliteDatabase, sqlite_module
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    return "sqlite"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "copy.sqlite3"


def restored(target: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{target}")
    yield store
    store.close()


def test_a_copy_is_a_store_of_its_own(store: Store, origin: OriginRecord, target: Path):
    store.record([new_error(origin, f"f{number}") for number in range(50)])
    told: list[tuple[int, int]] = []

    size = back_up(store.database, target, progress=lambda done, total: told.append((done, total)))

    assert size == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["copy.sqlite3"]
    assert told[-1][0] == told[-1][1] > 0
    for copy in restored(target):
        assert conservation(copy) == conservation(store)
        with copy.database.read() as connection:
            assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"


def test_others_write_on_while_it_is_made(store: Store, origin: OriginRecord, url: str, target: Path):
    for _ in range(10):
        store.record([new_error(origin, f"f{number}") for number in range(500)])
    stop, written = threading.Event(), [0]

    def write() -> None:
        other = Store.open(url)
        while not stop.is_set():
            other.record([new_error(origin) for _ in range(5)])
            written[0] += 1
        other.close()

    writer = threading.Thread(target=write)
    writer.start()
    for number in range(5):
        back_up(store.database, target.with_name(f"copy-{number}"))
    stop.set()
    writer.join()

    counted: list[int] = []
    for number in range(5):
        for copy in restored(target.with_name(f"copy-{number}")):
            assert conservation(copy).holds
            counted.append(conservation(copy).counted_events)
    assert written[0] > 0
    assert counted == sorted(counted)
    assert counted[0] >= 5_000


def test_a_file_that_is_there_is_replaced_only_when_told(store: Store, target: Path):
    target.write_text("precious")

    with pytest.raises(Conflict, match="--force"):
        back_up(store.database, target)
    assert target.read_text() == "precious"
    back_up(store.database, target, replace=True)
    assert next(restored(target)).actions.all() == store.actions.all()


def test_a_store_is_never_overwritten(store: Store, tmp_path: Path, target: Path):
    assert isinstance(store.database, SqliteDatabase)
    with pytest.raises(Conflict, match="its own backup"):
        back_up(store.database, store.database.path, replace=True)

    target.write_text("")
    target.with_name(target.name + "-wal").write_text("of a store that is used")
    with pytest.raises(Conflict, match="in use"):
        back_up(store.database, target, replace=True)


def test_where_nothing_can_be_copied(tmp_path: Path, store: Store, target: Path):
    with pytest.raises(NotFound, match="no store"):
        back_up(open_database(f"sqlite:///{tmp_path / 'none.sqlite3'}"), target)
    with pytest.raises(InvalidInput, match="make it first"):
        back_up(store.database, tmp_path / "none" / "copy.sqlite3")
    with pytest.raises(InvalidInput, match="is a folder"):
        back_up(store.database, target.parent)
    assert list(target.parent.iterdir()) == []


def test_a_damaged_store_gives_no_backup(store: Store, origin: OriginRecord, target: Path):
    store.record([new_error(origin, f"f{number}") for number in range(500)])
    assert isinstance(store.database, SqliteDatabase)
    store.close()
    damage(store.database.path)

    with pytest.raises(Unavailable, match="damaged"):
        back_up(open_database(f"sqlite:///{store.database.path}"), target)
    assert list(target.parent.iterdir()) == []


def damage(path: Path) -> None:
    """Overwrite pages of a table in the middle of the file."""
    connection = sqlite_module().connect(path)  # the product's library: two of them on one file undo each other's locks
    with connection:
        root = connection.execute("select rootpage from sqlite_master where name = 'interaction'").fetchone()[0]
        size = connection.execute("pragma page_size").fetchone()[0]
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


def test_postgresql_has_its_own(tmp_path: Path, target: Path):
    with new_database_url("postgresql", tmp_path) as url:
        store = Store.open(url)
        with pytest.raises(InvalidInput, match="pg_dump"):
            back_up(store.database, target)
        store.close()
