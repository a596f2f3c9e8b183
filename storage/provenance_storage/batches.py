"""Record a batch: no interaction suffers for its neighbours, and a store that is held for a while is waited for."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from provenance_core.errors import Busy, TooManyRequests, Unavailable
from provenance_storage.prepared import POSTGRESQL
from provenance_storage.records import NewInteraction, Recorded
from provenance_storage.store import Store

Outcome = Recorded | Exception
"""What became of one interaction."""

LARGEST_BATCH = 512

BUSY_SECONDS = 60.0
"""How long a store is waited for that another process holds, or a database that restarts: senders do not send again."""

PAUSE_SECONDS = 0.2
_log = logging.getLogger(__name__)


def record_batch(store: Store, batch: Sequence[NewInteraction]) -> list[Outcome]:
    """Record interactions and return what became of each, in their order; never raises."""
    try:
        return _recorded_in_time(store, batch)
    except Exception as error:  # noqa: BLE001  # whatever one event does, its neighbours are recorded and answered
        if isinstance(error, Unavailable):
            _log.error("%d interactions were refused. %s", len(batch), error.message)  # no fault of ours
        if len(batch) == 1 or isinstance(error, Unavailable | TooManyRequests):
            return [error] * len(batch)
        return [outcome for one in batch for outcome in record_batch(store, [one])]


def _recorded_in_time(store: Store, batch: Sequence[NewInteraction]) -> list[Outcome]:
    deadline = time.monotonic() + BUSY_SECONDS
    lost: dict[int, Outcome] = {}
    while True:
        waiting = [new for position, new in enumerate(batch) if position not in lost]
        try:
            recorded = iter(store.record(waiting) if waiting else [])
        except Busy as error:
            if time.monotonic() >= deadline:
                raise TooManyRequests("The server has waited too long to write; wait and send again.", 30) from None
            _log.warning("%d interactions wait. %s", len(waiting), error.message)
            lost |= _uncertain(store, batch)
            time.sleep(PAUSE_SECONDS)
        else:
            return [lost[position] if position in lost else next(recorded) for position in range(len(batch))]


def _uncertain(store: Store, batch: Sequence[NewInteraction]) -> dict[int, Outcome]:
    """Return what cannot be written again, by position.

    A connection that was lost while it committed does not tell whether it did. What has the sender's id may be sent
    once more, and is counted once; anything else might be there twice.
    """
    if store.database.dialect.name != POSTGRESQL:
        return {}
    unknown = Unavailable("The connection to the database was lost; look whether it is there before you send it again.")
    return {position: unknown for position, new in enumerate(batch) if new.event is None or new.event.event_id is None}
