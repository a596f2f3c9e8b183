"""Bring a database to the newest schema."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, inspect, text

from provenance_core.errors import Conflict, Unavailable
from provenance_storage.database import Database, Lock
from provenance_storage.server_lock import served_at
from provenance_storage.sqlite import SqliteDatabase

HEAD = "0004"
"""The newest revision; a test compares it with the migrations, so that Alembic is loaded only to run them."""

OLDEST_POSTGRESQL = 15
_LOCK_SECONDS = 60
_MIGRATIONS = Path(__file__).parent / "migrations"


def revision(database: Database) -> str | None:
    """Return the revision the database has, or None where it has none yet."""
    with database.read() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("select version_num from alembic_version")).scalar_one_or_none()


def upgrade(database: Database) -> bool:
    """Create the store or bring it to the newest schema, and say whether there was something to do.

    Raises:
        Unavailable: The database cannot be made or reached, is too old, another process is at it for too long, or the
            store is newer than this program.
    """
    if isinstance(database, SqliteDatabase):
        return _upgrade_file(database)
    check_version(database)
    if revision(database) == HEAD:
        return False
    with database.write() as connection:
        database.lock(connection, Lock.MIGRATION)
        return _migrate(database, connection)


def check_version(database: Database) -> None:
    """Refuse a database of a version that is too old.

    Raises:
        Unavailable: It is, or cannot be reached.
    """
    if isinstance(database, SqliteDatabase):
        return
    with database.read() as connection:
        found = int((connection.dialect.server_version_info or (0,))[0])
    if found < OLDEST_POSTGRESQL:
        raise Unavailable(f"{database.name} is PostgreSQL {found}; {OLDEST_POSTGRESQL} or later is needed.")


def _upgrade_file(database: SqliteDatabase) -> bool:
    path = database.path
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        database.check_whole()
        if database.exists and revision(database) == HEAD:
            return False
        with FileLock(path.with_name(path.name + ".init.lock"), timeout=_LOCK_SECONDS, mode=0o600):
            current = revision(database) if database.exists else None
            if current == HEAD:
                return False
            if current is not None:
                _refuse_served(database)
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            database.pragma("journal_mode=WAL")
            with database.write() as connection:
                return _migrate(database, connection)
    except Timeout:
        raise Unavailable(f"Another process is preparing the store {path}; try again when it is done.") from None
    except OSError as error:
        raise Unavailable(
            f"The store {path} cannot be opened: {error.strerror}. Check the path and permissions."
        ) from None


def _refuse_served(database: SqliteDatabase) -> None:
    """Refuse to change a store under a server of an earlier version, which would go on as if it had not been.

    Raises:
        Conflict: One serves it.
    """
    address = served_at(database.path)
    if address is not None:
        raise Conflict(f"{database.name} is served by an earlier version at {address}; stop that server first.")


def _migrate(database: Database, connection: Connection) -> bool:
    current = _revision(connection)
    if current == HEAD:
        return False
    from alembic import command  # noqa: PLC0415  # loaded only where there is something to migrate
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise Unavailable(f"{database.name} was written by a newer version of provenance; upgrade the program.")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True
