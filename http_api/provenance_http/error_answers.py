"""Translate errors into HTTP: the one place where it is done, for the API's clients and for Sentry SDKs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import HTTPException, Request, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provenance_core.errors import ProvenanceError, TooManyRequests, Unavailable
from provenance_server.faults import trace

SENTRY_PREFIX = "/api/0"
"""Where errors are told in Sentry's form."""

QUEUE_FULL = "error:key:queue_full"
RATE_LIMIT = "default;error:key:rate_limit"
"""What `X-Sentry-Rate-Limits` says after the seconds: narrow categories, or SDKs would hold back everything."""

_NOT_NOW = "The server cannot write events now; its log says why."
INTERNAL = "The server failed at this request; it is a fault of ours and stands in the server's log."
_log = logging.getLogger("provenance_http")
_CODES = {404: "not_found", 405: "method_not_allowed", 408: "timeout", 421: "wrong_host"}
"""The codes of refusals that only HTTP knows."""


@dataclass(frozen=True, slots=True)
class _Told:
    status: int
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refusal in Sentry's form, as it is sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def error_answer(error: Exception) -> Response:
    """Return the answer that tells an error: ours, one of HTTP's, or any other, of which nothing is told."""
    told = _tell(error)
    body = {"error": {"code": told.code, "message": told.message, "details": told.details}}
    return Response(orjson.dumps(body), told.status, told.headers, "application/json")


def answer_at(path: str, error: Exception, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that tells an error in the form of the door that a path is of.

    Args:
        path: The path that was asked for.
        error: The error.
        headers: What to say besides.
    """
    answer = (
        sentry_refusal(error) if path == SENTRY_PREFIX or path.startswith(f"{SENTRY_PREFIX}/") else error_answer(error)
    )
    answer.headers.update(headers or {})
    return answer


def rejection(error: Exception, limits: str = QUEUE_FULL) -> Rejection:
    """Return the answer that tells a Sentry SDK an error.

    Args:
        error: Ours, one of HTTP's, or any other, of which nothing is told.
        limits: Which of what it sends the SDK must hold back, where the error says for how long.
    """
    told = _tell(error)
    if isinstance(error, Unavailable):
        told = replace(told, message=_NOT_NOW)  # senders of events need not know where the store is
    headers = {**told.headers, "x-sentry-error": told.message}
    if isinstance(error, TooManyRequests):
        headers["x-sentry-rate-limits"] = f"{error.retry_after}:{limits}"
    raw = [(name.encode("ascii"), value.encode("ascii", "replace")) for name, value in headers.items()]
    return Rejection(told.status, raw, orjson.dumps({"detail": told.message, "causes": []}))


def sentry_refusal(error: Exception) -> Response:
    """Return the answer that tells sentry-cli an error; of one that is not ours and not of HTTP, nothing is told."""
    told = _tell(error)
    return Response(orjson.dumps({"detail": told.message}), told.status, told.headers, "application/json")


def _tell(error: Exception) -> _Told:
    if isinstance(error, ProvenanceError):
        headers = {"retry-after": str(error.retry_after)} if isinstance(error, TooManyRequests) else {}
        return _Told(error.http_status, error.code, error.message, error.details, headers)
    if isinstance(error, StarletteHTTPException):
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        if "allow" in headers:
            headers["allow"] = ", ".join(sorted(headers["allow"].split(", ")))
        code = _CODES.get(error.status_code, "invalid_input")
        return _Told(error.status_code, code, _advice(error, headers.get("allow")), {}, headers)
    return _Told(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", INTERNAL)


def _advice(error: StarletteHTTPException, allowed: str | None) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "There is nothing at this path; GET /openapi.json names every path, without a trailing slash."
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"This path takes {allowed}; GET /openapi.json says what each does."
    return error.detail


async def handle(_request: Request, error: Exception) -> Response:
    """Answer an error that a route raised."""
    return error_answer(error)


def log_unexpected(scope: Scope, error: Exception) -> None:
    """Log where nobody expected an error, without the text of any event."""
    _log.error("A request failed: %s %s\n%s", scope["method"], scope["path"].encode("ascii", "replace"), trace(error))


class UnexpectedErrors:
    """Log where nobody expected an error, and answer it without any detail."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and answer where that fails."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001  # the outermost place where an error of a request can be answered
            log_unexpected(scope, error)
            if started:
                raise RuntimeError("An answer was not finished; the log says why.") from None
            await answer_at(scope["path"], error)(scope, receive, send)


HANDLERS = {ProvenanceError: handle, HTTPException: handle, StarletteHTTPException: handle}
"""What FastAPI is given to answer errors with."""
