"""Health probes: is the process alive, and can it read and write its store."""

from __future__ import annotations

import anyio.to_thread
import orjson
from fastapi import FastAPI, Request, Response

from provenance_core.errors import Unavailable
from provenance_http.services import services_of
from provenance_storage.writer import Writer


def add_health_routes(app: FastAPI) -> None:
    """Register the probes."""
    app.add_route("/healthz", alive)
    app.add_route("/readyz", ready)


async def alive(_request: Request) -> Response:
    """Say that the process answers."""
    return _ok()


async def ready(request: Request) -> Response:
    """Say that the store can be read, and events be written.

    Raises:
        Unavailable: One of them cannot.
    """
    services = services_of(request)
    if isinstance(services.recorder, Writer) and not services.recorder.alive:
        raise Unavailable("Events are not written any more; restart the server.")
    await anyio.to_thread.run_sync(services.store.resource_types.all)
    return _ok()


def _ok() -> Response:
    return Response(orjson.dumps({"status": "ok"}), media_type="application/json")
