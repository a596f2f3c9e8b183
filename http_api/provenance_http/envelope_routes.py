"""The ingest doors: Sentry SDKs send envelopes and events here, by DSN."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import anyio
import anyio.to_thread
import orjson
from fastapi import FastAPI, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from provenance_core.envelope import MAX_HEADER_BYTES, read_header
from provenance_core.errors import Forbidden, InvalidInput, NotFound, ProvenanceError, TooLarge, TooManyRequests
from provenance_http.bodies import (
    LARGEST_COMPRESSED,
    LARGEST_INFLATED,
    START_BYTES,
    Body,
    body_encoding,
    inflate,
    inflate_start,
)
from provenance_http.cors import NUMBER
from provenance_http.dsn import SEVERAL, UNKNOWN, Sender, admit, dsn_key, keys_given
from provenance_http.reception import EVENT, OTHER, Received, open_envelope, receive_envelope, receive_event
from provenance_http.services import Services, services_of
from provenance_server.context import Recorder
from provenance_server.faults import trace
from provenance_storage.records import NewInteraction, Recorded
from provenance_storage.store import Store

ENVELOPE_PATH = "/api/{originNumber}/envelope/"
STORE_PATH = "/api/{originNumber}/store/"

QUEUE_SECONDS = 2.0
"""How long a request waits for room in the queue: SDKs throw away what is refused. Ours."""

QUEUE_STEP_SECONDS = 0.05
_Receive = Callable[[Sender, bytes], Received]
_log = logging.getLogger("provenance_http")


class _Digits(Convertor[str]):
    """Take the number of an origin in a path as it stands; one too long to be one is none."""

    regex = NUMBER

    def convert(self, value: str) -> str:
        """Return the digits."""
        return value

    def to_string(self, value: str) -> str:
        """Return the digits."""
        return value


def add_ingest_routes(app: FastAPI) -> None:
    """Register the doors for Sentry SDKs, each with and without its trailing slash."""
    register_url_convertor("digits", _Digits())
    for path, receive in ((ENVELOPE_PATH, _envelope), (STORE_PATH, receive_event)):
        for variant in (path, path.rstrip("/")):
            app.add_route(variant.replace("}", ":digits}"), partial(_ingest, receive), methods=["POST"])


async def _ingest(receive: _Receive, request: Request) -> Response:
    """Answer a request once what it carries is on disk; its body is taken in once its key is known."""
    services, encoding = services_of(request), body_encoding(request)
    body, keys = Body(request, LARGEST_COMPRESSED), keys_given(request)
    start = await body.start(START_BYTES) if receive is _envelope and not keys else None
    admitting = partial(_admit, services.store, request.path_params["originNumber"], keys, start, encoding)
    sender = await anyio.to_thread.run_sync(admitting, limiter=services.key_threads)
    preparing = partial(_prepare, services, receive, sender, await body.whole(), encoding)
    received = await anyio.to_thread.run_sync(preparing, limiter=services.ingest_threads)
    services.tally.add(sender.origin.id, received.discards)
    if received.refusal is not None:
        raise received.refusal
    recorded = await _record(services, received) if received.events else None
    event_id = recorded.event.event_id if recorded and recorded.event else received.event_id
    return Response(orjson.dumps({"id": event_id} if event_id else {}), media_type="application/json")


def _admit(store: Store, number: str, keys: frozenset[str], start: bytes | None, encoding: str) -> Sender:
    """Return who sends; where the request names no key, the first line of an envelope may: no more is inflated."""
    if start is None:
        return admit(store, number, keys)
    try:
        key = dsn_key(read_header(inflate_start(start, encoding, MAX_HEADER_BYTES + 2)).get("dsn"))
    except InvalidInput:
        raise Forbidden("No key that can be read: send `X-Sentry-Auth: Sentry sentry_key=…` with the body.") from None
    return admit(store, number, frozenset({key} if key else ()))


def _prepare(services: Services, receive: _Receive, sender: Sender, body: bytes, encoding: str) -> Received:
    """Prepare a body for the writer; one that is not understood is counted."""
    try:
        return receive(sender, inflate(body, encoding, LARGEST_INFLATED))
    except (InvalidInput, TooLarge) as error:
        reason = "too_large" if isinstance(error, TooLarge) else "invalid"
        services.tally.add(sender.origin.id, {(OTHER, reason): 1})
        raise


def _envelope(sender: Sender, data: bytes) -> Received:
    """Prepare an envelope; a key in its own header counts like one of the request's."""
    envelope = open_envelope(data)
    if dsn_key(envelope.header.get("dsn")) not in {None, sender.key}:
        raise Forbidden(SEVERAL)
    return receive_envelope(sender, envelope)


async def _record(services: Services, received: Received) -> NewInteraction:
    """Record the events and return the first that is on disk.

    Raises:
        ProvenanceError: None could be recorded.
    """
    deadline = anyio.current_time() + QUEUE_SECONDS
    recording = (_recorded(services.recorder, event, deadline) for event in received.events)
    outcomes = await asyncio.gather(*recording, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    services.tally.add(received.sender.origin.id, _lost(failures))
    if len(failures) == len(outcomes):
        raise Forbidden(UNKNOWN) if isinstance(failures[0], NotFound) else failures[0]
    for failure in failures:
        if not isinstance(failure, ProvenanceError):
            _log.error("One event of an envelope was not recorded.\n%s", trace(failure))
    kept = (event for event, outcome in zip(received.events, outcomes, strict=True) if isinstance(outcome, Recorded))
    return next(kept)


async def _recorded(recorder: Recorder, event: NewInteraction, deadline: float) -> Recorded:
    """Record an event, waiting for room in the queue.

    The promise is shielded, because a request that is cancelled must not take back what the writer holds.

    Raises:
        TooManyRequests: There is no room until the deadline.
    """
    while True:
        try:
            promise = recorder.submit(event)
        except TooManyRequests:
            if anyio.current_time() >= deadline:
                raise
            await anyio.sleep(QUEUE_STEP_SECONDS)
        else:
            return await asyncio.shield(asyncio.wrap_future(promise))


def _lost(failures: Sequence[BaseException]) -> Counter[tuple[str, str]]:
    """Count events that were not recorded; those of an origin that was deleted have nowhere to be counted."""
    reasons = ("queue_full" if isinstance(failure, TooManyRequests) else "failed" for failure in failures)
    there = not any(isinstance(failure, NotFound) for failure in failures)
    return Counter((EVENT, reason) for reason in reasons if there)
