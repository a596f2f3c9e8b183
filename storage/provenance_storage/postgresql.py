"""PostgreSQL: the store of many servers."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from provenance_core.errors import Busy, InvalidInput, Unavailable
from provenance_storage.database import Database, Lock

READERS = 8
WRITERS = 4
CONNECT_SECONDS = 10

_LOCKS = 0x50524F56
"""The first of the two numbers our advisory locks are known by: PROV in ASCII."""

_CLOCK = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"

_ALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""How soon a server is missed that has gone without a word: seconds, and milliseconds for what was sent. Ours."""

_SESSION = (
    "set timezone = 'UTC'",
    "set jit = off",  # compiling a statement takes longer than any of ours runs
    "set lock_timeout = '30s'",
    "set idle_in_transaction_session_timeout = '300s'",  # a process that has gone holds its locks no longer
)

_COLLISIONS = ("40", "55P03")
_PASSING = ("08", "53300", "57P")
"""The codes (SQLSTATE) of what a second try may mend: deadlocks, locks, connections, restarts. Source: PostgreSQL."""


_NUL = (None, "22021")
"""How a text with a NUL character is refused: by the driver, without a code, or by the server."""


class PostgresDatabase(Database):
    """Hand out connections of one PostgreSQL database, which any number of processes may use at once.

    Writers of one origin wait for each other, so that what they read stays true until they commit.

    Args:
        url: The URL with its user and password.
    """

    def __init__(self, url: URL) -> None:
        self.place = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"
        self.name = f"The database {self.place}"
        self._url = url.set(drivername="postgresql+psycopg")
        self._reader = self._engine(READERS).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._writer = self._engine(WRITERS).execution_options(isolation_level="READ COMMITTED")
        self.dialect = self._writer.dialect

    def _engine(self, pool_size: int) -> Engine:
        engine = create_engine(
            self._url,
            paramstyle="format",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=60,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "provenance", **_ALIVE},
            hide_parameters=True,  # an error must not carry the text of an event into a log
        )
        event.listen(engine, "connect", _set_up)
        return engine

    @property
    def exists(self) -> bool:
        """Say yes: whoever names a database has made it."""
        return True

    def check_writable(self) -> None:
        """Refuse a database that can only be read, as a standby."""
        with self.write() as connection:
            read_only = connection.exec_driver_sql("show transaction_read_only").scalar_one() == "on"
        if read_only:
            raise self._only_read()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Lend a connection that sees one state of the store and cannot change it."""
        with self._reachable(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def read_settled(self) -> Generator[Connection]:
        """Lend a connection like `read`, once no interaction is being recorded by any process."""
        with self._reachable(), self._reader.connect() as connection:
            with self._writer.begin() as waiting:
                self.lock(waiting, Lock.RECEIPT)
                connection.exec_driver_sql("select 1")  # what is seen is settled from here on
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Lend a connection inside one transaction, committed at the end unless an error is raised."""
        done = False
        try:
            with self._reachable(), self._writer.begin() as connection:
                yield connection
                done = True
        except Busy as error:
            error.uncertain = done
            raise

    def clock(self) -> int | None:
        """Return the server's clock, in microseconds since 1970."""
        with self.read() as connection:
            return int(connection.exec_driver_sql(_CLOCK).scalar_one())

    def lock(self, connection: Connection, what: Lock | UUID) -> None:
        """Hold a lock, or an origin's, until the transaction ends."""
        if isinstance(what, Lock):
            connection.exec_driver_sql("select pg_advisory_xact_lock(%s, %s)", (_LOCKS, int(what)))
        else:
            connection.exec_driver_sql("select pg_advisory_xact_lock(%s)", (_lock_number(what),))

    def lock_to_record(self, connection: Connection, origin_ids: Sequence[UUID]) -> int | None:
        """Hold the locks of origins to record for them, and return the server's clock."""
        connection.exec_driver_sql("select pg_advisory_xact_lock_shared(%s, %s)", (_LOCKS, int(Lock.RECEIPT)))
        connection.exec_driver_sql(
            "select pg_advisory_xact_lock(number) from unnest(%s::bigint[]) as number",
            ([_lock_number(origin_id) for origin_id in origin_ids],),
        )
        return int(connection.exec_driver_sql(_CLOCK).scalar_one())

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def _reachable(self) -> Generator[None]:
        """Tell a database that cannot be used from a fault of ours."""
        try:
            yield
        except PoolTimeoutError:
            raise Unavailable(f"{self.name} has too many users now; try again in a moment.") from None
        except DBAPIError as error:
            raise self._translated(error.orig) from None
        except psycopg.Error as error:
            raise self._translated(error) from None

    def _translated(self, error: BaseException | None) -> Exception:
        """Return our error; a fault of ours is told by its code only, because the server quotes the row it refused."""
        if isinstance(error, psycopg.DataError) and error.sqlstate in _NUL:
            return InvalidInput("A text holds a NUL character, which cannot be stored or searched; leave it out.")
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return self._only_read()
        if not isinstance(error, psycopg.OperationalError):
            return RuntimeError(f"PostgreSQL refused a statement ({getattr(error, 'sqlstate', None)}).")
        if error.sqlstate is not None and error.sqlstate.startswith(_COLLISIONS):
            return Busy(f"{self.name} is busy with what others change; try again.")
        if error.sqlstate is None or error.sqlstate.startswith(_PASSING):
            return Busy(f"{self.name} cannot be reached now: {_reason(error)}. Check the address, or try again.")
        return Unavailable(f"{self.name} cannot be used now: {_reason(error)}.")

    def _only_read(self) -> Unavailable:
        return Unavailable(f"{self.name} can only be read, as a standby can; name the primary server.")


def _set_up(connection: Any, _record: object) -> None:
    """Prepare a session; statements do it, because a pooler in between may refuse options."""
    cursor = connection.cursor()
    for statement in _SESSION:
        cursor.execute(statement)
    cursor.close()
    connection.commit()


def _lock_number(origin_id: UUID) -> int:
    """Return the number of an origin's lock: the random end of its id, as a signed number of 64 bits."""
    return int.from_bytes(origin_id.bytes[8:], "big", signed=True)


def _reason(error: psycopg.Error) -> str:
    """Return what the server or the driver says, of which no event is a part: these are no errors of data."""
    said = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return said.rstrip(".")
