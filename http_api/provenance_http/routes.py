"""Register every operation as a route: take arguments from path, query, body and headers, run, answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, cast

import anyio.to_thread
from fastapi import FastAPI, Request, Response

from provenance_core.access import Scope
from provenance_core.errors import InvalidInput, NotFound, UnsupportedEncoding
from provenance_core.events import Model
from provenance_core.json_text import loads
from provenance_http.auth import access_of
from provenance_http.bodies import LARGEST_ARGUMENTS, Body, check_encoding, inflate, refuse_body
from provenance_http.scoped_routes import add_route
from provenance_http.services import Services, services_of
from provenance_server.context import Context
from provenance_server.operation import Operation
from provenance_server.operations import OPERATIONS, RECORD_INTERACTION

AnyOperation = Operation[Any, Any]
Handler = Callable[[Request], Awaitable[Response]]
Handlers = Mapping[str, tuple[Handler, Scope]]
"""What answers a path beside the operations, by method, and what that needs."""

HEADER_ARGUMENTS: Mapping[str, str] = {
    "x-uowid": "uowId",
    "x-userid": "userId",
    "x-interaction-timestamp": "interactionTimestamp",
    "x-span-id": "spanId",
    "x-parent-span-id": "parentSpanId",
}
"""The headers that stand for arguments of `record_interaction`; an argument in the body wins."""

WITH_BODY = frozenset({"POST", "PATCH"})
_ORIGINS = "/api/origins"
_KEYS = "/api/keys"


def add_operation_routes(app: FastAPI, others: Mapping[str, Handlers] | None = None) -> None:
    """Register the operations: one route a path, so that a wrong method is told all that are right.

    Args:
        app: The application.
        others: What answers beside them, by path and method.
    """
    by_path: dict[str, dict[str, AnyOperation | Handler]] = {}
    needs: dict[str, dict[str, Scope | None]] = {}
    for path, handlers in (others or {}).items():
        by_path[path] = {method: handler for method, (handler, _) in handlers.items()}
        needs[path] = {method: scope for method, (_, scope) in handlers.items()}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
        needs.setdefault(operation.path, {})[operation.method] = operation.scope
    for path, by_method in by_path.items():
        add_route(app, path, partial(_run, by_method), needs[path])


def context_of(request: Request) -> Context:
    """Return what the operations of a request need beside their arguments."""
    services = services_of(request.scope)
    sender_hash = services.senders.hash_of(request.scope.get("client"))
    return Context(services.store, services.recorder, access_of(request.scope), services.source_maps, sender_hash)


async def _run(by_method: Mapping[str, AnyOperation | Handler], request: Request) -> Response:
    operation = by_method["GET" if request.method == "HEAD" else request.method]
    if not isinstance(operation, Operation):
        return await operation(request)
    services = services_of(request.scope)
    try:
        with services.metrics.operation(operation.name):
            return await _ask(operation, services, request)
    finally:
        if operation.method != "GET" and operation.path.startswith((_ORIGINS, _KEYS)):
            services.admissions.clear()
        if operation.method != "GET" and operation.path.startswith(_KEYS):
            services.keys_changed()


async def _ask(operation: AnyOperation, services: Services, request: Request) -> Response:
    if b"%2f" in request.scope.get("raw_path", b"").lower():  # decoded, it would make another path of an id
        raise NotFound("No id or mnemonic has a slash; GET the list to see which there are.")
    context = context_of(request)
    if operation.method not in WITH_BODY:
        refuse_body(request)
        return await anyio.to_thread.run_sync(_answer, operation, context, request, None)
    _check_content_type(request)
    encoding = check_encoding(",".join(request.headers.getlist("content-encoding")))
    declared = request.headers.get("content-length")
    with Body(request.receive, declared, LARGEST_ARGUMENTS, services.room) as body:
        sent = (await body.whole(), encoding)
        return await anyio.to_thread.run_sync(_answer, operation, context, request, sent)


def _answer(operation: AnyOperation, context: Context, request: Request, body: tuple[bytes, str] | None) -> Response:
    """Run an operation, in a worker thread."""
    raw = _arguments(operation, request, body)
    answer: Model = operation(context, raw)
    content = answer.model_dump_json(by_alias=True)
    return Response(content, operation.status(answer), media_type="application/json")


def _arguments(operation: AnyOperation, request: Request, body: tuple[bytes, str] | None) -> dict[str, Any]:
    """Merge what path, query, body and headers say into one set of arguments.

    Raises:
        InvalidInput: The body is no JSON object, or says again what the path says.
    """
    query = _query(request)
    if body is None:
        given = query
    elif query:
        raise InvalidInput(f"{request.method} takes its arguments in the JSON body, not in the query.")
    else:
        given = _object(*body)
    fields = operation.arguments.model_fields.items()
    in_path = {name: field.alias or name for name, field in fields if field.alias in operation.arguments.path_arguments}
    for spelling in (*in_path, *in_path.values()):
        if spelling in given:
            raise InvalidInput(f"`{spelling}` stands in the path already; leave it out elsewhere.")
    if operation is RECORD_INTERACTION:
        given = {**_from_headers(request), **given}
    return {**given, **request.path_params}


def _query(request: Request) -> dict[str, Any]:
    """Return the query's arguments: a text each, a list of texts where one is repeated."""
    query = request.query_params
    return {name: values[0] if len(values := query.getlist(name)) == 1 else values for name in query}


def _object(data: bytes, encoding: str) -> dict[str, Any]:
    value = loads(inflate(data, encoding, LARGEST_ARGUMENTS)).value
    if not isinstance(value, dict):
        raise InvalidInput("The body must be a JSON object that holds the arguments.")
    return cast("dict[str, Any]", value)


def _check_content_type(request: Request) -> None:
    """Refuse a body that says it is something else than JSON; one that says nothing is taken for JSON."""
    told = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if told != "application/json" and not told.endswith("+json"):
        raise UnsupportedEncoding("Send the arguments as JSON, with the header `content-type: application/json`.")


def _from_headers(request: Request) -> dict[str, str]:
    told = {argument: _header(request, name) for name, argument in HEADER_ARGUMENTS.items()}
    return {argument: text for argument, text in told.items() if text}


def _header(request: Request, name: str) -> str:
    """Return a header's text, which senders write in UTF-8 though HTTP calls it Latin-1."""
    text = request.headers.get(name, "").strip()
    try:
        return text.encode("latin-1").decode()
    except ValueError:
        return text
