"""Events in the shape of Sentry's API: entries, pairs for tags, names in camel case, dates that end in Z."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

Json = dict[str, Any]

STARTED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def shape_event(event: Json) -> Json:
    """Return an event that an SDK sent as the API shows it."""
    entries: list[Json] = []
    if errors := errors_of(event):
        entries.append({"type": "exception", "data": {"values": [_error(error) for error in errors]}})
    if text := _message(event):
        entries.append({"type": "message", "data": {"formatted": text, "message": text}})
    if crumbs := values_of(event.get("breadcrumbs")):
        entries.append({"type": "breadcrumbs", "data": {"values": [_crumb(crumb) for crumb in crumbs]}})
    if request := _mapping(event.get("request")):
        entries.append({"type": "request", "data": {"method": "GET", **request}})
    return {
        "id": event["event_id"],
        "eventID": event["event_id"],
        "type": "error",
        "title": title(event),
        "message": _message(event) or "",
        "platform": event.get("platform"),
        "culprit": culprit(event),
        "dateCreated": moment(STARTED),
        "dateReceived": moment(STARTED),
        "entries": entries,
        "tags": _tags(event),
        "contexts": _mapping(event.get("contexts")),
        "context": _mapping(event.get("extra")),
        "user": {name: str(value) for name, value in _mapping(event.get("user")).items()} or None,
        "release": None,
    }


def title(event: Json) -> str:
    """Return the title of the issue that an event begins, not yet cut."""
    errors = errors_of(event)
    if not errors:
        return (_message(event) or "<unlabeled event>").split("\n")[0]
    value = str(errors[-1].get("value") or "")
    return f"{errors[-1].get('type')}: {value.splitlines()[0]}" if value else str(errors[-1].get("type"))


def culprit(event: Json) -> str | None:
    """Return where the event happened: its transaction, or the last frame of the application."""
    if event.get("transaction"):
        return str(event["transaction"])
    frames = [frame for error in errors_of(event) for frame in frames_of(error)]
    own = [frame for frame in frames if frame.get("in_app")] or frames
    if not own:
        return None
    where = own[-1].get("module") or own[-1].get("filename")
    return f"{where} in {own[-1].get('function')}" if own[-1].get("function") else where


def moment(at: datetime) -> str:
    """Return a moment as the API writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def errors_of(event: Json) -> list[Json]:
    """Return the exceptions of an event, the outermost last."""
    return values_of(event.get("exception"))


def frames_of(error: Json) -> list[Json]:
    """Return the frames of an exception, the outermost call first."""
    return _mapping(error.get("stacktrace")).get("frames") or []


def values_of(told: Any) -> list[Json]:
    """Return what SDKs send as a list, or as an object with `values`."""
    return cast("list[Json]", told) if isinstance(told, list) else _mapping(told).get("values") or []


def _mapping(told: Any) -> Json:
    return cast("Json", told) if isinstance(told, dict) else {}


def _message(event: Json) -> str | None:
    entry = _mapping(event.get("logentry"))
    return entry.get("formatted") or entry.get("message") or event.get("message")


def _error(error: Json) -> Json:
    frames = [_frame(frame) for frame in frames_of(error)]
    return {
        "type": error.get("type"),
        "value": error.get("value"),
        "mechanism": error.get("mechanism"),
        "stacktrace": {"frames": frames} if frames else None,
    }


def _frame(frame: Json) -> Json:
    return {
        "filename": frame.get("filename"),
        "absPath": frame.get("abs_path"),
        "module": frame.get("module"),
        "function": frame.get("function"),
        "lineNo": frame.get("lineno"),
        "colNo": frame.get("colno"),
        "inApp": bool(frame.get("in_app")),
        "context": _context(frame),
        "vars": frame.get("vars"),
    }


def _context(frame: Json) -> list[tuple[int, str]]:
    line: int | None = frame.get("lineno")
    if line is None or frame.get("context_line") is None:
        return []
    before: list[str] = frame.get("pre_context") or []
    after: list[str] = frame.get("post_context") or []
    return list(enumerate([*before, frame["context_line"], *after], line - len(before)))


def _crumb(crumb: Json) -> Json:
    at: Any = crumb.get("timestamp")
    told = moment(datetime.fromtimestamp(at, UTC)) if isinstance(at, int | float) else at
    return {
        "type": crumb.get("type") or "default",
        "category": crumb.get("category"),
        "level": crumb.get("level") or "info",
        "message": crumb.get("message"),
        "data": crumb.get("data"),
        "timestamp": told or moment(STARTED),
    }


def _tags(event: Json) -> list[Json]:
    told: Any = event.get("tags")
    own = dict(cast("list[tuple[str, Any]]", told)) if isinstance(told, list) else _mapping(told)
    stated = {name: event.get(name) for name in ("environment", "level", "release", "server_name", "transaction")}
    return [{"key": key, "value": str(value)} for key, value in {**stated, **own}.items() if value is not None]
