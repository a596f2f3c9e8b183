"""What routes work with: made when the server starts, found through the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import anyio
from starlette.types import Scope

from provenance_http.admissions import Admissions
from provenance_http.assemblies import Assemblies
from provenance_http.bodies import Room
from provenance_http.keyring import Keyring
from provenance_http.metrics import Metrics
from provenance_http.rates import Rates
from provenance_http.store_facts import StoreFacts
from provenance_http.tally import Tally
from provenance_http.uploads import Turns
from provenance_http.writing import ServerRecorder
from provenance_server.senders import Senders
from provenance_server.source_maps import SourceMaps
from provenance_storage.senders import SENDER_SECRET
from provenance_storage.store import Store

INGEST_THREADS = 4
"""Large bodies prepared at once; it bounds the memory that they take inflated, and events must not wait for reads."""

CHUNK_REQUESTS = 4
"""Requests with chunks of bundles that are taken in at once: each has 32 MiB at most."""


@dataclass(frozen=True, slots=True)
class Services:
    """The store, the way into it, who may take it, and what counts beside it."""

    store: Store
    recorder: ServerRecorder
    tally: Tally
    metrics: Metrics
    keyring: Keyring
    admissions: Admissions
    rates: Rates
    source_maps: SourceMaps
    senders: Senders
    keys_changed: Callable[[], None]
    room: Room = field(default_factory=Room)
    ingest_threads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(INGEST_THREADS))
    uploads: Turns = field(default_factory=Turns)
    chunk_turns: Turns = field(default_factory=lambda: Turns(CHUNK_REQUESTS))
    assemblies: Assemblies = field(default_factory=Assemblies)


def make_services(
    store: Store,
    recorder: ServerRecorder,
    tally: Tally,
    metrics: Metrics,
    *,
    source_maps: SourceMaps,
    clock: Callable[[], float],
    keys_changed: Callable[[], None],
) -> Services:
    """Make the services of a server; to be called where its event loop runs."""
    metrics.watch(recorder, StoreFacts(store, clock))
    senders = Senders(store.secret(SENDER_SECRET))
    keyring = Keyring(store, clock)
    admissions = Admissions(store, clock, keyring.used)
    rates = Rates(clock)
    return Services(store, recorder, tally, metrics, keyring, admissions, rates, source_maps, senders, keys_changed)


def services_of(scope: Scope) -> Services:
    """Return the services of the server that a request reached."""
    return cast("Services", scope["state"]["services"])
