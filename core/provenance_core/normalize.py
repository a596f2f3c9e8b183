"""Turn a raw payload into an Event: read, repair, shrink, scrub, validate once.

The only lenient place: a wrong type is read as what it was meant to be, or left out, and never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from provenance_core.errors import InvalidInput
from provenance_core.events import ErrorAction, Event
from provenance_core.native_payload import read_native
from provenance_core.repair import repair
from provenance_core.scrub import scrub
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

_PADDING = " \t\r\n\ufffd"


def normalize_sentry(raw: Mapping[str, Any], *, repaired: int = 0) -> Event:
    """Read a Sentry event payload of any official SDK.

    Args:
        raw: The parsed JSON of an event item.
        repaired: How much parsing had to repair.

    Raises:
        InvalidInput: It is no JSON object.
    """
    trim = Trim(repaired)
    return _finished(read_sentry(_object(raw), trim), trim)


def normalize_interaction(raw: Mapping[str, Any], *, repaired: int = 0) -> Event:
    """Read the native payload of an ERROR interaction.

    Args:
        raw: The parsed JSON of `interaction`, camelCase or snake_case.
        repaired: How much parsing had to repair.

    Raises:
        InvalidInput: It is no JSON object.
    """
    trim = Trim(repaired)
    return _finished(read_native(_object(raw), trim), trim)


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


def _finished(fields: dict[str, Any], trim: Trim) -> Event:
    fields, text = repair(fields, trim)
    if shrink(fields, len(text), trim):
        fields, text = repair(fields, trim)
    for name in _LABELS:
        fields[name] = (fields.get(name) or "").strip(_PADDING) or None
    scrubbed = scrub(fields, text)
    fields["marks"] = {"trimmed": trim.trimmed, "scrubbed": scrubbed, "repaired": trim.repaired}
    return Event.model_validate(fields)
