"""Bundles that are being assembled: one task each, which goes on while its sender asks what has become of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from provenance_core.errors import ProvenanceError

ANSWER_SECONDS = 40.0
"""How long an answer waits for the bundle to be stored; ours: proxies give up at 60."""

MOST_REMEMBERED = 1_000
"""Bundles whose outcome is remembered. Ours."""

_log = logging.getLogger("provenance_http")

Versions = tuple[int, ...]
"""Of each origin, the version of its artifacts once the bundle was stored."""


class Bundle(NamedTuple):
    """Which bundle for whom: the same asked again is the same work."""

    checksum: str
    origins: tuple[str, ...]
    release: str | None
    dist: str


class Assemblies:
    """Run assemblies and remember what became of them."""

    def __init__(self) -> None:
        self._running: dict[Bundle, asyncio.Task[Versions]] = {}
        self._stored: dict[Bundle, Versions] = {}
        self._refused: dict[Bundle, Exception] = {}

    def stored(self, bundle: Bundle) -> Versions | None:
        """Return the versions that a bundle left, if it was stored by this process."""
        return self._stored.get(bundle)

    def known(self, bundle: Bundle) -> bool:
        """Say whether a bundle is being assembled, or was refused and nobody was told."""
        return bundle in self._running or bundle in self._refused

    async def outcome(self, bundle: Bundle, assemble: Callable[[], Coroutine[Any, Any, Versions]]) -> bool:
        """Assemble a bundle, unless that is being done, and wait a while; return whether it is stored.

        Raises:
            Exception: Whatever the assembly raised; once only.
        """
        if bundle in self._refused:
            raise self._refused.pop(bundle)
        task = self._running.get(bundle)
        if task is None:
            task = self._running[bundle] = asyncio.create_task(assemble())
            task.add_done_callback(lambda done: self._note(bundle, done))
        await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        if not task.done():
            return False
        self._refused.pop(bundle, None)
        task.result()
        return True

    async def finish(self) -> None:
        """End what waits for its turn, and wait for what is being stored."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note(self, bundle: Bundle, task: asyncio.Task[Versions]) -> None:
        del self._running[bundle]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._stored.pop(bundle, None)
            _keep(self._stored, bundle, task.result())
        elif isinstance(error, Exception):
            if isinstance(error, ProvenanceError):
                _log.warning("A bundle of source maps was not stored: %s.", error.code)
            _keep(self._refused, bundle, error)


def _keep(kept: dict[Bundle, Any], bundle: Bundle, value: object) -> None:
    while len(kept) >= MOST_REMEMBERED:
        del kept[next(iter(kept))]
    kept[bundle] = value
