"""The way of a Sentry SDK's request: whose it is, how fast they may send, what it holds, and onto the disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

import anyio.to_thread
from starlette.types import Receive, Scope

from provenance_core.envelope import MAX_HEADER_BYTES, read_header
from provenance_core.errors import Forbidden, InvalidInput, NotFound, ProvenanceError, TooLarge, TooManyRequests
from provenance_core.normalize import Resolve
from provenance_http.bodies import (
    LARGEST_COMPRESSED,
    LARGEST_INFLATED,
    SMALL_SENT,
    START_BYTES,
    Body,
    check_encoding,
    inflate,
    inflate_small,
    inflate_start,
)
from provenance_http.cors import Door
from provenance_http.dsn import SEVERAL, UNKNOWN, Sender, dsn_key, keys_given
from provenance_http.reception import EVENT, OTHER, Received, open_envelope, receive_envelope, receive_event
from provenance_http.services import Services
from provenance_server.context import Recorder
from provenance_server.faults import trace
from provenance_server.source_maps import MOST_LOOKUPS
from provenance_storage.records import NewInteraction, Recorded

_log = logging.getLogger("provenance_http")


class RateLimited(Exception):
    """Say that a key has sent more than it may; whose it is was told to who counts.

    Args:
        retry_after: Seconds until it may send again.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


async def take_in(door: Door, services: Services, scope: Scope, receive: Receive) -> str | None:
    """Put on disk what a request carries and return the id to answer; its body is taken in once its key is known.

    Raises:
        RateLimited: The key has sent too much.
        ProvenanceError: Nothing of it is recorded.
    """
    declared, encoding = _told(scope)
    keys = keys_given(scope["headers"], scope["query_string"])
    with Body(receive, declared, LARGEST_COMPRESSED, services.room) as body:
        if not keys and door.kind == "envelope":
            keys = await _key_within(await body.start(START_BYTES), encoding, services)
        sender = await services.admissions.admit(door.number, keys)
        if wait := services.rates.take(sender):
            services.tally.add(sender.origin.id, {(EVENT, "rate_limited"): 1})
            raise RateLimited(wait)
        address = services.senders.hash_of(scope.get("client"))
        received = await _prepared(door, services, sender, await body.whole(), encoding, sender_hash=address)
    services.rates.charge(sender, len(received.events) - 1)
    services.tally.add(sender.origin.id, received.discards)
    if received.refusal is not None:
        raise received.refusal
    if not received.events:
        return received.event_id
    recorded = await _record(services, received)
    return recorded.event.event_id if recorded.event else None


def _told(scope: Scope) -> tuple[str | None, str]:
    """Return which length and encoding a request says its body has."""
    declared, encodings = None, b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            declared = value.decode("latin-1")
        elif name == b"content-encoding":
            encodings = encodings + b"," + value if encodings else value
    return declared, check_encoding(encodings.decode("latin-1"))


async def _key_within(start: bytes, encoding: str, services: Services) -> frozenset[str]:
    """Return the key in the first line of an envelope: no more is inflated."""
    try:
        if len(start) <= SMALL_SENT:
            return _header_key(start, encoding)
        return await anyio.to_thread.run_sync(_header_key, start, encoding, limiter=services.ingest_threads)
    except InvalidInput:
        raise Forbidden("No key that can be read: send `X-Sentry-Auth: Sentry sentry_key=…` with the body.") from None


def _header_key(start: bytes, encoding: str) -> frozenset[str]:
    key = dsn_key(read_header(inflate_start(start, encoding, MAX_HEADER_BYTES + 2)).get("dsn"))
    return frozenset({key} if key else ())


async def _prepared(
    door: Door, services: Services, sender: Sender, body: bytes, encoding: str, *, sender_hash: bytes | None
) -> Received:
    """Prepare a body for the writer: a small one at once, others in a thread; one not understood is counted.

    Frames are resolved in a thread, too: source maps may have to be fetched for them.
    """
    receive = _envelope if door.kind == "envelope" else receive_event
    resolve = services.source_maps.resolver(sender.origin.id, sender.artifacts, MOST_LOOKUPS)
    prepare = partial(receive, resolve=resolve, sender_hash=sender_hash)
    small = inflate_small(body, encoding) if resolve is None else None
    try:
        if small is not None:
            return prepare(sender, small)
        return await anyio.to_thread.run_sync(_large, prepare, sender, body, encoding, limiter=services.ingest_threads)
    except (InvalidInput, TooLarge) as error:
        reason = "too_large" if isinstance(error, TooLarge) else "invalid"
        services.tally.add(sender.origin.id, {(OTHER, reason): 1})
        raise


def _large(prepare: Callable[[Sender, bytes], Received], sender: Sender, body: bytes, encoding: str) -> Received:
    return prepare(sender, inflate(body, encoding, LARGEST_INFLATED))


def _envelope(
    sender: Sender, data: bytes, resolve: Resolve | None = None, sender_hash: bytes | None = None
) -> Received:
    """Prepare an envelope; a key in its own header counts like one of the request's."""
    envelope = open_envelope(data)
    if dsn_key(envelope.header.get("dsn")) not in {None, sender.key}:
        raise Forbidden(SEVERAL)
    return receive_envelope(sender, envelope, resolve, sender_hash)


async def _record(services: Services, received: Received) -> NewInteraction:
    """Record the events and return the first that is on disk.

    Raises:
        ProvenanceError: None could be recorded.
    """
    if len(received.events) == 1:
        outcomes = [await _outcome(services.recorder, received.events[0])]
    else:
        outcomes = await asyncio.gather(*(_outcome(services.recorder, event) for event in received.events))
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failures:
        services.tally.add(received.sender.origin.id, _lost(failures))
    if len(failures) == len(outcomes):
        raise Forbidden(UNKNOWN) if isinstance(failures[0], NotFound) else failures[0]
    for failure in failures:
        if not isinstance(failure, ProvenanceError):
            _log.error("One event of an envelope was not recorded.\n%s", trace(failure))
    kept: list[NewInteraction] = []
    for event, outcome in zip(received.events, outcomes, strict=True):
        if isinstance(outcome, Recorded):
            kept.append(event)
            services.metrics.recorded(duplicate=outcome.duplicate)
    return kept[0]


async def _outcome(recorder: Recorder, event: NewInteraction) -> Recorded | Exception:
    try:
        return await _recorded(recorder, event)
    except Exception as error:  # noqa: BLE001  # what happens to one event is told once its neighbours are recorded
        return error


async def _recorded(recorder: Recorder, event: NewInteraction) -> Recorded:
    """Record an event; whoever stops waiting does not take it back from the recorder.

    Raises:
        TooManyRequests: There is no room for it.
    """
    promise = recorder.submit(event)
    if not promise.done():
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()

        def wake(_promise: Future[Recorded]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(_keep, kept)

        promise.add_done_callback(wake)
        await kept
    return promise.result()


def _keep(kept: asyncio.Future[None]) -> None:
    if not kept.done():
        kept.set_result(None)


def _lost(failures: Sequence[Exception]) -> Counter[tuple[str, str]]:
    """Count events that were not recorded; those of an origin that was deleted have nowhere to be counted."""
    reasons = ("queue_full" if isinstance(failure, TooManyRequests) else "failed" for failure in failures)
    there = not any(isinstance(failure, NotFound) for failure in failures)
    return Counter((EVENT, reason) for reason in reasons if there)
