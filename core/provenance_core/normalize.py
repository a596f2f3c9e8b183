"""Turn a raw payload into an Event: read, repair, shrink, scrub, validate once.

The only lenient place: a wrong type is read as what it was meant to be, or left out, and never refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from provenance_core import limits
from provenance_core.errors import InvalidInput
from provenance_core.event_writing import folded, marks_of, outline_of, without_outlines, written
from provenance_core.events import ErrorAction, Event
from provenance_core.native_payload import read_native
from provenance_core.origins import Scrubbing
from provenance_core.repair import repair
from provenance_core.scrub import scrub
from provenance_core.sensitive import names_of
from provenance_core.sentry_payload import read_sentry
from provenance_core.shrink import shrink
from provenance_core.trim import Trim

_HTTP_INTEGRATIONS = (
    *("auto.http", "http.client", "http_client", "httpclient", "sentryokhttp", "sentryapollo", "sentryktor"),
    *("sentryhttpfailedrequest", "sentryfailedrequest"),
)
"""How mechanisms of HTTP integrations begin, lower case: JavaScript, Cocoa, Java, .NET."""
_SERVER_ERROR = 500
_LABELS = ("release", "dist", "environment")
"""What is compared by its text, so that padding must not make another of it; nothing but padding is none."""

Resolve = Callable[[dict[str, Any]], int]
"""Puts frames of the original code, in a written event, in the place of those of generated code; returns how many."""

_NOTHING_ADDED = Scrubbing()
_PADDING = " \t\r\n\ufffd"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event that may be stored.

    Attributes:
        outline: What it is grouped and described by: the event without breadcrumbs, extra values, debug images and
            what frames tell beside their names and their own line.
        content: The whole event as JSON.
    """

    outline: Event
    content: bytes


def prepare_sentry(
    raw: Mapping[str, Any],
    *,
    repaired: int = 0,
    scrubbing: Scrubbing = _NOTHING_ADDED,
    resolve: Resolve | None = None,
) -> Prepared:
    """Read a Sentry event payload of any official SDK.

    Args:
        raw: The parsed JSON of an event item.
        repaired: How much parsing had to repair.
        scrubbing: What the origin adds to the rules of what is sensitive.
        resolve: Resolves frames by the origin's source maps, where it has any.

    Raises:
        InvalidInput: It is no JSON object.
    """
    trim = Trim(repaired)
    return _prepared(*_finished(read_sentry(_object(raw), trim), trim, scrubbing, resolve))


def prepare_interaction(
    raw: Mapping[str, Any],
    *,
    repaired: int = 0,
    scrubbing: Scrubbing = _NOTHING_ADDED,
    resolve: Resolve | None = None,
) -> Prepared:
    """Read the native payload of an ERROR interaction.

    Args:
        raw: The parsed JSON of `interaction`, camelCase or snake_case.
        repaired: How much parsing had to repair.
        scrubbing: What the origin adds to the rules of what is sensitive.
        resolve: Resolves frames by the origin's source maps, where it has any.

    Raises:
        InvalidInput: It is no JSON object.
    """
    trim = Trim(repaired)
    return _prepared(*_finished(read_native(_object(raw), trim), trim, scrubbing, resolve))


def normalize_sentry(raw: Mapping[str, Any], *, repaired: int = 0, scrubbing: Scrubbing = _NOTHING_ADDED) -> Event:
    """Read a Sentry event payload as `prepare_sentry` does, and return all of it."""
    trim = Trim(repaired)
    return Event.model_validate(_finished(read_sentry(_object(raw), trim), trim, scrubbing)[0])


def normalize_interaction(raw: Mapping[str, Any], *, repaired: int = 0, scrubbing: Scrubbing = _NOTHING_ADDED) -> Event:
    """Read the native payload of an ERROR interaction as `prepare_interaction` does, and return all of it."""
    trim = Trim(repaired)
    return Event.model_validate(_finished(read_native(_object(raw), trim), trim, scrubbing)[0])


def resolved_again(
    event: dict[str, Any], resolve: Resolve, scrubbing: Scrubbing = _NOTHING_ADDED
) -> tuple[dict[str, Any], bool]:
    """Resolve the frames of a stored event, as they would have been when it came; say whether any were.

    Args:
        event: The event as it is written; it may be changed.
        resolve: Resolves its frames.
        scrubbing: What the origin adds to the rules of what is sensitive: source lines may have secrets, too.
    """
    if not resolve(event):
        return event, False
    event, _ = repair(event, Trim())
    scrub(event, names_of(scrubbing.keys, scrubbing.keep))
    return event, True


def action_of(event: Event) -> ErrorAction:
    """Name the action of the interaction an event becomes."""
    mechanism = (event.mechanism or "").lower()
    status = event.request.status_code if event.request else None
    if status and status >= _SERVER_ERROR and mechanism.startswith(_HTTP_INTEGRATIONS):
        return ErrorAction.HTTP_ERROR
    if event.handled is not True and "unhandledrejection" in mechanism:
        return ErrorAction.REJECTION
    return ErrorAction.UNHANDLED if event.handled is False else ErrorAction.CAUGHT


def _object(raw: object) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise InvalidInput("An event must be a JSON object.")
    return {str(name): value for name, value in cast("Mapping[Any, Any]", raw).items()}


def _finished(
    fields: dict[str, Any], trim: Trim, scrubbing: Scrubbing, resolve: Resolve | None = None
) -> tuple[dict[str, Any], bytes]:
    """Return the event as it is written, and as JSON."""
    told = written(fields)
    if resolve is not None:
        resolve(told)
    stacks = folded(told)
    event, text = repair(told, trim, stacks)
    if shrink(event, len(text), trim):
        event, text = repair(without_outlines(event), trim)
        stacks = {}
    elif event is not told:
        stacks = {}
    scrubbed = scrub(event, names_of(scrubbing.keys, scrubbing.keep))
    if _strip_labels(event) or scrubbed:
        text = orjson.dumps(event if _in_stacks(scrubbed) else {**event, **stacks})
    marks = marks_of(trim.trimmed, scrubbed, trim.repaired)
    if marks:
        event["marks"] = marks
        text = text[:-1] + (b',"marks":' if len(text) > len(b"{}") else b'"marks":') + orjson.dumps(marks) + b"}"
    return event, text


def _prepared(event: dict[str, Any], content: bytes) -> Prepared:
    return Prepared(outline_of(event), content)


def _in_stacks(scrubbed: list[str]) -> bool:
    """Say whether anything may have been filtered in an exception; only so many paths are told."""
    return len(scrubbed) >= limits.MAX_MARKS or any(path.startswith(("frames.", "causes.")) for path in scrubbed)


def _strip_labels(event: dict[str, Any]) -> bool:
    """Take the padding off what is compared by its text; say whether there was any."""
    is_changed = False
    for name in _LABELS:
        text = event.get(name)
        if text is not None and (not text or text[0] in _PADDING or text[-1] in _PADDING):
            is_changed = True
            event[name] = text.strip(_PADDING)
            if not event[name]:
                del event[name]
    return is_changed
