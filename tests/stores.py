"""A new database of either kind for a test, a file or one on the session's PostgreSQL: a copy of a migrated one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from tests.postgres import cluster

from provenance_storage.store import Store

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")


@contextmanager
def new_database_url(kind: Kind, folder: Path, *, migrated: bool = True) -> Generator[str]:
    """Give the URL of a database that holds nothing yet; it is deleted at the end.

    It is a copy of one that was migrated once in the session, as to migrate takes thirty times as long.
    `migrated=False` gives the URL of a file that is not there yet, or of a database without tables.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of store: {kind}")
    if kind == "sqlite":
        path = folder / "store" / "provenance.sqlite3"
        if migrated:
            path.parent.mkdir(mode=0o700)
            path.touch(0o600)
            path.write_bytes(_file())
        yield f"sqlite:///{path}"
        return
    server = cluster()
    name = server.create(_template() if migrated else None)
    try:
        yield server.url(name)
    finally:
        server.drop(name)


@cache
def _file() -> bytes:
    """Return what a migrated file holds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "provenance.sqlite3"
        Store.open(f"sqlite:///{path}").close()
        assert not path.with_name(path.name + "-wal").exists()  # what only the log holds would be lost
        return path.read_bytes()


@cache
def _template() -> str:
    """Return the database that every migrated one is cloned from; nobody may be connected to it."""
    server = cluster()
    name = server.create()
    Store.open(server.url(name)).close()
    return name


on_sqlite = pytest.mark.parametrize("store_kind", ["sqlite"], indirect=True)
"""Marks a test of what only a file has."""

on_postgresql = pytest.mark.parametrize("store_kind", ["postgresql"], indirect=True)
"""Marks a test of what only a database server has."""
