"""The way of an event: normalised in the core, then fingerprinted, described and packed for the writer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

import orjson

from provenance_core import limits
from provenance_core.errors import TooLarge
from provenance_core.events import Event, Marks, Via, is_matched
from provenance_core.fingerprint import fingerprints
from provenance_core.free_json import clean_json
from provenance_core.normalize import Prepared, Resolve, action_of, prepare_interaction, prepare_sentry
from provenance_core.origins import Scrubbing
from provenance_core.stacktrace import culprit, title
from provenance_storage.payloads import compress
from provenance_storage.records import NewEvent, NewInteraction, OriginRecord
from provenance_storage.system import ACTION_IDS, ERROR_TYPE_ID
from provenance_storage.tag_names import ENVIRONMENT_TAG

USER_HASH_BYTES = 16
_NOTHING_ADDED = Scrubbing()


@dataclass(frozen=True, slots=True)
class InteractionFields:
    """What stands around an interaction's own content."""

    resource_id: str | None = None
    uow_id: str | None = None
    user_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    interaction_at: int | None = None
    external_reference: str | None = None
    external_response: Any = None

    def new(
        self, origin_id: UUID, words: tuple[UUID, UUID], via: Via, body: bytes, sender_hash: bytes | None
    ) -> NewInteraction:
        """Return an interaction that has this around it.

        Args:
            origin_id: Who reports it.
            words: Its resource type and its action.
            via: How it was reported.
            body: Its compressed payload, the external response included.
            sender_hash: Who sent it.
        """
        return NewInteraction(
            origin_id=origin_id,
            resource_type_id=words[0],
            action_id=words[1],
            via=via,
            body=body,
            resource_id=self.resource_id,
            uow_id=self.uow_id,
            user_id=self.user_id,
            span_id=self.span_id,
            parent_span_id=self.parent_span_id,
            interaction_at=self.interaction_at,
            external_reference=self.external_reference,
            sender_hash=sender_hash,
        )


def from_sentry(
    origin: OriginRecord,
    raw: Mapping[str, Any],
    via: Via,
    *,
    repaired: int = 0,
    resolve: Resolve | None = None,
    sender_hash: bytes | None = None,
) -> NewInteraction:
    """Prepare an event that a Sentry SDK sent; `resolve` resolves its frames by the origin's source maps."""
    scrubbing = origin.config.error_tracking.scrub
    prepared = prepare_sentry(raw, repaired=repaired, scrubbing=scrubbing, resolve=resolve)
    return _new_interaction(origin, prepared, via, InteractionFields(), sender_hash)


def from_payload(
    origin: OriginRecord,
    raw: Mapping[str, Any],
    via: Via,
    around: InteractionFields,
    *,
    repaired: int = 0,
    resolve: Resolve | None = None,
    sender_hash: bytes | None = None,
) -> NewInteraction:
    """Prepare an event of our own payload format; `resolve` resolves its frames by the origin's source maps."""
    scrubbing = origin.config.error_tracking.scrub
    prepared = prepare_interaction(raw, repaired=repaired, scrubbing=scrubbing, resolve=resolve)
    return _new_interaction(origin, prepared, via, around, sender_hash)


def _new_interaction(
    origin: OriginRecord, prepared: Prepared, via: Via, around: InteractionFields, sender_hash: bytes | None
) -> NewInteraction:
    """Return a prepared event as the writer takes it.

    Args:
        origin: Who reports it; decides the grouping strategy.
        prepared: The event.
        via: How it was reported.
        around: What stands around the event's content; its resource id is the fingerprint, whatever was given.
        sender_hash: Who sent it.
    """
    event = prepared.outline
    found, *older = fingerprints(event, origin.config.error_tracking.fingerprinting)
    body = pack(prepared.content, around.external_response, scrubbing=origin.config.error_tracking.scrub)
    return replace(
        around.new(origin.id, (ERROR_TYPE_ID, ACTION_IDS[action_of(event)]), via, body, sender_hash),
        resource_id=found.key,
        matched=is_matched(event),
        event=NewEvent(
            fingerprint=found.key,
            fingerprint_version=found.version,
            title=title(event),
            level=event.level,
            event_id=event.event_id,
            culprit=culprit(event),
            handled=event.handled,
            platform=event.platform,
            release=event.release,
            user_hash=_user_hash(event),
            tags=_counted_tags(event),
            older_fingerprints=tuple(older_one.key for older_one in older),
        ),
    )


def pack(
    content: bytes, external_response: object, marks: Marks | None = None, scrubbing: Scrubbing = _NOTHING_ADDED
) -> bytes:
    """Return the compressed payload of an interaction.

    Args:
        content: What it carries, as JSON; already fit to be stored.
        external_response: What another system answered; made fit to be stored here.
        marks: What was done to the content, where it does not say so itself.
        scrubbing: What the origin adds to the rules of what is sensitive.
    """
    parts = [b'{"interaction":', content]
    if external_response is not None:
        response = clean_json(external_response, limits.MAX_EVENT_BYTES, "externalResponse", scrubbing)
        parts += [b',"externalResponse":', orjson.dumps(response.value)]
        marks = _joined(marks or Marks(), response.marks)
    if marks is not None and marks != Marks():
        parts += [b',"marks":', marks.model_dump_json(by_alias=True).encode()]
    return compress(b"".join([*parts, b"}"]))


def _joined(one: Marks, other: Marks) -> Marks:
    return Marks(
        trimmed=one.trimmed | other.trimmed,
        scrubbed=one.scrubbed + other.scrubbed,
        repaired=one.repaired + other.repaired,
    )


def check_size(size: int) -> None:
    """Refuse an event over the limit.

    Raises:
        TooLarge: It has more than 1 MiB.
    """
    if size > limits.MAX_EVENT_BYTES:
        raise TooLarge(
            f"An event may have {limits.MAX_EVENT_BYTES} bytes at most; send less context, fewer frames or variables."
        )


def _user_hash(event: Event) -> bytes | None:
    """Identify the affected user by the first thing the application told, without keeping it."""
    user = event.user
    if user is None:
        return None
    told = user.id or user.email or user.username or user.ip
    return hashlib.sha256(told.encode()).digest()[:USER_HASH_BYTES] if told else None


def _counted_tags(event: Event) -> dict[str, str]:
    """Return what the issue's tag distribution counts; what the event states elsewhere wins over a tag of that name."""
    request = event.request
    stated = {
        ENVIRONMENT_TAG: event.environment,
        "handled": None if event.handled is None else ("yes" if event.handled else "no"),
        "level": event.level.value,
        "runtime": _named(event.runtime.name, event.runtime.version) if event.runtime else None,
        "os": _context(event, "os"),
        "browser": _context(event, "browser"),
        "server_name": event.server_name,
        "transaction": event.transaction,
        "url": request.url if request else None,
    }
    told = {key: value[: limits.TAG] for key, value in stated.items() if value}
    return {**event.tags, **told}


def _context(event: Event, name: str) -> str | None:
    context = event.contexts.get(name)
    if not isinstance(context, dict):
        return None
    values = cast("dict[str, Any]", context)
    return _named(values.get("name"), values.get("version"))


def _named(name: object, version: object) -> str | None:
    if not isinstance(name, str):
        return None
    return f"{name} {version}".strip() if isinstance(version, str) else name
