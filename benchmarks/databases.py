"""A database for one measurement, and the few questions asked of it beside the server."""

from __future__ import annotations

import importlib
import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg


def sqlite_driver() -> Any:
    """Return the SQLite that the store itself uses.

    Two libraries in one process damage a file that both open: what one closes takes the locks of the other away.
    """
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


class Fresh(ABC):
    """An empty database that nothing else uses; `url` is what a server is told."""

    url: str

    @abstractmethod
    def number(self, statement: str) -> int:
        """Return the one number a SELECT gives; 0 for none."""

    @abstractmethod
    def stored_bytes(self) -> int:
        """Return its size once all that was written is where it stays; no server runs."""

    @abstractmethod
    def remove(self) -> None:
        """Remove it."""


class SqliteFile(Fresh):
    """A SQLite file, here or of another product; it is removed with its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def number(self, statement: str) -> int:
        with closing(sqlite_driver().connect(f"file:{self.path}?mode=ro", uri=True, timeout=15)) as connection:
            return int(connection.execute(statement).fetchone()[0] or 0)

    def stored_bytes(self) -> int:
        with closing(sqlite_driver().connect(self.path, timeout=15)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return self.path.stat().st_size

    def remove(self) -> None:
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)


class PostgresDatabase(Fresh):
    """A database of its own on a PostgreSQL server; whoever the URL names must be allowed to create one."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._name = f"provenance_bench_{uuid4().hex[:12]}"
        self._server = urlunsplit(parts._replace(scheme="postgresql"))
        self._own = urlunsplit(parts._replace(scheme="postgresql", path=f"/{self._name}"))
        self.url = urlunsplit(parts._replace(path=f"/{self._name}"))
        self._run(self._server, f'create database "{self._name}"')

    def number(self, statement: str) -> int:
        row = self._run(self._own, statement)
        return int(row[0] or 0) if row else 0

    def stored_bytes(self) -> int:
        self._run(self._own, "checkpoint")
        return self.number("select pg_database_size(current_database())")

    def remove(self) -> None:
        self._run(self._server, f'drop database if exists "{self._name}" with (force)')

    @staticmethod
    def _run(url: str, statement: str) -> tuple[Any, ...] | None:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchone() if cursor.description else None


def fresh_database(url: str | None, folder: Path) -> Fresh:
    """Return an empty database: on the PostgreSQL server a URL names, or else a file in a folder."""
    if url is None:
        return SqliteFile(folder / "provenance.sqlite3")
    return PostgresDatabase(url)
