"""Short turns at a store that others write to meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from provenance_core.errors import Busy
from provenance_storage.database import Database, Lock

SHORTEST_REST = 0.005
LONGEST_REST = 0.5
TRIES = 3
"""How often a turn is tried that another process keeps from coming, or ends because of a deadlock."""

Result = TypeVar("Result")


class Turns:
    """Do long work in small transactions, resting after each for as long as it took.

    A waiting writer is then never more than one turn away, and has half of the time at the least, however many threads
    take turns.

    Args:
        database: The store's database.
        seconds: After how long no turn should begin any more; None means never.
    """

    def __init__(self, database: Database, seconds: float | None = None) -> None:
        self.database = database
        self._until = None if seconds is None else time.monotonic() + seconds
        self._one = threading.Lock()

    @property
    def over(self) -> bool:
        """Say whether the time is up."""
        return self._until is not None and time.monotonic() >= self._until

    def take(self, what: UUID | Lock, work: Callable[[Connection], Result]) -> Result:
        """Do a piece of work in a transaction of its own, alone with an origin or with what a lock names, and rest.

        The work may be done again after a commit of which nobody knows whether it came to pass.

        Raises:
            Busy: Another process does not let go of the store.
        """
        with self._one:
            for _ in range(TRIES - 1):
                try:
                    return self._once(what, work)
                except Busy:
                    continue
            return self._once(what, work)

    def _once(self, what: UUID | Lock, work: Callable[[Connection], Result]) -> Result:
        began = time.monotonic()
        with self.database.write() as connection:
            self.database.lock(connection, what)
            result = work(connection)
        self.database.tidy(idle=False)
        time.sleep(min(max(time.monotonic() - began, SHORTEST_REST), LONGEST_REST))
        return result
