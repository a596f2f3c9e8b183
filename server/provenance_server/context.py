"""Where operations run: the store, who asks, and how new interactions get into it."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from provenance_core.access import Access, Actor
from provenance_core.clean import quoted
from provenance_core.errors import NotFound
from provenance_core.events import Model, Via
from provenance_server.lockdown import withheld
from provenance_server.source_maps import SourceMaps
from provenance_storage.records import IssueRecord, NewInteraction, OriginRecord, Recorded
from provenance_storage.store import Store

M = TypeVar("M", bound=Model)


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

    `access` says who asks and what they may; `source_maps` resolves what is recorded and read; `sender_hash` is the
    caller's address as it is kept with what is recorded, where there is one.
    """

    store: Store
    recorder: Recorder
    access: Access
    source_maps: SourceMaps
    sender_hash: bytes | None = None

    @property
    def actor(self) -> Actor:
        """Return who is written into the history of what the caller changes."""
        return self.access.actor

    @property
    def via(self) -> Via:
        """Return how what the caller records was reported."""
        return self.access.via

    @property
    def pinned(self) -> OriginRecord | None:
        """Return the only origin there is for the caller, or None where it may see all.

        Raises:
            NotFound: It was deleted, or never was.
        """
        if self.access.origin is None:
            return None
        try:
            return self.store.origins.find(self.access.origin)
        except NotFound:  # which others there are is not for this caller
            told = quoted(self.access.origin)
            raise NotFound(f"The origin that this is bound to, {told}, does not exist.") from None

    def origin(self, reference: str) -> OriginRecord:
        """Return the origin that an id, a number or a mnemonic names, if the caller may see it.

        Raises:
            NotFound: It names none.
        """
        pinned = self.pinned
        if pinned is None:
            return self.store.origins.find(reference)
        try:
            found = self.store.origins.find(reference)
        except NotFound:
            found = None
        if found is None or found.id != pinned.id:
            raise NotFound(f"No origin {quoted(reference)}. Known: {pinned.mnemonic}.")
        return found

    def origin_id(self, reference: str | None) -> UUID | None:
        """Return the id of the origin that narrows a list: the named one, else the caller's only one, else None.

        Raises:
            NotFound: The reference names none.
        """
        if reference:
            return self.origin(reference).id
        pinned = self.pinned
        return pinned.id if pinned is not None else None

    def issue(self, reference: str) -> IssueRecord:
        """Return the issue that an id or a short id names, if the caller may see it.

        Raises:
            NotFound: It names none.
        """
        return self.store.issues.find(reference, self.origin_id(None))

    def shown(self, answer: M) -> M:
        """Return of an answer what the caller may see."""
        return withheld(answer) if self.access.lockdown else answer
