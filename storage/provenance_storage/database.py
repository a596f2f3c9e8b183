"""What a database offers, whichever it is: two ways to use a connection, and locks where many write at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import IntEnum
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect


class Lock(IntEnum):
    """Name what one transaction at a time may do, of all processes on a database."""

    MIGRATION = 1
    DIRECTORY = 2
    RECEIPT = 3
    PARTITIONS = 4
    CHUNKS = 5


class Database(ABC):
    """Hand out connections of one database.

    Attributes:
        dialect: What statements are compiled for.
        place: Where it is: a path, or host, port and database; it holds no password.
        name: What a sentence about it begins with.
    """

    dialect: Dialect
    place: str
    name: str

    @property
    @abstractmethod
    def exists(self) -> bool:
        """Say whether there is a database that may hold a store."""

    def check_whole(self) -> None:  # noqa: B027  # a database server looks after itself
        """Refuse a database of which a part is plainly lost.

        Raises:
            Unavailable: It is; going on would make what is left look like all there was.
        """

    @abstractmethod
    def check_writable(self) -> None:
        """Refuse a database that nothing can be written to; one that somebody holds for a while is waited for.

        Raises:
            Unavailable: It can only be read, or not even that.
        """

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]:
        """Lend a connection that sees one state of the store and cannot change it."""

    @abstractmethod
    def read_settled(self) -> AbstractContextManager[Connection]:
        """Lend a connection like `read`, once no interaction is being recorded.

        What is recorded after it has a later moment of receipt than anything it sees.
        """

    @abstractmethod
    def write(self) -> AbstractContextManager[Connection]:
        """Lend a connection inside one transaction, committed at the end unless an error is raised."""

    @abstractmethod
    def lock(self, connection: Connection, what: Lock | UUID) -> None:
        """Wait until no other transaction holds a lock, or an origin's, and hold it until this one ends."""

    @abstractmethod
    def lock_to_record(self, connection: Connection, origin_ids: Sequence[UUID]) -> int | None:
        """Hold the locks of origins to record for them; return the database's clock where it has one.

        Args:
            connection: One in a write transaction.
            origin_ids: The origins, in the order of their ids.

        Returns:
            Microseconds since 1970, the same for all processes; None where this process's clock is as good.
        """

    def clock(self) -> int | None:
        """Return the clock all processes share, in microseconds since 1970; None where this machine's is as good."""
        return None

    def tidy(self, *, idle: bool) -> None:  # noqa: B027  # most databases need nothing
        """Do what keeps a database in shape between two batches, if it is time; `idle` says that nothing waits."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""
