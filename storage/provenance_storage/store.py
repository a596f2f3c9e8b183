"""The store: everything that is kept, behind one object."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from provenance_storage import clock as wall_clock
from provenance_storage import partitions
from provenance_storage.activity import ActivityLog
from provenance_storage.artifacts import Artifacts
from provenance_storage.changes import Changes
from provenance_storage.chunks import Chunks
from provenance_storage.clock import Clock
from provenance_storage.database import Database
from provenance_storage.discards import DiscardCounts, add_discards, read_discards
from provenance_storage.engine import open_database
from provenance_storage.interactions import Interactions
from provenance_storage.issues import Issues
from provenance_storage.keys import Keys
from provenance_storage.origins import Origins
from provenance_storage.recording import Receipt, record
from provenance_storage.records import NewInteraction, Recorded
from provenance_storage.releases import Releases
from provenance_storage.schema import upgrade
from provenance_storage.senders import secret
from provenance_storage.tables import Action, ResourceType
from provenance_storage.turns import Turns
from provenance_storage.vocabulary import Vocabulary


class Store:
    """Give access to one store.

    Args:
        database: Its database, already at the newest schema.
        clock: Returns microseconds since 1970. Unless a test passes its own it is the machine's; moments of receipt
            are the database server's where there is one.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self.database = database
        self._receipt = Receipt(clock)
        clock = self.clock = clock or wall_clock.now
        turns = Turns(database)
        self.origins = Origins(database, clock, turns)
        self.resource_types = Vocabulary(database, clock, ResourceType, "resource type")
        self.actions = Vocabulary(database, clock, Action, "action")
        self.releases = Releases(database, clock, turns)
        self.artifacts = Artifacts(database, clock, turns)
        self.chunks = Chunks(database, clock, turns)
        self.issues = Issues(database, clock)
        self.interactions = Interactions(database)
        self.keys = Keys(database, clock)
        self.activity = ActivityLog(database)
        self.changes = Changes(database)

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> Store:
        """Open the store a URL names; the embedded one is created, and brought to the newest schema, as needed.

        Raises:
            InvalidInput: The URL names no database that is supported.
            Unavailable: The store cannot be used.
        """
        database = open_database(url)
        try:
            if upgrade(database):
                partitions.ensure(database, (clock or wall_clock.now)())
        except BaseException:
            database.close()
            raise
        return cls(database, clock)

    def record(self, batch: Sequence[NewInteraction]) -> list[Recorded]:
        """Record interactions in one transaction and return what became of each; they are on disk then."""
        with self.database.write() as connection:
            return record(self.database, connection, batch, self._receipt)

    def discard(self, origin_id: UUID, counts: DiscardCounts) -> None:
        """Count items of an origin that were taken and not kept.

        Raises:
            NotFound: The origin was deleted.
        """
        with self.database.write() as connection:
            add_discards(connection, origin_id, self.clock(), counts)

    def discarded(self, origin_id: UUID) -> dict[tuple[str, str], int]:
        """Return how many items of an origin were taken and not kept, by category and reason."""
        with self.database.read() as connection:
            return read_discards(connection, origin_id)

    def secret(self, name: str) -> bytes:
        """Return a secret that was made with the store; `SENDER_SECRET` is what hashes of addresses are keyed by."""
        with self.database.read() as connection:
            return secret(connection, name)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()
