"""Where operations run: the store, who asks, and how new interactions get into it."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from provenance_core.events import Via
from provenance_server.source_maps import SourceMaps
from provenance_storage.records import NewInteraction, Recorded
from provenance_storage.store import Store


class Recorder(Protocol):
    """Take a new interaction and promise its outcome, kept once it is on disk."""

    def submit(self, new: NewInteraction) -> Future[Recorded]:
        """Queue an interaction."""
        ...


class DirectRecorder:
    """Record each interaction at once, in a transaction of its own: for processes that serve nobody."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def submit(self, new: NewInteraction) -> Future[Recorded]:
        """Record an interaction and return its kept promise."""
        promise: Future[Recorded] = Future()
        promise.set_result(self._store.record([new])[0])
        return promise


@dataclass(frozen=True, slots=True)
class Context:
    """What an operation needs beside its arguments.

    `actor` is written into the history of what the caller changes; `via` into what the caller records; `source_maps`
    resolves what is recorded and read.
    """

    store: Store
    recorder: Recorder
    actor: str
    via: Via
    source_maps: SourceMaps
