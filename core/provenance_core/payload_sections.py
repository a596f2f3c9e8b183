"""Read the parts of an event that the native payload and Sentry's have in common."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast
from urllib.parse import urlencode

import orjson

from provenance_core import limits
from provenance_core.coerce import as_text, first, instant, mapping, pairs, sequence, values, whole
from provenance_core.trim import Trim, repair_text

_LEVELS = {
    "fatal": "fatal",
    "critical": "fatal",
    "emergency": "fatal",
    "alert": "fatal",
    "panic": "fatal",
    "error": "error",
    "warning": "warning",
    "warn": "warning",
    "info": "info",
    "log": "info",
    "notice": "info",
    "debug": "debug",
    "trace": "debug",
}
_CRUMB_TEXTS = (
    ("type", limits.WORD),
    ("category", limits.WORD),
    ("level", limits.WORD),
    ("message", limits.MESSAGE),
)
_NOTHING: tuple[object, ...] = (None, {}, [])
_HASH_LENGTH = 32
_LONGEST_ESCAPE = 6
"""Bytes of a control character in JSON; no other character has more."""
_LARGE = 10**9
_SIGNS = 3
"""Characters of JSON around a text and after it, or of a number, a sixth of which would do."""
_USER_KEYS = {"id", "email", "username", "ip_address", "ip", "ipAddress"}
_REQUEST_KEYS = {
    *("method", "url", "query_string", "query", "headers", "cookies", "data"),
    *("statusCode", "status_code"),
}


def read_level(value: object) -> str:
    """Return the level a sender means; an unknown one is `error`."""
    return _LEVELS.get(value.lower(), "error") if isinstance(value, str) and len(value) < 16 else "error"


def read_event_id(value: object) -> str | None:
    """Return a client's event id as 32 lower-case hex digits."""
    if not isinstance(value, str) or not 32 <= len(value) <= 36:
        return None
    text = value.replace("-", "").lower()
    return text if len(text) == 32 and not text.strip("0123456789abcdef") else None


def read_own_event_id(trim: Trim, value: object) -> str | None:
    """Return the event id of a client of ours: a UUID as 32 lower-case hex digits, any other text as it was sent.

    Of one that is too long the beginning is kept with a hash of the whole, so that no two ids become one.
    """
    text = as_text(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if not text or not text.strip():
        return None
    text = read_event_id(text) or repair_text(text)[0]
    if len(text) <= limits.EVENT_ID:
        return text
    trim.mark("eventId", len(text))
    return f"{text[: limits.EVENT_ID - _HASH_LENGTH - 1]}-{sha256(text.encode()).hexdigest()[:_HASH_LENGTH]}"


def read_fingerprint(trim: Trim, value: object) -> list[str] | None:
    """Return an explicit fingerprint as its parts."""
    parts: list[str] = []
    for part in trim.first(
        [value] if isinstance(value, str) else sequence(value), limits.MAX_FINGERPRINT, "fingerprint"
    ):
        text = None if isinstance(part, dict | list) else trim.text(part, limits.FINGERPRINT, "fingerprint")
        if text is not None:
            parts.append(text)
    return parts or None


def read_tags(trim: Trim, value: object) -> dict[str, str]:
    """Return tags as text by name."""
    tags: dict[str, str] = {}
    for key, item in trim.first(pairs(value), limits.MAX_TAGS, "tags"):
        name = trim.text(key, limits.TAG, "tags")
        text = trim.text(item, limits.TAG, f"tags.{name}")
        if name and text is not None:
            tags[name] = text
    return tags


def read_user(trim: Trim, value: object, extra: dict[str, Any]) -> dict[str, Any] | None:
    """Return who met the error; what else is told of them goes to `extra`."""
    raw = mapping(value)
    if not raw:
        return None
    address = first(raw, "ip_address", "ip", "ipAddress")
    user = {
        "id": trim.text(raw.get("id"), limits.NAME, "user.id"),
        "email": trim.text(raw.get("email"), limits.NAME, "user.email"),
        "username": trim.text(raw.get("username"), limits.NAME, "user.username"),
        "ip": None if address == "{{auto}}" else trim.text(address, limits.NAME, "user.ip"),
    }
    _keep_rest(raw, _USER_KEYS, extra, "user")
    return user if any(item is not None for item in user.values()) else None


def read_request(trim: Trim, value: object, extra: dict[str, Any]) -> dict[str, Any] | None:
    """Return the HTTP request; what else is told of it goes to `extra`."""
    raw = mapping(value)
    if not raw:
        return None
    address, mark, rest = (as_text(raw.get("url")) or "").partition("?")
    query = _query(first(raw, "query_string", "query"))
    if mark and (query or "#" in address):
        address = f"{address}?{rest}"
    elif mark:
        query = rest
    data = raw.get("data")
    request = {
        "method": trim.text(raw.get("method"), limits.WORD, "request.method"),
        "url": trim.text(address or None, limits.URL, "request.url"),
        "query": trim.text(query or None, limits.QUERY, "request.query"),
        "headers": _headers(trim, raw),
        "data": trim.text(data, limits.REQUEST_DATA, "request.data")
        if isinstance(data, str)
        else trim.bag(data, limits.REQUEST_DATA, limits.REQUEST_DEPTH, "request.data"),
        "status_code": whole(first(raw, "statusCode", "status_code")),
    }
    _keep_rest(raw, _REQUEST_KEYS, extra, "request")
    return request


def read_breadcrumbs(trim: Trim, value: object) -> list[dict[str, Any]]:
    """Return the last breadcrumbs, oldest first."""
    crumbs = trim.last(values(value), limits.MAX_BREADCRUMBS, "breadcrumbs")
    return [_breadcrumb(trim, crumb, index) for index, crumb in enumerate(crumbs)]


def read_contexts(trim: Trim, value: object) -> dict[str, Any]:
    """Return the contexts, each within its own budget."""
    contexts: dict[str, Any] = {}
    for key, item in trim.first(list(mapping(value).items()), limits.MAX_CONTEXTS, "contexts"):
        name = trim.text(key, limits.BAG_KEY, "contexts") or ""
        context = trim.bag(item, limits.CONTEXT, limits.CONTEXT_DEPTH, f"contexts.{name}")
        if context is not None and context != {}:
            contexts[name] = context
    return contexts


def read_extra(trim: Trim, raw: dict[str, Any]) -> dict[str, Any]:
    """Return the extra values within one budget for all and one for each."""
    extra: dict[str, Any] = {}
    left = limits.EXTRA
    for key, item in raw.items():
        name = trim.text(key, limits.BAG_KEY, "extra") or ""
        budget = min(limits.EXTRA_VALUE, left - len(name))
        if budget <= 0:
            trim.mark("extra", len(raw))
            break
        extra[name] = trim.bag(item, budget, limits.EXTRA_DEPTH, f"extra.{name}")
        left -= len(name) + _size(extra[name], budget)
    if isinstance(extra.get("modules"), dict):
        extra["modules"] = extra.pop("modules")
    return extra


def read_named(trim: Trim, value: object, path: str) -> dict[str, Any] | None:
    """Return the name and version of a runtime or library."""
    raw = mapping(value)
    name, version = raw.get("name"), raw.get("version")
    if name is None and version is None:
        return None
    return {
        "name": trim.text(name, limits.NAME, f"{path}.name"),
        "version": trim.text(version, limits.NAME, f"{path}.version"),
    }


def read_debug_images(trim: Trim, value: object) -> list[dict[str, Any]]:
    """Return the generated files whose source maps are found by debug id."""
    found: list[dict[str, Any]] = []
    for image in sequence(value):
        raw = mapping(image)
        file, debug_id = first(raw, "code_file", "codeFile"), first(raw, "debug_id", "debugId")
        if raw.get("type", "sourcemap") == "sourcemap" and isinstance(file, str) and isinstance(debug_id, str):
            found.append({"code_file": file, "debug_id": debug_id.lower()})
    found = trim.first(found, limits.MAX_DEBUG_IMAGES, "debugImages")
    for image in found:
        image["code_file"] = trim.text(image["code_file"], limits.PATH, "debugImages.codeFile")
        image["debug_id"] = trim.text(image["debug_id"], limits.WORD, "debugImages.debugId")
    return found


def read_unknown(raw: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return the extra values: the event's own, then every key that has no place."""
    extra = dict(mapping(raw.get("extra")))
    if not extra and raw.get("extra"):
        extra["extra"] = raw["extra"]
    for name, value in raw.items():
        if name not in known and value not in _NOTHING:
            extra.setdefault(name, value)
    return extra


def _breadcrumb(trim: Trim, raw: dict[str, Any], index: int) -> dict[str, Any]:
    """Return a breadcrumb as it is written."""
    crumb: dict[str, Any] = {}
    at = instant(raw.get("timestamp"))
    if at is not None:
        crumb["timestamp"] = at
    for name, limit in _CRUMB_TEXTS:
        text = raw.get(name)
        if text is None:
            continue
        if type(text) is not str or len(text) > limit:
            text = trim.text(text, limit, f"breadcrumbs.{index}.{name}")
        if text is not None:
            crumb[name] = text
    data = raw.get("data")
    if data:
        kept = (
            data
            if _is_small(data)
            else trim.bag_of(data, limits.CRUMB_DATA, limits.CRUMB_DEPTH, f"breadcrumbs.{index}.data")
        )
        if kept:
            crumb["data"] = kept
    return crumb


def _is_small(data: object) -> bool:
    """Say whether breadcrumb data surely needs no cut: a few texts and numbers, however they are escaped as JSON."""
    if type(data) is not dict:
        return False
    size = 0
    for key, value in cast("dict[str, Any]", data).items():
        if type(key) is not str:
            return False
        if isinstance(value, str):
            size += len(value)
        elif not (value is None or (isinstance(value, int) and 0 <= value < _LARGE)):
            return False
        size += len(key) + _SIGNS
    return size * _LONGEST_ESCAPE <= limits.CRUMB_DATA


def _headers(trim: Trim, raw: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    entries = pairs(raw.get("headers"))
    left = limits.HEADERS
    if raw.get("cookies"):
        entries.append(("Cookie", _query(raw["cookies"], "; ")))
    for key, value in entries:
        name = trim.text(key, limits.TAG, "request.headers")
        one = sequence(value)
        text = ", ".join(as_text(item) or "" for item in one[: limits.MAX_TAGS]) if one else as_text(value)
        if not name or text is None:
            continue
        room = left - len(name)
        if room <= len("..."):
            trim.mark("request.headers", len(entries))
            break
        headers[name] = trim.text(text, room, f"request.headers.{name}") or ""
        left = room - len(headers[name])
    return headers


def _query(value: object, separator: str = "&") -> str | None:
    """Return a query string, or cookies, from text, an object or a list of pairs."""
    if isinstance(value, str):
        return value.removeprefix("?")
    entries = [(key, as_text(item) or "") for key, item in pairs(value)[: limits.QUERY]]
    if separator != "&":
        return separator.join(f"{key}={text}" for key, text in entries)
    return urlencode([(str(key), text[: limits.QUERY]) for key, text in entries], encoding="utf-8", errors="replace")


def _keep_rest(raw: dict[str, Any], known: set[str], extra: dict[str, Any], name: str) -> None:
    rest = {key: value for key, value in raw.items() if key not in known and value not in (None, {}, [], "")}
    if rest:
        extra.setdefault(name, rest)


def _size(value: Any, budget: int) -> int:
    return min(budget, len(orjson.dumps(value)))
