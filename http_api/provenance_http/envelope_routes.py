"""The ingest doors: Sentry SDKs send envelopes and events here, by DSN."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import anyio.to_thread
import orjson
from fastapi import FastAPI, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from provenance_core.errors import Forbidden, InvalidInput, ProvenanceError, TooLarge, TooManyRequests
from provenance_http.bodies import body_encoding, inflate, read_body
from provenance_http.cors import NUMBER
from provenance_http.dsn import Sender, admit, dsn_key, keys_given
from provenance_http.reception import EVENT, OTHER, Received, open_envelope, receive_envelope, receive_event
from provenance_http.services import Services, services_of
from provenance_storage.records import NewInteraction, Recorded

ENVELOPE_PATH = "/api/{originNumber}/envelope/"
STORE_PATH = "/api/{originNumber}/store/"
_log = logging.getLogger("provenance_http")


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A request whose body was read, and nothing looked at yet."""

    number: str
    keys: frozenset[str]
    encoding: str
    body: bytes


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
    for path, receive in ((ENVELOPE_PATH, _envelope), (STORE_PATH, _event)):
        for variant in (path, path.rstrip("/")):
            app.add_route(variant.replace("}", ":digits}"), partial(_ingest, receive), methods=["POST"])


async def _ingest(receive: Callable[[Services, _Arrival], Received], request: Request) -> Response:
    """Answer a request once what it carries is on disk."""
    services = services_of(request)
    encoding = body_encoding(request)
    arrival = _Arrival(
        request.path_params["originNumber"], frozenset(keys_given(request)), encoding, await read_body(request)
    )
    received = await anyio.to_thread.run_sync(receive, services, arrival, limiter=services.ingest_threads)
    services.tally.add(received.sender.origin.id, received.discards)
    if received.refusal is not None:
        raise received.refusal
    recorded = await _record(services, received) if received.events else None
    event_id = recorded.event.event_id if recorded and recorded.event else received.event_id
    return Response(orjson.dumps({"id": event_id} if event_id else {}), media_type="application/json")


def _envelope(services: Services, arrival: _Arrival) -> Received:
    """Prepare an envelope; a key in its own header counts like one of the request's."""
    sender = admit(services.store, arrival.number, arrival.keys) if arrival.keys else None
    try:
        envelope = open_envelope(inflate(arrival.body, arrival.encoding))
    except (InvalidInput, TooLarge) as error:
        raise _counted(services, sender, error) from None
    named = dsn_key(envelope.header.get("dsn"))
    if sender is None or (named is not None and named not in arrival.keys):
        sender = admit(services.store, arrival.number, arrival.keys | ({named} if named else frozenset[str]()))
    return receive_envelope(sender, envelope)


def _event(services: Services, arrival: _Arrival) -> Received:
    """Prepare the event of a store request."""
    sender = admit(services.store, arrival.number, arrival.keys)
    try:
        data = inflate(arrival.body, arrival.encoding)
    except (InvalidInput, TooLarge) as error:
        raise _counted(services, sender, error) from None
    return receive_event(sender, data)


def _counted(services: Services, sender: Sender | None, error: ProvenanceError) -> ProvenanceError:
    """Count a body that is not understood, where it is known whose it is."""
    if sender is None:
        return Forbidden("No key that can be read: send `X-Sentry-Auth: Sentry sentry_key=…` with the body.")
    reason = "too_large" if isinstance(error, TooLarge) else "invalid"
    services.tally.add(sender.origin.id, {(OTHER, reason): 1})
    return error


async def _record(services: Services, received: Received) -> NewInteraction:
    """Record the events and return the first that is on disk.

    Raises:
        ProvenanceError: None could be recorded.
    """
    outcomes = await asyncio.gather(*_submitted(services, received), return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    for failure in failures:
        if len(failures) < len(outcomes) and not isinstance(failure, ProvenanceError):
            _log.error("One event of an envelope was not recorded.", exc_info=failure)
    if failures:
        services.tally.add(received.sender.origin.id, {(EVENT, "failed"): len(failures)})
    if len(failures) == len(outcomes):
        raise failures[0]
    kept = (event for event, outcome in zip(received.events, outcomes, strict=False) if isinstance(outcome, Recorded))
    return next(kept)


def _submitted(services: Services, received: Received) -> list[asyncio.Future[Recorded]]:
    """Queue the events; where the queue fills up in between, those that are in it are recorded and the rest counted.

    The promises are shielded, because a request that is cancelled must not take back what the writer holds.
    """
    promises: list[asyncio.Future[Recorded]] = []
    for event in received.events:
        try:
            promises.append(asyncio.shield(asyncio.wrap_future(services.recorder.submit(event))))
        except TooManyRequests:
            refused = len(received.events) - len(promises)
            services.tally.add(received.sender.origin.id, {(EVENT, "queue_full"): refused})
            if not promises:
                raise
            break
    return promises
