"""Keep the store in shape while the server runs: remove what is old, make room for the months to come."""

from __future__ import annotations

import logging

import anyio
import anyio.to_thread

from provenance_core.errors import Unavailable
from provenance_http.metrics import Metrics
from provenance_server.faults import trace
from provenance_server.maintenance import Maintenance, MaintenanceRun
from provenance_storage.store import Store

FIRST_SECONDS = 60.0
"""How long a server serves before it first looks for what is old: it may have been started because it was slow."""

EVERY_SECONDS = 300.0
TURN_SECONDS = 2.0
"""How long one look takes at most; a server that is told to stop waits for it."""

PAUSE_SECONDS = 2.0
_log = logging.getLogger("provenance_http")


async def keep_in_shape(store: Store, metrics: Metrics) -> None:
    """Look after a store until cancelled; what goes wrong is tried again after a while."""
    maintenance = Maintenance(store, TURN_SECONDS)
    pause = FIRST_SECONDS
    while True:
        await anyio.sleep(pause)
        pause = EVERY_SECONDS
        try:
            done = await anyio.to_thread.run_sync(_look_after, store, maintenance)
        except Unavailable as error:
            _log.warning("Old events were not removed. %s", error.message)
        except Exception as error:  # noqa: BLE001  # events are taken in whatever happens to old ones
            _log.error("Old events were not removed.\n%s", trace(error))
        else:
            metrics.pruned(done.expired, done.thinned)
            pause = EVERY_SECONDS if done.finished else PAUSE_SECONDS


def _look_after(store: Store, maintenance: Maintenance) -> MaintenanceRun:
    """Remove what is old by the clock that gave moments of receipt: this machine's may be wrong alone."""
    return maintenance.run_once(store.database.clock() or store.clock())
