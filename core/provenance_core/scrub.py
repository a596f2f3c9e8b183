"""Take sensitive data out of an event: by key, by assignment within texts, and by shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, cast

import orjson

from provenance_core import limits
from provenance_core.sensitive import (
    FILTERED,
    is_card,
    is_empty,
    is_sensitive,
    is_sensitive_header,
    shapes_in,
    without_assigned,
    without_parameters,
)

_SHORTEST_CUT = limits.TAG
_VERSION = re.compile(r"(?:v?\d[\w.+!~-]{0,40})?")
_type_of: Callable[[object], object] = type


def scrub(event: dict[str, Any], text: bytes) -> list[str]:
    """Replace what is sensitive by `[Filtered]`, in place, and return the paths where it stood.

    Names of files, functions, modules and error types stay as they are, and so does the user as reported.

    Args:
        event: The fields of an Event, normalised.
        text: The event as JSON, to see at once which shapes occur in it.
    """
    return _Scrub(shapes_in(text)).event(event)


def _is_version(value: object) -> bool:
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None


class _Scrub:
    def __init__(self, shapes: tuple[Callable[[str], str], ...]) -> None:
        self._shapes = shapes
        self._paths: list[str] = []
        self._harmless: set[str] = set()

    def event(self, event: dict[str, Any]) -> list[str]:
        self._error(event, "")
        for index, cause in enumerate(event.get("causes", ())):
            self._error(cause, f"causes.{index}.")
        self._field(event, "message_template", "messageTemplate", self._text)
        self._field(event, "transaction", "transaction", self._text)
        if event.get("request"):
            self._request(event["request"])
        for index, crumb in enumerate(event.get("breadcrumbs", ())):
            self._field(crumb, "message", f"breadcrumbs.{index}.message", self._text)
            self._bag(crumb, "data", f"breadcrumbs.{index}.data")
        for name in ("tags", "contexts"):
            self._bag(event, name, name)
        self._extra(event)
        return self._paths

    def bag(self, root: object, path: str) -> bool:
        """Filter a JSON value in place, without recursion; say whether anything was."""
        waiting: list[tuple[Any, str]] = [(root, path)]
        before = len(self._paths)
        while waiting:
            value, where = waiting.pop()
            if isinstance(value, dict):
                self._object(cast("dict[str, Any]", value), where, waiting)
            elif isinstance(value, list):
                self._list(cast("list[Any]", value), where, waiting)
        return len(self._paths) > before

    def _extra(self, event: dict[str, Any]) -> None:
        """Filter the extra values, but for the versions of packages, which may be called `pyjwt` or `google-auth`."""
        extra: dict[str, Any] = event.get("extra") or {}
        modules: object = extra.get("modules")
        if isinstance(modules, dict) and all(map(_is_version, cast("dict[str, object]", modules).values())):
            event["extra"] = {name: value for name, value in extra.items() if name != "modules"}
            self._bag(event, "extra", "extra")
            event["extra"]["modules"] = cast("object", modules)
        else:
            self._bag(event, "extra", "extra")

    def _error(self, error: dict[str, Any], prefix: str) -> None:
        self._field(error, "message", f"{prefix}message", self._text)
        self._field(error, "stack", f"{prefix}stack", self._text)
        for index, frame in enumerate(error.get("frames", ())):
            if "vars" in frame:
                self._bag(frame, "vars", f"{prefix}frames.{index}.vars")
            if self._shapes:
                self._source(frame, f"{prefix}frames.{index}.")

    def _source(self, frame: dict[str, Any], prefix: str) -> None:
        """Filter the lines of source by shape only: a name beside `=` there is code."""
        self._field(frame, "context_line", f"{prefix}contextLine", self._shape)
        for name, wire in (("pre_context", "preContext"), ("post_context", "postContext")):
            lines = frame.get(name)
            if lines:
                filtered = [self._shape(line) for line in lines]
                if filtered != lines:
                    frame[name] = filtered
                    self._mark(prefix + wire)

    def _request(self, request: dict[str, Any]) -> None:
        headers: dict[str, str] = request.get("headers") or {}
        for name, value in headers.items():
            if is_sensitive_header(name) and not is_empty(value):
                headers[name] = FILTERED
                self._mark(f"request.headers.{name}")
            else:
                self._field(headers, name, f"request.headers.{name}", self._url)
        self._field(request, "url", "request.url", self._url)
        self._field(request, "query", "request.query", self._url)
        self._field(request, "data", "request.data", self._body)
        self._bag(request, "data", "request.data")

    def _body(self, text: str) -> str:
        """Filter a body: JSON by its keys, else a form by its parameters."""
        if text.lstrip()[:1] in {"{", "["}:
            try:
                value: object = orjson.loads(text)
            except orjson.JSONDecodeError:
                return self._text(text)
            return orjson.dumps(value).decode() if _Scrub(self._shapes).bag(value, "") else text
        return self._text(without_parameters(text))

    def _bag(self, owner: dict[str, Any], name: str, path: str) -> None:
        """Filter a JSON value under a name; one with something to filter is copied first, as it may be the caller's."""
        value: Any = owner.get(name)
        if value and isinstance(value, dict | list) and self._is_suspicious(cast("Any", value)):
            owner[name] = orjson.loads(orjson.dumps(value))
            self.bag(owner[name], path)

    def _is_suspicious(self, root: object) -> bool:
        """Say, fast, whether a JSON value may hold anything sensitive: its names and texts are judged together."""
        names: set[str] = set()
        texts: list[str] = []
        waiting: list[Any] = [root]
        while waiting:
            value: Any = waiting.pop()
            items: Iterable[Any] = value
            if isinstance(value, dict):
                items = cast("dict[str, Any]", value).values()
                names.update(cast("dict[str, Any]", value))
            elif len(value) == 2 and isinstance(value[0], str):
                names.add(value[0])
            for item in items:
                kind = _type_of(item)
                if kind is str:
                    texts.append(item)
                elif kind is dict or kind is list:
                    waiting.append(item)
                elif kind is int and self._shapes and is_card(str(item)):
                    return True
        return self._has_sensitive(names) or self._has_filtered("\n".join(texts), texts)

    def _has_sensitive(self, names: set[str]) -> bool:
        if "value" in names and ("key" in names or "name" in names):
            return True
        names -= self._harmless
        if any(map(is_sensitive, names)):
            return True
        self._harmless |= names
        return False

    def _has_filtered(self, joined: str, texts: list[str]) -> bool:
        if not (self._shapes or "=" in joined or "':" in joined or '":' in joined):
            return False
        return any(self._text(text) != text for text in texts)

    def _object(self, value: dict[str, Any], where: str, waiting: list[tuple[Any, str]]) -> None:
        named = value.get("key", value.get("name")) if "value" in value else None
        for key, item in value.items():
            secret = is_sensitive(key) or (key == "value" and isinstance(named, str) and is_sensitive(named))
            if secret and not is_empty(item):
                value[key] = FILTERED
                self._mark(f"{where}.{key}")
            else:
                self._item(value, key, f"{where}.{key}", waiting)

    def _list(self, value: list[Any], where: str, waiting: list[tuple[Any, str]]) -> None:
        if len(value) == 2 and isinstance(value[0], str) and is_sensitive(value[0]) and not is_empty(value[1]):
            value[1] = FILTERED
            self._mark(f"{where}.{value[0]}")
        for index in range(len(value)):
            self._item(value, index, f"{where}.{index}", waiting)

    def _item(self, owner: Any, key: Any, path: str, waiting: list[tuple[Any, str]]) -> None:
        item = owner[key]
        if isinstance(item, str):
            self._put(owner, key, path, self._text(item))
        elif isinstance(item, dict | list):
            waiting.append((cast("Any", item), path))
        elif type(item) is int and is_card(str(item)):
            owner[key] = FILTERED
            self._mark(path)

    def _field(self, owner: dict[str, Any], name: str, path: str, filtered: Callable[[str], str]) -> None:
        text = owner.get(name)
        if text and isinstance(text, str):
            self._put(owner, name, path, filtered(text))

    def _put(self, owner: Any, key: Any, path: str, result: str) -> None:
        text: str = owner[key]
        if result != text:
            owner[key] = result[: max(len(text), _SHORTEST_CUT)]
            self._mark(path)

    def _url(self, text: str) -> str:
        return self._text(without_parameters(text))

    def _text(self, text: str) -> str:
        if "=" in text or ":" in text:
            text = without_assigned(text)
        return self._shape(text)

    def _shape(self, text: str) -> str:
        for filtered in self._shapes:
            text = filtered(text)
        return text

    def _mark(self, path: str) -> None:
        if len(self._paths) < limits.MAX_MARKS:
            self._paths.append(path[: limits.BAG_KEY])
