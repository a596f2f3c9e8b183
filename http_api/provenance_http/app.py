"""The HTTP application: routes, guard and errors put together, and what lives as long as it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI
from starlette.middleware import Middleware

from provenance_http.docs_page import add_docs_route
from provenance_http.envelope_routes import add_ingest_routes
from provenance_http.error_answers import HANDLERS, UnexpectedErrors
from provenance_http.guard import Guard
from provenance_http.health import add_health_routes
from provenance_http.openapi import openapi_document
from provenance_http.routes import add_operation_routes
from provenance_http.services import Services
from provenance_http.tally import Tally
from provenance_server.context import Recorder
from provenance_storage.store import Store
from provenance_storage.writer import Writer

TITLE = "Provenance"
_Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]


class Application(FastAPI):
    """A FastAPI application that describes itself with the operations' own models."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi_document(self.title, self.version)
        return self.openapi_schema


def create_app(store: Store, recorder: Recorder | None = None, *, host: str = "127.0.0.1") -> FastAPI:
    """Make the application of a store.

    Args:
        store: The store; the caller closes it.
        recorder: Where new interactions go; a writer of the application's own, drained at its end, unless given.
        host: What the server is bound to, which callers may call it by.
    """
    app = Application(
        title=TITLE,
        version=version("provenance-errors"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(store, recorder),
        middleware=[Middleware(Guard, host=host), Middleware(UnexpectedErrors)],
        exception_handlers={**HANDLERS},
    )
    add_health_routes(app)
    add_operation_routes(app)
    add_ingest_routes(app)
    add_docs_route(app)
    return app


def _lifespan(store: Store, recorder: Recorder | None) -> _Lifespan:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
        tally = Tally(store)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tally.run)
            if recorder is not None:
                yield {"services": Services(store, recorder, tally)}
            else:
                async with _writing(store) as writer:
                    yield {"services": Services(store, writer, tally)}
            tasks.cancel_scope.cancel()
        await anyio.to_thread.run_sync(tally.flush)

    return lifespan


@asynccontextmanager
async def _writing(store: Store) -> AsyncGenerator[Writer]:
    """Run a writer, and record what still waits at the end."""
    writer = Writer(store).__enter__()
    try:
        yield writer
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(writer.__exit__, None, None, None)
