"""The rules of the schema, the migrations, and how a store is opened."""

from __future__ import annotations

import multiprocessing
import re
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import ForeignKeyConstraint, Index, Integer, Table, UniqueConstraint
from tests.stores import Kind, new_database_url, on_sqlite

from provenance_core.errors import Conflict, InvalidInput, Unavailable
from provenance_storage import schema
from provenance_storage.columns import Flag, UuidBytes
from provenance_storage.engine import open_database
from provenance_storage.server_lock import serving
from provenance_storage.sqlite import SAFE_SQLITE, SqliteDatabase, sqlite_module
from provenance_storage.store import Store
from provenance_storage.tables import METADATA

TABLES = sorted(METADATA.tables.values(), key=lambda table: table.name)
DIRECTORY = {"origin", "resource_type", "action", "api_key", "store_secret"}
WITHOUT_ORIGIN = DIRECTORY | {"upload_chunk"}  # what has no origin before it is put together
DISTRIBUTED = [table for table in TABLES if table.name not in WITHOUT_ORIGIN]


@pytest.mark.parametrize("table", DISTRIBUTED, ids=lambda table: table.name)
def test_every_key_begins_with_the_origin(table: Table) -> None:
    unique = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    foreign = [constraint for constraint in table.constraints if isinstance(constraint, ForeignKeyConstraint)]

    assert next(iter(table.primary_key.columns)).name == "origin_id"
    assert all("origin_id" in constraint.columns for constraint in unique)
    assert all(constraint.column_keys[0] == "origin_id" for constraint in foreign)
    assert not any(index.unique for index in table.indexes if isinstance(index, Index))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_sequences_no_dates_no_floats(table: Table) -> None:
    for column in table.columns:
        assert column.server_default is None
        ours = isinstance(column.type, UuidBytes | Flag)
        assert ours or column.type.python_type in {int, str, bytes}
        if column.primary_key and isinstance(column.type, Integer):
            assert column.name in {"received_at", "hour", "number"}
        if column.name.endswith("_at") or column.name.endswith("_seen"):
            assert column.type.python_type is int


@on_sqlite
def test_tables_are_strict(store: Store) -> None:
    with store.database.read() as connection:
        listed = connection.exec_driver_sql("pragma table_list").all()

    strict = {row.name: row.strict for row in listed if row.name in METADATA.tables}
    assert set(strict) == set(METADATA.tables)
    assert all(strict.values())


def test_migrations_lead_to_the_models(store: Store) -> None:
    with store.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = compare_metadata(context, METADATA)

    partition = re.compile(r"interaction_(payload_)?(other|\d)")
    ours = [found for found in differences if not partition.match(getattr(found[1], "table", found[1]).name)]
    assert ours == []


def test_the_known_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))

    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def _path(store: Store) -> Path:
    assert isinstance(store.database, SqliteDatabase)
    return store.database.path


def test_opening_twice_migrates_once(store_kind: Kind, tmp_path: Path) -> None:
    with new_database_url(store_kind, tmp_path, migrated=False) as url, closing(open_database(url)) as database:
        first, second = schema.upgrade(database), schema.upgrade(database)

    assert (first, second) == (True, False)


@on_sqlite
def test_only_the_owner_reads_a_new_store(store: Store) -> None:
    assert stat.S_IMODE(_path(store).stat().st_mode) == 0o600
    assert stat.S_IMODE(_path(store).parent.stat().st_mode) == 0o700


def _open(url: str) -> str:
    store = Store.open(url)
    names = [word.mnemonic for word in store.actions.all()]
    store.close()
    return ",".join(names)


def test_many_processes_may_open_a_new_store_at_once(store_kind: Kind, tmp_path: Path) -> None:
    with (
        new_database_url(store_kind, tmp_path, migrated=False) as url,
        multiprocessing.get_context("spawn").Pool(4) as pool,
    ):
        found = pool.map(_open, [url] * 8)

    assert set(found) == {"UNHANDLED,REJECTION,HTTP_ERROR,CAUGHT"}


def test_a_store_of_a_newer_program_is_refused(url: str) -> None:
    with closing(Store.open(url)) as store, store.database.write() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")

    with pytest.raises(Unavailable, match="newer version"):
        Store.open(url)


@on_sqlite
def test_a_store_is_not_migrated_under_a_server_of_an_earlier_version(url: str) -> None:
    with closing(Store.open(url)) as store:
        database = store.database
        with database.write() as connection:
            connection.exec_driver_sql("update alembic_version set version_num = '0001'")

        with serving(database, "http://127.0.0.1:9"), pytest.raises(Conflict, match=r"http://127\.0\.0\.1:9"):
            Store.open(url)
        assert schema.revision(database) == "0001"


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be taken for one" * 100)

    with pytest.raises(Unavailable, match="damaged or not a store"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text().startswith("not a database")


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "nonsense", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="sqlite:///"):
        Store.open(url)


@on_sqlite
def test_connections_are_set_up_for_durability(store: Store) -> None:
    with store.database.read() as connection:
        reader = [connection.exec_driver_sql(f"pragma {name}").scalar() for name in ("journal_mode", "query_only")]
    with store.database.write() as connection:
        writer = [
            connection.exec_driver_sql(f"pragma {name}").scalar()
            for name in ("synchronous", "foreign_keys", "query_only", "wal_autocheckpoint", "trusted_schema")
        ]

    assert reader == ["wal", 1]
    assert writer == [2, 1, 0, 0, 0]


def test_the_bundled_sqlite_has_no_wal_reset_bug() -> None:
    assert sqlite_module().sqlite_version_info >= SAFE_SQLITE
