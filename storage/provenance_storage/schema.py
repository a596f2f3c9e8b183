"""Bring a database to the newest schema."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import inspect, text

from provenance_core.errors import Unavailable
from provenance_storage.engine import Database

HEAD = "0001"
"""The newest revision; a test compares it with the migrations, so that Alembic is loaded only to run them."""

_LOCK_SECONDS = 60
_MIGRATIONS = Path(__file__).parent / "migrations"


def revision(database: Database) -> str | None:
    """Return the revision the database has, or None where it has none yet."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("select version_num from alembic_version")).scalar_one_or_none()


def upgrade(database: Database) -> bool:
    """Create the database file or bring it to the newest schema, and say whether there was something to do.

    Raises:
        Unavailable: The file cannot be made or opened, another process is at it for too long, or the store is newer
            than this program.
    """
    path = database.path
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size and revision(database) == HEAD:
            return False
        with FileLock(path.with_name(path.name + ".init.lock"), timeout=_LOCK_SECONDS, mode=0o600):
            return _upgrade_alone(database)
    except Timeout:
        raise Unavailable(f"Another process is preparing the store {path}; try again when it is done.") from None
    except OSError as error:
        raise Unavailable(
            f"The store {path} cannot be opened: {error.strerror}. Check the path and permissions."
        ) from None


def _upgrade_alone(database: Database) -> bool:
    if not database.path.exists():
        os.close(os.open(database.path, os.O_CREAT | os.O_WRONLY, 0o600))
    database.pragma("journal_mode=WAL")
    current = revision(database)
    if current == HEAD:
        return False
    from alembic import command  # noqa: PLC0415  # loaded only where there is something to migrate
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise Unavailable(
            f"The store {database.path} was written by a newer version of provenance; upgrade the program."
        )
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
