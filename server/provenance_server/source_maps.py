"""Resolve events by the source maps of their origin: what was found is remembered, what is used stays open."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from provenance_core.errors import ProvenanceError
from provenance_core.events import Unresolved
from provenance_core.sourcemaps.resolving import Build, Found, OpenMap, Wanted, frames_of, resolve_event
from provenance_server.index_files import FAILED_SECONDS, IndexFiles
from provenance_server.recent import Recent
from provenance_server.source_map_search import Located, Search
from provenance_storage.store import Store

MOST_LOCATED = 4_096
"""Generated files of which it is remembered what there is for them."""

MOST_OPEN = 32
"""Source maps that stay open: each holds a few pages of its file."""

MOST_ORIGINS = 1_024
"""Origins of which it is remembered which version of their artifacts was seen last."""

MOST_LOOKUPS = 32
"""Generated files that are looked for when anybody sends an event: a real stack has a handful."""

_PORTION = 64
"""Generated files that the store is asked for at once."""

_log = logging.getLogger(__name__)


class SourceMaps:
    """Find and open the source maps of a store; any thread may call.

    Args:
        store: The store.
        folder: Where packed indexes are kept as files; None keeps them in memory.
        clock: Seconds that never go back.
    """

    def __init__(self, store: Store, folder: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._files = IndexFiles(store, folder, clock=clock)
        self._lock = threading.Lock()
        self._located: Recent[tuple[UUID, int, str | None, str | None, Wanted], Located] = Recent(MOST_LOCATED, clock)
        self._versions: Recent[UUID, int] = Recent(MOST_ORIGINS, clock)
        self._open: Recent[tuple[UUID, bytes, str], OpenMap] = Recent(MOST_OPEN, clock)

    def resolver(
        self, origin_id: UUID, version: int | None = None, most: int | None = None
    ) -> Callable[[dict[str, Any]], int] | None:
        """Return what resolves an event of an origin in place, or None where the origin has no artifacts.

        Args:
            origin_id: The origin.
            version: The version of its artifacts, where it is known already; one that was seen since counts for more.
            most: How many generated files of an event are looked for, those of its application first; None for all.
        """
        version = self._latest(origin_id, self._store.artifacts.version(origin_id) if version is None else version)
        if not version:
            return None

        def resolve(event: dict[str, Any]) -> int:
            release, dist = event.get("release"), event.get("dist")

            def find(wanted: Sequence[Wanted]) -> Sequence[Found]:
                asked = wanted if most is None or len(wanted) <= most else _own_first(event, wanted)[:most]
                found = dict(zip(asked, self._find(origin_id, version, release, dist, asked), strict=True))
                return [found.get(one, Unresolved.NO_ARTIFACT) for one in wanted]

            return resolve_event(event, find)

        return resolve

    def _find(
        self, origin_id: UUID, version: int, release: str | None, dist: str | None, wanted: Sequence[Wanted]
    ) -> Sequence[Found]:
        """Return the maps of generated files; a store that does not answer makes no event wait or fail."""
        try:
            located = self._locate(origin_id, version, release, dist, wanted)
        except ProvenanceError as error:
            _log.warning("Frames are not resolved. %s", error.message)
            return [Unresolved.UNREADABLE_MAP] * len(wanted)
        return [self._opened(origin_id, one) for one in located]

    def _locate(
        self, origin_id: UUID, version: int, release: str | None, dist: str | None, wanted: Sequence[Wanted]
    ) -> list[Located]:
        known: dict[Wanted, Located] = {}
        with self._lock:
            for one in wanted:
                if (located := self._located.get((origin_id, version, release, dist, one))) is not None:
                    known[one] = located
        unknown = [one for one in wanted if one not in known]
        search = Search(self._store, origin_id, release, dist)
        for start in range(0, len(unknown), _PORTION):
            some = unknown[start : start + _PORTION]
            known |= zip(some, search.locate(some), strict=True)
        with self._lock:
            for one in unknown:
                seconds = FAILED_SECONDS if known[one].unresolved is Unresolved.UNREADABLE_MAP else None
                key = (origin_id, version, release, dist, one)
                self._located.put(key, replace(known[one], looked_for=()), seconds)
        return [known[one] for one in wanted]

    def _opened(self, origin_id: UUID, located: Located) -> Found:
        if located.map_hash is None or located.identity is None:
            return located.unresolved
        return self.open(origin_id, located.map_hash, located.identity) or Unresolved.UNREADABLE_MAP

    def open(self, origin_id: UUID, content: bytes, identity: str) -> OpenMap | None:
        """Return a source map to look frames up in, or None where it cannot be read.

        Args:
            origin_id: Whose it is.
            content: Its hash.
            identity: What frames call it.
        """
        key = (origin_id, content, identity)
        with self._lock:
            opened = self._open.get(key)
            if opened is not None:
                return opened
        index = self._files.open(origin_id, content)
        if index is None:
            return None
        with self._lock:
            opened = self._open.get(key) or OpenMap(identity, index, lambda damaged: self._discard(key, damaged))
            self._open.put(key, opened)
        return opened

    def _latest(self, origin_id: UUID, version: int) -> int:
        """Return the latest version seen; where it is a new one, try at once what could not be read."""
        with self._lock:
            seen = self._versions.get(origin_id) or 0
            if version > seen:
                self._versions.put(origin_id, version)
        if version > seen:
            self._files.retry(origin_id)
        return max(version, seen)

    def _discard(self, key: tuple[UUID, bytes, str], damaged: OpenMap) -> None:
        """Let go of a damaged map, whatever frames call it; who is told first does it for all."""
        origin_id, content, _ = key
        with self._lock:
            is_first = self._open.get(key) is damaged
            if is_first:
                self._open.drop(lambda other, _: other[:2] == (origin_id, content))
        if is_first:
            self._files.discard(origin_id, content)


def _own_first(event: dict[str, Any], wanted: Sequence[Wanted]) -> list[Wanted]:
    """Return generated files in their order, those first that frames of the application lie in."""
    build = Build.of(event)
    own = {build.wanted(frame) for frame in frames_of(event) if frame.get("inApp")}
    return sorted(wanted, key=lambda one: one not in own)
