"""Keep a store in shape while it is served: remove what is kept for too long, make room for the months to come."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from uuid import UUID

from provenance_core.errors import Busy, Unavailable
from provenance_core.sourcemaps.index import INDEX_VERSION
from provenance_server.index_building import BUILDING, IndexBuilder
from provenance_server.map_rebuilding import rebuild_outdated
from provenance_storage import partitions
from provenance_storage.retention import prune
from provenance_storage.store import Store
from provenance_storage.turns import Turns

RUN_SECONDS = 20.0
"""How long one run takes at the most, but for the turn it is at; it takes half of that from other writers."""

MAPS_PER_RUN = 1
"""Source maps that one run indexes again; each may take a minute."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MaintenanceRun:
    """What one run did.

    Attributes:
        expired: Interactions that were too old, but for those of dropped months.
        thinned: Events of issues that had too many.
        dropped: Interactions of months that were dropped as a whole.
        bytes: Bytes of what was removed.
        swept: Uploaded pieces and source maps that nothing refers to.
        months_made: Months that got partitions.
        months_dropped: Months whose partitions were dropped.
        reindexed: Source maps whose index was of an earlier version.
        seconds: How long it took.
        finished: Whether nothing is left; else the next run goes on there.
    """

    expired: int
    thinned: int
    dropped: int
    bytes: int
    swept: int
    months_made: int
    months_dropped: int
    reindexed: int
    seconds: float
    finished: bool


class Maintenance:
    """Do what a served store needs from time to time: before it is served, and then every few minutes.

    Its methods block; call them on a thread of their own, one at a time. Several servers on one database may each have
    one.

    Args:
        store: The store.
        seconds: After how long a run ends though something is left.
    """

    def __init__(self, store: Store, seconds: float = RUN_SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._begin_with: UUID | None = None
        self._index_after: tuple[UUID, bytes] | None = None

    def prepare(self, now: int) -> int:
        """Make the partitions of this month and the next ones where the database has such, and return how many.

        Args:
            now: Microseconds since 1970.
        """
        try:
            return len(partitions.ensure(self._store.database, now))
        except Busy as error:
            _log.warning("The next month has no partition yet; the next run tries again. %s", error.message)
            return 0

    def run_once(self, now: int) -> MaintenanceRun:
        """Do what is due, for a limited time.

        Args:
            now: Microseconds since 1970.

        Raises:
            Unavailable: The store cannot be used; what was done so far stays done, and the next run goes on.
        """
        began = time.monotonic()
        made = self.prepare(now)
        turns = Turns(self._store.database, self._seconds)
        done = prune(self._store, now, turns, self._begin_with)
        self._begin_with = done.unfinished
        reindexed = 0 if turns.over else self._reindex()
        return MaintenanceRun(
            expired=sum(one.expired.interactions for one in done.origins),
            thinned=sum(one.thinned.interactions for one in done.origins),
            dropped=sum(one.interactions for one in done.partitions.values()),
            bytes=done.removed.payload_bytes,
            swept=done.swept,
            months_made=made,
            months_dropped=len(done.partitions),
            reindexed=reindexed,
            seconds=time.monotonic() - began,
            finished=done.unfinished is None and self._index_after is None,
        )

    def _reindex(self) -> int:
        """Index a source map again that an earlier version of this program has indexed, and return how many it was.

        An upload goes first: where one is being indexed, this is left to the next run.
        """
        if not self._store.artifacts.outdated_maps(INDEX_VERSION, 1) or not BUILDING.acquire(blocking=False):
            self._index_after = None
            return 0
        try:
            with IndexBuilder() as builder:
                done = rebuild_outdated(self._store, builder, MAPS_PER_RUN, self._index_after)
        except Unavailable as error:
            _log.warning("%s", error.message)
            self._index_after = None
            return 0
        finally:
            BUILDING.release()
        self._index_after = done.after
        return done.rebuilt
