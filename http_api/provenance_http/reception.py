"""Prepare what a Sentry SDK sent for the writer: events are kept, everything else is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

from provenance_core.envelope import Envelope, category, parse_envelope
from provenance_core.errors import InvalidInput, ProvenanceError, TooLarge
from provenance_core.json_text import loads
from provenance_core.normalize import Resolve
from provenance_core.payload_sections import read_event_id
from provenance_http.client_reports import count_report
from provenance_http.dsn import Sender
from provenance_server.ingest import check_size, from_sentry
from provenance_storage.records import NewInteraction

EVENT = "error"
"""The category events are counted under."""

OTHER = "other"


@dataclass(slots=True)
class Received:
    """What became of a request's items before anything is written.

    Attributes:
        sender: Who sent them.
        resolve: Resolves the frames of events, where the origin has source maps.
        sender_hash: The address they came from, as it is kept.
        events: The events to record.
        event_id: The id to answer where no event is recorded.
        discards: How many items were not kept, by category and reason.
        refusal: Why nothing is recorded, where that is the sender's fault.
    """

    sender: Sender
    resolve: Resolve | None = None
    sender_hash: bytes | None = None
    events: list[NewInteraction] = field(default_factory=list[NewInteraction])
    event_id: str | None = None
    discards: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    refusal: ProvenanceError | None = None


def receive_event(
    sender: Sender, data: bytes, resolve: Resolve | None = None, sender_hash: bytes | None = None
) -> Received:
    """Prepare the one event of a store request."""
    received = Received(sender, resolve, sender_hash)
    received.refusal = _take_event(received, data, set())
    return received


def receive_envelope(
    sender: Sender, envelope: Envelope, resolve: Resolve | None = None, sender_hash: bytes | None = None
) -> Received:
    """Prepare the events of an envelope.

    One that cannot be kept does not harm its neighbours; the request is refused only where nothing of it was good.
    """
    received = Received(sender, resolve, sender_hash, event_id=read_event_id(envelope.header.get("event_id")))
    taken: set[str] = set()
    refusals: list[ProvenanceError] = []
    for item in envelope.items:
        if item.type == "event":
            refusal = _take_event(received, item.payload, taken)
            refusals += [refusal] if refusal else []
        else:
            reported = count_report(item.payload) if item.type == "client_report" else None
            received.discards.update(reported or {(category(item.type), "not_kept"): 1})
    _count_rest(received, envelope)
    if not received.events:
        received.refusal = _refusal(envelope, refusals)
    return received


def open_envelope(data: bytes) -> Envelope:
    """Take an envelope apart.

    Raises:
        InvalidInput: It is none, or is cut before its first item ends.
    """
    envelope = parse_envelope(data)
    if envelope.truncated and not envelope.items:
        raise InvalidInput("The envelope is cut before its first item ends; send it again.")
    return envelope


def _take_event(received: Received, payload: bytes, taken: set[str]) -> ProvenanceError | None:
    """Add an event to what is recorded, or count it and return why it cannot be.

    An event without an id takes the envelope's, unless a neighbour has it: a second event of one id is not kept.
    """
    try:
        check_size(len(payload))
        loaded = loads(payload)
        raw = _object(loaded.value)
    except ProvenanceError as error:
        received.discards[EVENT, "too_large" if isinstance(error, TooLarge) else "invalid"] += 1
        return error
    own = read_event_id(raw.get("event_id"))
    if own is None:
        own = received.event_id if received.event_id and received.event_id not in taken else uuid4().hex
        raw = {**raw, "event_id": own}
    taken.add(own)
    sender = received.sender
    received.events.append(
        from_sentry(
            sender.origin,
            raw,
            sender.via,
            repaired=loaded.repaired,
            resolve=received.resolve,
            sender_hash=received.sender_hash,
        )
    )
    return None


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput("An event must be a JSON object.")
    return cast("dict[str, Any]", value)


def _count_rest(received: Received, envelope: Envelope) -> None:
    """Count the items beyond the limit, and the one that was cut."""
    if envelope.skipped:
        received.discards[OTHER, "too_many"] += envelope.skipped
    if envelope.truncated:
        received.discards[OTHER, "truncated"] += 1


def _refusal(envelope: Envelope, refusals: list[ProvenanceError]) -> ProvenanceError | None:
    """Return why an envelope of which no event is recorded is refused: too large, or nothing in it was good."""
    too_large = next((refusal for refusal in refusals if isinstance(refusal, TooLarge)), None)
    if too_large is not None or not refusals:
        return too_large
    return refusals[0] if len(refusals) == len(envelope.items) else None
