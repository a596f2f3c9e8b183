"""The doors that Sentry SDKs send to, without the layers that the API needs: they are asked most often by far."""

from __future__ import annotations

import time
from collections.abc import Mapping

import orjson
from fastapi import HTTPException
from starlette.types import Receive, Scope, Send

from provenance_core.errors import Forbidden, InvalidInput, ProvenanceError, TooLarge, TooManyRequests
from provenance_http.cors import CORS_HEADERS, PREFLIGHT_HEADERS, Door
from provenance_http.error_answers import QUEUE_FULL, RATE_LIMIT, Rejection, log_unexpected, rejection
from provenance_http.guard import SECURITY_HEADERS
from provenance_http.intake import RateLimited, take_in
from provenance_http.metrics import Outcome
from provenance_http.services import services_of

_RATE_LIMITED = "This key has sent as many events as its origin allows; wait and send again."
_OUTCOMES: Mapping[type[Exception], Outcome] = {
    TooManyRequests: Outcome.QUEUE_FULL,
    TooLarge: Outcome.TOO_LARGE,
    InvalidInput: Outcome.INVALID,
    HTTPException: Outcome.INVALID,
    Forbidden: Outcome.UNKNOWN_KEY,
}


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


_HEADERS = _raw({"content-type": "application/json", **SECURITY_HEADERS, **CORS_HEADERS})
_PREFLIGHT = _raw({"content-length": "0", **SECURITY_HEADERS, **PREFLIGHT_HEADERS})


async def answer_sdk(door: Door, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request to an ingest door."""
    if scope["method"] == "OPTIONS":
        await _send(send, 200, _PREFLIGHT, b"")
        return
    began = time.perf_counter()
    services = services_of(scope)
    try:
        if scope["method"] != "POST":
            raise HTTPException(405, headers={"allow": "POST"})
        event_id = await take_in(door, services, scope, receive)
    except Exception as error:  # noqa: BLE001  # the outermost place where an error of a request can be answered
        outcome, rejected = _refused(scope, error)
        status, headers, body = rejected.status, [*_HEADERS, *rejected.headers], rejected.body
    else:
        outcome, status, headers = Outcome.ACCEPTED, 200, [*_HEADERS]
        body = orjson.dumps({"id": event_id} if event_id else {})
    services.metrics.answered(outcome, time.perf_counter() - began)
    headers.append((b"content-length", b"%d" % len(body)))
    await _send(send, status, headers, body)


def _refused(scope: Scope, error: Exception) -> tuple[Outcome, Rejection]:
    if isinstance(error, RateLimited):
        return Outcome.RATE_LIMITED, rejection(TooManyRequests(_RATE_LIMITED, error.retry_after), RATE_LIMIT)
    if not isinstance(error, ProvenanceError | HTTPException):
        log_unexpected(scope, error)
    outcome = next((one for kind, one in _OUTCOMES.items() if isinstance(error, kind)), Outcome.FAILED)
    return outcome, rejection(error, QUEUE_FULL)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
