"""The HTTP application: routes, guard and errors put together, and what lives as long as it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import Receive, Scope, Send

from provenance_http import upload_routes
from provenance_http.auth import Authentication
from provenance_http.cors import ingest_door
from provenance_http.docs_page import add_document_routes
from provenance_http.error_answers import HANDLERS, UnexpectedErrors
from provenance_http.exposure import Exposure
from provenance_http.guard import Guard
from provenance_http.health import add_health_routes
from provenance_http.ingest_doors import answer_sdk
from provenance_http.mcp_mount import McpDoor, add_mcp_route
from provenance_http.metrics import Metrics
from provenance_http.openapi import openapi_document
from provenance_http.routes import add_operation_routes
from provenance_http.sentry_routes import add_sentry_routes
from provenance_http.services import make_services
from provenance_http.tally import Tally
from provenance_http.upkeep import keep_in_shape
from provenance_http.well_known import add_well_known_routes
from provenance_http.writing import Writing, writing_in_thread
from provenance_server.source_maps import SourceMaps
from provenance_storage.store import Store

if TYPE_CHECKING:
    from provenance_http.oauth import Tokens

TITLE = "Provenance"
_Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]


class Application(FastAPI):
    """A FastAPI application with the doors of Sentry SDKs in front of it.

    It describes itself with the operations' own models.

    Attributes:
        mcp: The door of agents.
    """

    mcp: McpDoor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer Sentry SDKs at once, and everybody else through the layers of the API."""
        door = ingest_door(scope["path"]) if scope["type"] == "http" else None
        if door is not None:
            await answer_sdk(door, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi_document(self.title, self.version)
        return self.openapi_schema


def create_app(
    store: Store,
    writing: Writing | None = None,
    *,
    exposure: Exposure | None = None,
    source_maps: SourceMaps | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Application:
    """Make the application of a store.

    Args:
        store: The store; the caller closes it.
        writing: How it is written; in a thread of this process unless given.
        exposure: How it is reached, and what bounds it; on this machine alone unless given.
        source_maps: What resolves frames; packed indexes are kept in memory unless given.
        clock: Returns monotonic seconds, by which keys are remembered and rates kept.
    """
    exposure = exposure or Exposure()
    mcp = McpDoor()
    app = Application(
        title=TITLE,
        version=version("provenance-errors"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(store, writing or writing_in_thread(store), source_maps or SourceMaps(store), clock, mcp),
        middleware=[
            Middleware(Guard, exposure),
            Middleware(UnexpectedErrors),
            Middleware(Authentication, exposure, _tokens(exposure, clock)),
        ],
        exception_handlers={**HANDLERS},
    )
    app.mcp = mcp
    add_health_routes(app)
    add_operation_routes(app, upload_routes.HANDLERS)
    add_sentry_routes(app, exposure)
    add_document_routes(app)
    add_well_known_routes(app, exposure)
    add_mcp_route(app, mcp)
    return app


def _tokens(exposure: Exposure, clock: Callable[[], float]) -> Tokens | None:
    """Return what checks access tokens, where an issuer is trusted."""
    if exposure.oauth_issuer is None:
        return None
    from provenance_http.issuer_keys import IssuerKeys  # noqa: PLC0415  # loads cryptography, which few servers need
    from provenance_http.oauth import Tokens  # noqa: PLC0415  # loads cryptography, which few servers need

    return Tokens(IssuerKeys(exposure.oauth_issuer, clock), exposure.resources)


def _lifespan(
    store: Store, writing: Writing, source_maps: SourceMaps, clock: Callable[[], float], mcp: McpDoor
) -> _Lifespan:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        metrics = Metrics()
        tally = Tally(store, metrics)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tally.run)
            tasks.start_soon(keep_in_shape, store, metrics)
            async with writing(metrics) as recorder:
                services = make_services(
                    *(store, recorder, tally, metrics),
                    source_maps=source_maps,
                    clock=clock,
                    keys_changed=mcp.check_streams,
                )
                tasks.start_soon(services.keyring.run)
                tasks.start_soon(mcp.run, services)
                yield {"services": services}
                await services.assemblies.finish()
            tasks.cancel_scope.cancel()
        await anyio.to_thread.run_sync(tally.flush)

    return lifespan
