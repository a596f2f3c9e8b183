"""Who may send: keys looked up in the store, and remembered for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import anyio
import anyio.to_thread

from provenance_core.errors import Forbidden, Unavailable
from provenance_http.dsn import UNKNOWN, Sender, find_sender, only_key
from provenance_storage.store import Store

KEY_SECONDS = 1.0
"""How long the answer of the store holds: as long does a change by another process go unseen. Ours."""

MOST_SENDERS = 4_096
MOST_STRANGERS = 1_024
"""Keys remembered that open something, and that open nothing: whoever guesses keys takes no more memory. Ours."""

KEY_THREADS = 4
"""Keys looked up at once; they wait neither for bodies nor for reads."""

_Asked = tuple[int, str]
_Kept = TypeVar("_Kept")


class Admissions:
    """Remember whom which key of which origin's number admits; only the event loop's thread may call.

    Args:
        store: Where the keys are.
        clock: Returns monotonic seconds.
        used: Is told which secret key was used.
    """

    def __init__(self, store: Store, clock: Callable[[], float], used: Callable[[UUID], None]) -> None:
        self._store = store
        self._clock = clock
        self._used = used
        self._senders: dict[_Asked, tuple[float, Sender]] = {}
        self._strangers: dict[_Asked, float] = {}
        self._lookups: dict[_Asked, asyncio.Task[Sender | None]] = {}
        self._threads = anyio.CapacityLimiter(KEY_THREADS)

    async def admit(self, number: int, keys: frozenset[str]) -> Sender:
        """Return who sends with a key to an origin's number.

        Raises:
            Forbidden: There is no key, there are several, or it is not one of that origin, if there is such an origin.
        """
        asked = (number, only_key(keys))
        now = self._clock()
        until, sender = self._senders.get(asked) or (self._strangers.get(asked, now), None)
        if until <= now:
            sender = await self._looked_up(asked)
        if sender is None:
            raise Forbidden(UNKNOWN)
        return sender

    def clear(self) -> None:
        """Forget everything, because origins or keys were changed; what is being looked up will not be remembered."""
        self._senders.clear()
        self._strangers.clear()
        self._lookups.clear()

    async def _looked_up(self, asked: _Asked) -> Sender | None:
        """Look a key up once for all who ask for it meanwhile; one of them who leaves does not end that."""
        lookup = self._lookups.get(asked)
        if lookup is None:
            lookup = self._lookups[asked] = asyncio.create_task(self._look_up(asked))
        return await asyncio.shield(lookup)

    async def _look_up(self, asked: _Asked) -> Sender | None:
        until = self._clock() + KEY_SECONDS
        try:
            sender = await anyio.to_thread.run_sync(find_sender, self._store, *asked, limiter=self._threads)
        except Unavailable:
            if asked not in self._senders:
                raise
            sender = self._senders[asked][1]  # the writer waits for the store; a sender would not send again
        finally:
            current = self._lookups.get(asked) is asyncio.current_task()
            if current:
                del self._lookups[asked]
        if current:
            self._senders.pop(asked, None)
            self._strangers.pop(asked, None)
            if sender is not None:
                if sender.key_id is not None:
                    self._used(sender.key_id)
                _keep(self._senders, asked, (until, sender), MOST_SENDERS)
            else:
                _keep(self._strangers, asked, until, MOST_STRANGERS)
        return sender


def _keep(kept: dict[_Asked, _Kept], asked: _Asked, value: _Kept, most: int) -> None:
    """Remember the newest, and no more than so many."""
    while len(kept) >= most:
        del kept[next(iter(kept))]
    kept[asked] = value
