"""Open the database that a URL names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from provenance_core.errors import InvalidInput
from provenance_storage.database import Database

_FORMS = "write sqlite:///path/to/file.sqlite3, or postgresql://user:password@host/database"


def open_database(url: str) -> Database:
    """Return the database of a URL; nothing is connected yet.

    Args:
        url: `sqlite:///path`, or `postgresql://user:password@host:port/database`.

    Raises:
        InvalidInput: The URL names no database that is supported.
    """
    parsed = _parsed(url)
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        from provenance_storage.postgresql import PostgresDatabase  # noqa: PLC0415  # its driver takes time to load

        if not parsed.database:
            raise InvalidInput("The database URL names no database; write postgresql://user:password@host/database.")
        return PostgresDatabase(parsed)
    path = _file(parsed)
    if path is None:
        raise InvalidInput(f"Only SQLite and PostgreSQL can hold a store; {_FORMS}.")
    from provenance_storage.sqlite import SqliteDatabase  # noqa: PLC0415  # as above

    return SqliteDatabase(path)


def sqlite_path(url: str) -> Path | None:
    """Return the file of an SQLite URL, or None where the store is no file.

    Raises:
        InvalidInput: The URL is malformed.
    """
    return _file(_parsed(url))


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidInput(f"The database URL is malformed; {_FORMS}.") from None


def _file(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database).resolve()
