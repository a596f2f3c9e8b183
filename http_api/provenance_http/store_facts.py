"""What a store holds in numbers, asked for now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.store import Store

FACTS_SECONDS = 15.0
"""How long numbers of a store are told again before it is asked: scrapers come as often."""


@runtime_checkable
class _InFile(Protocol):
    path: Path


class StoreFacts:
    """Ask a store for its size, and remember the answer for a while.

    Args:
        store: The store.
        clock: Returns monotonic seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._until = clock()
        self._facts: Mapping[str, float] = {}

    def __call__(self) -> Mapping[str, float]:
        """Return the numbers by name; to be called in a worker thread.

        Raises:
            Unavailable: The store cannot be used.
        """
        now = self._clock()
        if now >= self._until:
            self._facts = {**_files(self._store.database), **_rows(self._store)}
            self._until = now + FACTS_SECONDS
        return self._facts


def _rows(store: Store) -> dict[str, float]:
    issues = store.issues.list(IssueFilters(), IssueOrder(), 1).total
    return {"origins": len(store.origins.all()), "issues": issues}


def _files(database: object) -> dict[str, float]:
    if not isinstance(database, _InFile):
        return {}
    log = database.path.with_name(f"{database.path.name}-wal")
    return {"database_bytes": _size(database.path), "wal_bytes": _size(log)}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
