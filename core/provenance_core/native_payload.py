"""Read the native payload of an ERROR interaction, camelCase or snake_case, into the fields of an Event."""

from __future__ import annotations

from typing import Any

from provenance_core import limits
from provenance_core.coerce import as_text, first, flag, instant, objects
from provenance_core.payload_frames import read_causes, read_frames, with_sentry_names
from provenance_core.payload_sections import (
    read_breadcrumbs,
    read_contexts,
    read_debug_images,
    read_extra,
    read_fingerprint,
    read_level,
    read_named,
    read_own_event_id,
    read_request,
    read_tags,
    read_unknown,
    read_user,
)
from provenance_core.stacktrace import parse_stack
from provenance_core.trim import Trim

_CAMEL = {
    "error_type": "errorType",
    "server_name": "serverName",
    "debug_images": "debugImages",
    "event_id": "eventId",
    "message_template": "messageTemplate",
}
_TEXTS = (
    ("logger", "logger", limits.LOGGER),
    ("messageTemplate", "message_template", limits.MESSAGE),
    ("release", "release", limits.RELEASE),
    ("dist", "dist", limits.DIST),
    ("environment", "environment", limits.ENVIRONMENT),
    ("serverName", "server_name", limits.SERVER_NAME),
    ("transaction", "transaction", limits.TRANSACTION),
)
_KNOWN = frozenset(
    (
        *("errorType", "message", "module", "stack", "frames", "handled", "mechanism", "synthetic", "level", "causes"),
        *("fingerprint", "platform", "runtime", "tags", "user", "request", "breadcrumbs", "contexts", "extra"),
        *("debugImages", "sdk", "timestamp", "eventId", "marks"),
        *(name for name, _, _ in _TEXTS),
    )
)
_RELATIONS = {"cause", "context", "member"}


def read_native(raw: dict[str, Any], trim: Trim) -> dict[str, Any]:
    """Return the fields of an Event, trimmed but neither repaired nor scrubbed."""
    raw = {name: raw[name] for name in raw if name not in _CAMEL} | {
        camel: first(raw, camel, snake) for snake, camel in _CAMEL.items() if snake in raw or camel in raw
    }
    platform = trim.text(raw.get("platform"), limits.PLATFORM, "platform")
    extra = read_unknown(raw, _KNOWN)
    event = _error(trim, raw, "", platform, limits.MAX_FRAMES)
    causes = objects(raw.get("causes")) or event["parsed_causes"]
    del event["parsed_causes"]
    event["causes"] = read_causes(trim, causes, platform, _cause)
    event |= {
        "event_id": read_own_event_id(trim, raw.get("eventId")),
        "timestamp": instant(raw.get("timestamp")),
        "level": read_level(raw.get("level") or "error"),
        "platform": platform,
        "fingerprint": read_fingerprint(trim, raw.get("fingerprint")),
        "sdk": read_named(trim, raw.get("sdk"), "sdk"),
        "runtime": read_named(trim, raw.get("runtime"), "runtime"),
        "tags": read_tags(trim, raw.get("tags")),
        "user": read_user(trim, raw.get("user"), extra),
        "request": read_request(trim, raw.get("request"), extra),
        "breadcrumbs": read_breadcrumbs(trim, raw.get("breadcrumbs")),
        "contexts": read_contexts(trim, raw.get("contexts")),
        "debug_images": read_debug_images(trim, raw.get("debugImages")),
    }
    for wire, name, limit in _TEXTS:
        event[name] = trim.text(raw.get(wire), limit, wire)
    event["extra"] = read_extra(trim, extra)
    return event


def _error(trim: Trim, raw: dict[str, Any], prefix: str, platform: str | None, room: int) -> dict[str, Any]:
    """Return the fields of one exception; a stack given without frames is parsed."""
    stack = as_text(raw.get("stack"))
    frames = [with_sentry_names(frame) for frame in objects(raw.get("frames"))]
    error_type, message = first(raw, "errorType", "error_type"), raw.get("message")
    causes: list[dict[str, Any]] = []
    if stack and not frames:
        parsed = parse_stack(stack, platform)
        frames = [with_sentry_names(frame.model_dump(by_alias=True)) for frame in parsed.frames]
        causes = [cause.model_dump(by_alias=True, exclude_none=True) for cause in parsed.causes]
        error_type = parsed.error_type if error_type is None else error_type
        message = parsed.message if message is None else message
    return {
        "error_type": trim.text(error_type, limits.ERROR_TYPE, f"{prefix}errorType"),
        "message": trim.text(message, limits.MESSAGE, f"{prefix}message"),
        "module": trim.text(raw.get("module"), limits.MODULE, f"{prefix}module"),
        "stack": trim.text(stack, limits.STACK, f"{prefix}stack"),
        "handled": flag(raw.get("handled")),
        "mechanism": trim.text(raw.get("mechanism"), limits.MECHANISM, f"{prefix}mechanism"),
        "synthetic": flag(raw.get("synthetic")) or None,
        "frames": read_frames(trim, frames, prefix, platform, room),
        "parsed_causes": causes,
    }


def _cause(trim: Trim, raw: dict[str, Any], prefix: str, platform: str | None, room: int) -> dict[str, Any]:
    cause = _error(trim, raw, prefix, platform, room)
    del cause["parsed_causes"]
    relation = raw.get("relation")
    cause["relation"] = relation if isinstance(relation, str) and relation in _RELATIONS else "cause"
    return cause
