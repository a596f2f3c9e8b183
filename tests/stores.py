"""A new database of either kind for a test: a file, or a clone on the session's PostgreSQL."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
from tests.postgres import cluster

from provenance_storage.store import Store

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")


@contextmanager
def new_database_url(kind: Kind, folder: Path, *, migrated: bool = True) -> Generator[str]:
    """Give the URL of a database that holds nothing yet; it is deleted at the end.

    A file is not there yet, and is migrated when it is opened. A database of a server is a clone of one that was
    migrated once in the session; `migrated=False` gives one without tables.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of store: {kind}")
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store' / 'provenance.sqlite3'}"
        return
    server = cluster()
    name = server.create(_template() if migrated else None)
    try:
        yield server.url(name)
    finally:
        server.drop(name)


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
