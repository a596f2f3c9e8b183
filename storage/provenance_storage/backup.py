"""Copy a store file while it is used."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from provenance_core.errors import Conflict, InvalidInput, NotFound, Unavailable
from provenance_storage.database import Database
from provenance_storage.sqlite import BUSY_TIMEOUT_MS, SqliteDatabase, sqlite_module

PAGES = 2_000
"""Pages that are copied in one step, after which the caller is told how far it is."""

Progress = Callable[[int, int], None]
"""Is told how many pages are copied, and of how many."""

_BESIDE = ("-wal", "-shm", "-journal")


def back_up(database: Database, target: Path, *, replace: bool = False, progress: Progress | None = None) -> int:
    """Copy a store as it is now into a file of its own, check the copy, and return its size in bytes.

    Others write on meanwhile: all is read in one transaction, and the write-ahead log keeps what it sees. The target
    appears once it is whole and on disk.

    Args:
        database: The store's database.
        target: The file; only its owner may read it.
        replace: Whether a file that is there is replaced.
        progress: Is told how far it is.

    Raises:
        InvalidInput: The database is no file, or the target is not usable.
        NotFound: There is no store.
        Conflict: The target is there, or is a store in use.
        Unavailable: The store cannot be read, the target cannot be written, or the copy is damaged.
    """
    if not isinstance(database, SqliteDatabase):
        raise InvalidInput(
            f"{database.name} is no file. PostgreSQL has its own backup: "
            "pg_dump --format=custom --file=FILE, and pg_restore to bring it back."
        )
    database.check_whole()
    if not database.exists:
        raise NotFound(f"There is no store at {database.place}.")
    target = target.absolute()
    _check_target(database.path, target, replace=replace)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _copy(database.path, part, progress)
            _check_copy(part, database.path)
            _settle(part, target, replace=replace)
        finally:
            for name in ("", *_BESIDE):
                part.with_name(part.name + name).unlink(missing_ok=True)
        return target.stat().st_size
    except OSError as error:
        raise Unavailable(f"The backup {target} cannot be written: {error.strerror}.") from None


def _check_target(source: Path, target: Path, *, replace: bool) -> None:
    if not target.parent.is_dir():
        raise InvalidInput(f"There is no folder {target.parent}; make it first.")
    if target.is_dir():
        raise InvalidInput(f"{target} is a folder; name a file.")
    if target.resolve() == source:
        raise Conflict("A store cannot be its own backup; name another file.")
    if target.exists() and not replace:
        raise _there(target)
    if any(target.with_name(target.name + name).exists() for name in _BESIDE):
        raise Conflict(f"{target} is a store in use, or was left by a process that crashed; name another file.")


def _there(target: Path) -> Conflict:
    return Conflict(f"{target} is there already; name another file, or say --force to replace it.")


def _copy(source: Path, part: Path, progress: Progress | None) -> None:
    def told(_status: int, left: int, total: int) -> None:
        if progress is not None:
            progress(total - left, total)

    with _opened(source, source) as reading, _opened(part, source) as writing:
        reading.execute("pragma query_only=on")
        reading.execute("begin")
        reading.execute("select count(*) from sqlite_master").fetchone()  # from here on it sees one state
        writing.execute("pragma synchronous=off")  # it is brought to disk as a whole, at the end
        reading.backup(writing, pages=PAGES, progress=told)
        reading.execute("rollback")


def _check_copy(part: Path, source: Path) -> None:
    with _opened(part, source) as copy:
        said = [str(row[0]) for row in copy.execute("pragma integrity_check(3)")]
        if said != ["ok"]:
            raise Unavailable(f"The store is damaged, and so would its backup be: {'; '.join(said)}. See `doctor`.")


def _settle(part: Path, target: Path, *, replace: bool) -> None:
    """Bring the copy to disk and give it its name."""
    _sync(part)
    if target.exists() and not replace:
        raise _there(target)
    part.replace(target)
    if os.name == "posix":
        _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _opened(path: Path, store: Path) -> Generator[Any]:
    driver = sqlite_module()
    try:
        with closing(driver.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            yield connection
    except driver.DatabaseError as error:
        told = f"The store {store} cannot be copied: {error}. See `provenance doctor`, or restore an older backup."
        raise Unavailable(told) from None
