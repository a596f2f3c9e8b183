"""What routes work with: made when the server starts, found through the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import anyio
from fastapi import Request

from provenance_http.tally import Tally
from provenance_server.context import Recorder
from provenance_storage.store import Store

INGEST_THREADS = 4
"""Envelopes prepared at once; it bounds the memory that inflated bodies take, and events must not wait for reads."""

KEY_THREADS = 4
"""Keys looked up at once; they wait neither for bodies nor for reads."""


@dataclass(frozen=True, slots=True)
class Services:
    """The store, the way into it, and what counts beside it."""

    store: Store
    recorder: Recorder
    tally: Tally
    key_threads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(KEY_THREADS))
    ingest_threads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(INGEST_THREADS))


def services_of(request: Request) -> Services:
    """Return the services of the server that a request reached."""
    return cast("Services", request.state.services)
