"""Health probes: is the process alive, can it read and write its store, and its numbers for Prometheus."""

from __future__ import annotations

import anyio.to_thread
import orjson
from fastapi import FastAPI, Request, Response

from provenance_core.access import Scope
from provenance_core.errors import Forbidden, Unavailable
from provenance_http.auth import access_of
from provenance_http.metrics import CONTENT_TYPE
from provenance_http.scoped_routes import PUBLIC, add_route
from provenance_http.services import services_of


def add_health_routes(app: FastAPI) -> None:
    """Register the probes."""
    add_route(app, "/healthz", alive, {"GET": PUBLIC})
    add_route(app, "/readyz", ready, {"GET": PUBLIC})
    add_route(app, "/metrics", numbers, {"GET": Scope.READ})


async def alive(_request: Request) -> Response:
    """Say that the process answers."""
    return _ok()


async def ready(request: Request) -> Response:
    """Say that the store can be read, and events be written.

    Raises:
        Unavailable: One of them cannot.
    """
    services = services_of(request.scope)
    if not services.recorder.alive:
        raise Unavailable("Events are not written any more; restart the server.")
    if services.recorder.refusing:
        raise Unavailable("The store refuses events; the server's log says why. It is tried again with the next event.")
    await anyio.to_thread.run_sync(services.store.resource_types.all)
    return _ok()


async def numbers(request: Request) -> Response:
    """Return what was counted and measured.

    Raises:
        Forbidden: The caller may see one origin only; these are numbers of all.
    """
    if access_of(request.scope).origin is not None:
        raise Forbidden(
            "The numbers are those of all origins, and you may see one only; leave x-provenance-origin out."
        )
    text = await anyio.to_thread.run_sync(services_of(request.scope).metrics.render)
    return Response(text, media_type=CONTENT_TYPE)


def _ok() -> Response:
    return Response(orjson.dumps({"status": "ok"}), media_type="application/json")
