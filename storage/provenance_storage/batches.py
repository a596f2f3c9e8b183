"""Record a batch: no interaction suffers for its neighbours, and a store that is held for a while is waited for."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Sequence

from provenance_core.errors import Busy, ProvenanceError, TooManyRequests, Unavailable
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
    return _recorded(store, batch, time.monotonic() + BUSY_SECONDS)


def _recorded(store: Store, batch: Sequence[NewInteraction], deadline: float) -> list[Outcome]:
    try:
        return _recorded_in_time(store, batch, deadline)
    except Exception as error:  # noqa: BLE001  # whatever one event does, its neighbours are recorded and answered
        if isinstance(error, Unavailable):
            _log.error("%d interactions were refused. %s", len(batch), error.message)  # no fault of ours
        if len(batch) == 1 or isinstance(error, Unavailable | TooManyRequests):
            _tell(error)
            return [error] * len(batch)
        return [outcome for one in batch for outcome in _recorded(store, [one], deadline)]


def _recorded_in_time(store: Store, batch: Sequence[NewInteraction], deadline: float) -> list[Outcome]:
    lost: dict[int, Outcome] = {}
    while True:
        waiting = [new for position, new in enumerate(batch) if position not in lost]
        try:
            recorded = iter(store.record(waiting) if waiting else [])
        except Busy as error:
            if time.monotonic() >= deadline:
                raise TooManyRequests("The server has waited too long to write; wait and send again.", 30) from None
            _log.warning("%d interactions wait. %s", len(waiting), error.message)
            lost |= _unknown(batch) if error.uncertain else {}
            time.sleep(PAUSE_SECONDS)
        else:
            return [lost[position] if position in lost else next(recorded) for position in range(len(batch))]


def _tell(error: Exception) -> None:
    """Log a fault of ours by its kind and place: its words may be an event's."""
    if not isinstance(error, ProvenanceError):
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        _log.error("An interaction could not be recorded: %s at %s", type(error).__name__, ", ".join(places[-6:]))


def _unknown(batch: Sequence[NewInteraction]) -> dict[int, Outcome]:
    """Return what cannot be written again, by position.

    A connection that was lost while it committed does not tell whether it did. What has the sender's id may be sent
    once more, and is counted once; anything else might be there twice.
    """
    unknown = Unavailable("The connection to the database was lost; look whether it is there before you send it again.")
    return {position: unknown for position, new in enumerate(batch) if new.event is None or new.event.event_id is None}
