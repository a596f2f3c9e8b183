"""One server on one SQLite file: the second refuses and names the first."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from provenance_core.errors import Conflict, Unavailable
from provenance_storage.database import Database
from provenance_storage.sqlite import SqliteDatabase


@contextmanager
def serving(database: Database, address: str) -> Generator[None]:
    """Hold a store's file for one server process; a database of many servers is held by none.

    Args:
        database: The store's database.
        address: Where this server answers, told to whoever tries next.

    Raises:
        Conflict: Another process serves the file.
        Unavailable: The file's folder cannot be written to.
    """
    if not isinstance(database, SqliteDatabase):
        yield
        return
    path = database.path
    note, lock = _note(path), _lock(path)
    try:
        lock.acquire()
    except Timeout:
        raise Conflict(f"The store {path} is being served {_first(note)}. Use that server, or stop it first.") from None
    except OSError as error:
        raise Unavailable(
            f"Nothing can be written beside the store {path}: {error.strerror}. Check disk space and permissions."
        ) from None
    try:
        with suppress(OSError):  # it can be served without; a full disk is told to who sends
            note.write_text(json.dumps({"pid": os.getpid(), "address": address}))
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def served_at(path: Path) -> str | None:
    """Return where the server answers that holds a store file, or None where none does."""
    lock, note = _lock(path), _note(path)
    if not note.exists():
        return None
    try:
        with lock:
            return None
    except Timeout:
        try:
            return str(json.loads(note.read_text())["address"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_name(path.name + ".server.lock"), blocking=False, mode=0o600)


def _note(path: Path) -> Path:
    return path.with_name(path.name + ".server.json")


def _first(note: Path) -> str:
    try:
        first = json.loads(note.read_text())
        return f"by process {int(first['pid'])} at {first['address']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "by another process"
