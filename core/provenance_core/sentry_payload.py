"""Read a Sentry event, as any official SDK sends it, into the fields of an Event."""

from __future__ import annotations

from typing import Any

from provenance_core import limits
from provenance_core.coerce import first, instant, mapping, whole
from provenance_core.payload_frames import read_frames
from provenance_core.payload_sections import (
    read_breadcrumbs,
    read_contexts,
    read_debug_images,
    read_event_id,
    read_extra,
    read_fingerprint,
    read_level,
    read_named,
    read_request,
    read_tags,
    read_unknown,
    read_user,
)
from provenance_core.sentry_exceptions import read_exceptions, stack_frames, thread_frames
from provenance_core.trim import Trim

_TEXTS = (
    ("logger", "logger", limits.LOGGER),
    ("release", "release", limits.RELEASE),
    ("dist", "dist", limits.DIST),
    ("environment", "environment", limits.ENVIRONMENT),
    ("server_name", "serverName", limits.SERVER_NAME),
)
_LEGACY = {
    "sentry.interfaces.Exception": "exception",
    "sentry.interfaces.Message": "logentry",
    "sentry.interfaces.Stacktrace": "stacktrace",
    "sentry.interfaces.Http": "request",
    "sentry.interfaces.User": "user",
    "sentry.interfaces.Breadcrumbs": "breadcrumbs",
    "sentry.interfaces.Contexts": "contexts",
    "threads.values": "threads",
}
_KNOWN = frozenset(
    (
        *("event_id", "timestamp", "level", "logger", "logentry", "message", "exception", "threads", "stacktrace"),
        *("platform", "release", "dist", "environment", "server_name", "transaction", "tags", "user", "request"),
        *("breadcrumbs", "contexts", "extra", "fingerprint", "debug_meta", "sdk", "culprit", "transaction_info"),
        *("type", "version", "project", "key_id", "received", "errors", "_meta", "_metrics"),
        *_LEGACY,
    )
)


def read_sentry(raw: dict[str, Any], trim: Trim) -> dict[str, Any]:
    """Return the fields of an Event, trimmed but neither repaired nor scrubbed."""
    raw = _with_modern_names(raw)
    platform = trim.text(raw.get("platform"), limits.PLATFORM, "platform")
    extra = read_unknown(raw, _KNOWN)
    contexts = read_contexts(trim, raw.get("contexts"))
    event = _identity(trim, raw, platform)
    event.update(_what_happened(trim, raw, platform, extra))
    event["tags"] = read_tags(trim, raw.get("tags"))
    event["user"] = read_user(trim, raw.get("user"), extra)
    event["request"] = _with_status(read_request(trim, raw.get("request"), extra), contexts)
    event["breadcrumbs"] = read_breadcrumbs(trim, raw.get("breadcrumbs"))
    event["contexts"] = contexts
    event["runtime"] = read_named(trim, contexts.get("runtime"), "runtime")
    event["debug_images"] = read_debug_images(trim, mapping(raw.get("debug_meta")).get("images"))
    event["extra"] = read_extra(trim, extra)
    return event


def _with_modern_names(raw: dict[str, Any]) -> dict[str, Any]:
    if not any(name in raw for name in _LEGACY):
        return raw
    return {_LEGACY[name]: raw[name] for name in _LEGACY if name in raw} | raw


def _identity(trim: Trim, raw: dict[str, Any], platform: str | None) -> dict[str, Any]:
    event: dict[str, Any] = {
        "event_id": read_event_id(raw.get("event_id")),
        "timestamp": instant(raw.get("timestamp")),
        "level": read_level(raw.get("level") or "error"),
        "platform": platform,
        "fingerprint": read_fingerprint(trim, raw.get("fingerprint")),
        "sdk": read_named(trim, raw.get("sdk"), "sdk"),
        "transaction": trim.text(first(raw, "transaction", "culprit"), limits.TRANSACTION, "transaction"),
    }
    for name, wire, limit in _TEXTS:
        event[name] = trim.text(raw.get(name), limit, wire)
    return event


def _what_happened(trim: Trim, raw: dict[str, Any], platform: str | None, extra: dict[str, Any]) -> dict[str, Any]:
    """Return the exceptions, else the message; a stack beside them stands in where they have none."""
    event = read_exceptions(trim, raw.get("exception"), platform)
    formatted, template = _log_entry(raw)
    if not event:
        event["message"] = trim.text(formatted, limits.MESSAGE, "message")
        event["message_template"] = trim.text(template, limits.MESSAGE, "messageTemplate")
    elif formatted is not None:
        extra.setdefault("logentry", formatted)
    if not event.get("frames"):
        frames = stack_frames(raw.get("stacktrace")) or thread_frames(raw.get("threads"))
        event["frames"] = read_frames(trim, frames, "", platform)
    return event


def _log_entry(raw: dict[str, Any]) -> tuple[Any, Any]:
    """Return the formatted message and its template."""
    entry = first(raw, "logentry", "message")
    if not isinstance(entry, dict):
        return entry, None
    fields = mapping(raw.get("logentry") or raw.get("message"))
    formatted, template = first(fields, "formatted", "message"), fields.get("message")
    return formatted if formatted is not None else raw.get("message"), template


def _with_status(request: dict[str, Any] | None, contexts: dict[str, Any]) -> dict[str, Any] | None:
    status = whole(mapping(contexts.get("response")).get("status_code"))
    if status is None or (request and request["status_code"]):
        return request
    return {**(request or {}), "status_code": status}
