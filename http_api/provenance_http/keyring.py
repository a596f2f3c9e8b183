"""Keys as a server asks the store for them: every time, so that one is worth nothing once it is revoked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple
from uuid import UUID

import anyio
import anyio.to_thread

from provenance_core.access import Access, Actor, ActorKind, Door, included
from provenance_core.errors import Busy, Forbidden, NotFound, ProvenanceError, Unavailable
from provenance_core.events import Via
from provenance_storage.records import KeyRecord
from provenance_storage.store import Store

TOUCH_SECONDS = 60.0
"""How often it is written that a key was used. Ours."""

KEY_THREADS = 4
"""Keys looked up at once; they wait neither for bodies nor for reads."""

_AWAY = "Nobody can be let in now, for the server cannot read its keys; its log says why."
_OTHER_ORIGIN = "This key is bound to another origin; leave the bound out, or use a key of that origin."
_Answer = TypeVar("_Answer")
_Given = TypeVarTuple("_Given")
_log = logging.getLogger("provenance_http")


class Keyring:
    """Find keys, know whether there were any, and write when they were used.

    Args:
        store: Where the keys are.
        clock: Returns monotonic seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._any_made = False
        self._written: dict[UUID, float] = {}
        self._used: dict[UUID, int] = {}
        self._any_used = anyio.Event()
        self._threads = anyio.CapacityLimiter(KEY_THREADS)

    async def access(self, secret: str, client: str | None, wanted: str | None) -> Access | None:
        """Return what a key allows, or None where there is no such key any more.

        Args:
            secret: The key.
            client: What its holder says it is.
            wanted: The only origin that its holder wants to see.

        Raises:
            Forbidden: The key is bound to another origin than that.
        """
        found = await self._asked(self._find, secret, wanted)
        if found is None:
            return None
        self.used(found.id)
        return Access(
            Actor(ActorKind.KEY, found.label, client, Door.HTTP, found.prefix),
            included(found.scopes),
            Via.SERVER,
            str(found.origin_id) if found.origin_id is not None else None,
        )

    async def any_made(self) -> bool:
        """Say whether a key was ever made but for sending events; where one was, that stays so."""
        if not self._any_made:
            self._any_made = await self._asked(self._store.keys.any_made)
        return self._any_made

    def used(self, key_id: UUID) -> None:
        """Take note that a key was used; only the event loop's thread may call."""
        now = self._clock()
        if now - self._written.get(key_id, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            self._written[key_id] = now
            self._used[key_id] = self._store.clock()
            self._any_used.set()

    async def run(self) -> None:
        """Write when keys were used, until cancelled."""
        while True:
            await self._any_used.wait()
            self._any_used = anyio.Event()
            moments, self._used = self._used, {}
            try:
                await anyio.to_thread.run_sync(self._store.keys.touch, moments)
            except ProvenanceError as error:
                _log.warning("When keys were last used was not written. %s", error.message)

    async def _asked(self, ask: Callable[[*_Given], _Answer], *given: *_Given) -> _Answer:
        """Ask the store, in a worker thread; why that fails is told to no stranger."""
        try:
            return await anyio.to_thread.run_sync(ask, *given, limiter=self._threads)
        except Unavailable as error:
            _log.warning("It could not be found out who asks. %s", error.message)
            raise (Busy(_AWAY) if isinstance(error, Busy) else Unavailable(_AWAY)) from None

    def _find(self, secret: str, wanted: str | None) -> KeyRecord | None:
        found = self._store.keys.find(secret)
        if found is not None and found.origin_id is not None and wanted is not None:
            self._check(found.origin_id, wanted)
        return found

    def _check(self, own: UUID, wanted: str) -> None:
        try:
            other = self._store.origins.find(wanted).id != own
        except NotFound:
            other = True
        if other:
            raise Forbidden(_OTHER_ORIGIN)
