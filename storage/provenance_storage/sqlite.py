"""SQLite: the embedded store, one file."""

from __future__ import annotations

import importlib
import logging
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path
from struct import Struct
from types import ModuleType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from provenance_core.errors import Busy, Unavailable
from provenance_storage.database import Database, Lock

BUSY_TIMEOUT_MS = 15_000

CHECKPOINT_SECONDS = 1.0
"""How long a checkpoint rests after it was tried: a reader may keep the log from being moved."""

CHECKPOINT_BYTES = 16 * 1024 * 1024
"""The write-ahead log is moved into the database when it is larger than this, and when nothing waits."""

READERS = 4
WRITER_CACHE_KIB = 8192
"""What the writer keeps of the file: with SQLite's 2 MiB it reads a large store's pages again for each batch."""

SAFE_SQLITE = (3, 51, 3)
"""The first SQLite whose WAL cannot be corrupted by two connections that race for a checkpoint."""

_WAL_HEADER = Struct(">8I")
"""How a write-ahead log begins: six numbers, of which the first tells the order of bytes, and the sums of them."""

_WAL_BEGINS = (0x377F0682, 0x377F0683)
_log = logging.getLogger(__name__)

_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA wal_autocheckpoint=0",
)


@cache
def sqlite_module() -> ModuleType:
    """Return the newest SQLite driver there is: the bundled `pysqlite3`, else Python's own."""
    try:
        driver = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        driver = sqlite3
    # A parameter that is no number and no text is adapted, in vain, for longer than its row takes to be written.
    driver.register_adapter(bytes, bytes)
    driver.register_adapter(type(None), {None: None}.get)
    return driver


class SqliteDatabase(Database):
    """Hand out connections of one file: readers that cannot write, and one writer at a time.

    Every write is a short `BEGIN IMMEDIATE` transaction on the only writing connection of this process, and
    no connection checkpoints while it is open; the server does, through `checkpoint`.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.place = str(self.path)
        self._wal = self.path.with_name(self.path.name + "-wal")
        self.name = f"The store {self.place}"
        _warn_of_old_sqlite()
        self._reader = self._engine("BEGIN", query_only=True, pool_size=READERS)
        self._writer = self._engine("BEGIN IMMEDIATE", query_only=False, pool_size=1)
        self.dialect = self._writer.dialect
        self._write_lock = threading.Lock()
        self._next_checkpoint = 0.0

    def _engine(self, begin: str, *, query_only: bool, pool_size: int) -> Engine:
        engine = create_engine(
            f"sqlite:///{self.path}",
            module=sqlite_module(),
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=60,
            connect_args={"check_same_thread": False},
            hide_parameters=True,  # an error must not carry the text of an event into a log
        )

        def set_up(connection: Any, _record: object) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            own = "query_only=ON" if query_only else f"cache_size=-{WRITER_CACHE_KIB}"
            for pragma in (*_PRAGMAS, f"PRAGMA {own}"):
                cursor.execute(pragma)
            cursor.close()

        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        event.listen(engine, "connect", set_up)
        event.listen(engine, "begin", start)
        return engine

    @property
    def exists(self) -> bool:
        """Say whether there is a file that is not empty."""
        return self.path.exists() and self.path.stat().st_size > 0

    def check_whole(self) -> None:
        """Refuse a file whose write-ahead log is damaged, or which is gone while its log is there.

        SQLite itself would take such a log for an empty one, and throw away what only it holds.
        """
        try:
            if self.wal_bytes() <= _WAL_HEADER.size:
                return
            with self._wal.open("rb") as log:
                header = log.read(_WAL_HEADER.size)
        except FileNotFoundError:
            return  # the last who used the store has moved it in
        except OSError as error:
            raise Unavailable(f"{self._wal} cannot be read: {error.strerror}. Check its permissions.") from None
        if not self.exists:
            raise Unavailable(
                f"The store {self.path} is gone or empty, but its write-ahead log {self._wal.name} is there. Restore a "
                "backup, or move the log away to begin with an empty store."
            )
        if len(header) == _WAL_HEADER.size and not _begins_a_log(header):
            raise Unavailable(
                f"The write-ahead log {self._wal} is damaged, and holds what the store has not yet. Restore a backup, "
                "or move the log away to go on without what it held."
            )

    def check_writable(self) -> None:
        """Refuse a file that can only be read."""
        with suppress(Busy), self.write() as connection:
            version = connection.exec_driver_sql("pragma user_version").scalar_one()
            connection.exec_driver_sql(f"pragma user_version = {version}")  # a transaction that only begins may do so
            connection.rollback()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Lend a connection that sees one state of the store and cannot change it."""
        with _reachable(self.path), self._reader.connect() as connection:
            yield connection

    def read_settled(self) -> AbstractContextManager[Connection]:
        """Lend a connection like `read`: transactions come one after the other here."""
        return self.read()

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Lend the writing connection inside one transaction, committed at the end unless an error is raised."""
        with self._write_lock, _reachable(self.path), self._writer.begin() as connection:
            yield connection

    def lock(self, connection: Connection, what: Lock | UUID) -> None:
        """Do nothing: whoever writes is alone."""

    def lock_to_record(self, connection: Connection, origin_ids: Sequence[UUID]) -> int | None:
        """Do nothing: whoever writes is alone, and on this machine."""
        return None

    def pragma(self, statement: str) -> object:
        """Run a PRAGMA outside any transaction on the writing connection and return its first value."""
        with self._alone() as connection:
            return _pragma(connection, statement)

    @contextmanager
    def _alone(self) -> Generator[PoolProxiedConnection]:
        """Lend the writing connection outside any transaction."""
        with self._write_lock, _reachable(self.path):
            connection = self._writer.raw_connection()
            try:
                yield connection
            finally:
                connection.close()

    def checkpoint(self) -> bool:
        """Move the write-ahead log into the database file, and say whether all of it could be moved.

        Nobody is waited for: what a reader still needs stays in the log for the next time.
        """
        with self._alone() as connection:
            _pragma(connection, "busy_timeout=0")
            try:
                return _pragma(connection, "wal_checkpoint(TRUNCATE)") == 0
            finally:
                _pragma(connection, f"busy_timeout={BUSY_TIMEOUT_MS}")

    def tidy(self, *, idle: bool) -> None:
        """Move the write-ahead log into the database when it has grown, or is not empty and nothing waits."""
        now = time.monotonic()
        if now < self._next_checkpoint or self.wal_bytes() <= (0 if idle else CHECKPOINT_BYTES):
            return
        self._next_checkpoint = now + CHECKPOINT_SECONDS
        try:
            self.checkpoint()
        except Unavailable:
            return  # the log is kept and a later round tries again

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log in bytes."""
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()


def _begins_a_log(header: bytes) -> bool:
    """Say whether a write-ahead log can begin so. Source: SQLite's file format, 4.1 and 4.2."""
    numbers = _WAL_HEADER.unpack(header)
    if numbers[0] not in _WAL_BEGINS:
        return False
    summed = numbers if numbers[0] & 1 else Struct("<8I").unpack(header)
    one = other = 0
    for first, second in zip(summed[:6:2], summed[1:6:2], strict=True):
        one = (one + first + other) & 0xFFFFFFFF
        other = (other + second + one) & 0xFFFFFFFF
    return (one, other) == numbers[6:]


def _pragma(connection: PoolProxiedConnection, statement: str) -> object:
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA {statement}")
        row = cursor.fetchone()
    finally:
        cursor.close()
    return row[0] if row else None


@contextmanager
def _reachable(path: Path) -> Generator[None]:
    """Tell a store that cannot be used from a fault of ours."""
    driver = sqlite_module()
    try:
        yield
    except PoolTimeoutError:
        raise Unavailable(f"The store {path} has too many readers now; try again in a moment.") from None
    except OperationalError as error:
        raise _unusable(path, error.orig) from None
    except driver.OperationalError as error:
        raise _unusable(path, error) from None
    except UnicodeDecodeError:  # SQLite quotes the damaged definition of a table
        raise _damaged(path) from None
    except (DatabaseError, driver.DatabaseError) as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise _damaged(path) from None
        raise


def _unusable(path: Path, reason: object) -> Unavailable:
    if "locked" in str(reason):
        return Busy(f"Another process has held the store {path} for too long; try again, or end that process.")
    if "decode" in str(reason):
        return _damaged(path)  # what is said there quotes the text
    return Unavailable(f"The store {path} cannot be used now: {reason}. Check disk space and permissions.")


def _damaged(path: Path) -> Unavailable:
    return Unavailable(f"The file {path} is damaged or not a store; restore it from a backup.")


@cache
def _warn_of_old_sqlite() -> None:
    found: tuple[int, int, int] = sqlite_module().sqlite_version_info
    if found < SAFE_SQLITE:
        safe, has = (".".join(map(str, version)) for version in (SAFE_SQLITE, found))
        _log.warning("SQLite %s can damage a store in rare races; use %s or later, or install pysqlite3.", has, safe)
