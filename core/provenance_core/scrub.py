"""Take sensitive data out of an event: by key, by assignment within texts, and by shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import orjson

from provenance_core import limits
from provenance_core.assignments import Signs, signs_in, without_assigned, without_parameters
from provenance_core.event_writing import ReadFrame, outline_of_fields
from provenance_core.searched import Searched
from provenance_core.sensitive import FILTERED, RULES, Names, is_empty
from provenance_core.shapes import Shapes, is_card

_SHORTEST_CUT = limits.TAG
_NAME = re.compile(r"[\w.\-]{1,64}")
_VERSION = re.compile(r"(?:v?\d[\w.+!~-]{0,40})?")


def scrub(event: dict[str, Any], names: Names = RULES) -> list[str]:
    """Replace what is sensitive by `[Filtered]`, in place, and return the paths where it stood.

    Names of files, functions, modules and error types stay as they are. What groups events or tells users apart is
    filtered by shape only.

    Args:
        event: An event as it is written.
        names: Which names are sensitive.
    """
    modules = _take_versions(event)
    searched = Searched(event)
    assigning = searched.assigning
    paths = _Scrub(Shapes(assigning + searched.shaped), signs_in(assigning, names), names).event(event, searched)
    if modules is not None:
        event["extra"]["modules"] = modules
    return paths


def _take_versions(event: dict[str, Any]) -> dict[str, Any] | None:
    """Take the versions of packages out of the extra values: they may be called `pyjwt` or `google-auth`."""
    extra: dict[str, Any] = event.get("extra") or {}
    modules: object = extra.get("modules")
    if not isinstance(modules, dict) or not all(map(_is_version, cast("dict[str, object]", modules).values())):
        return None
    event["extra"] = {name: value for name, value in extra.items() if name != "modules"}
    return cast("dict[str, Any]", modules)


def scrub_json(root: dict[str, Any], text: bytes, names: Names = RULES) -> tuple[dict[str, Any], list[str]]:
    """Return an object with what is sensitive replaced, itself where nothing is, and the paths where it stood.

    Args:
        root: A JSON value under each name; the names themselves tell nothing.
        text: The object as JSON.
        names: Which names are sensitive.
    """
    scrubber = _Scrub(Shapes(text), signs_in(text, names), names)
    if not scrubber.is_suspicious(text):
        return root, []
    copy: dict[str, Any] = orjson.loads(text)
    for name in copy:
        scrubber.value(copy, name)
    return (copy, scrubber.paths) if scrubber.paths else (root, [])


def _is_version(value: object) -> bool:
    return isinstance(value, str) and (not value or "." in value) and _VERSION.fullmatch(value) is not None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY")


class _Scrub:
    def __init__(self, shapes: Shapes, signs: Signs, names: Names) -> None:
        self._shapes = shapes
        self._signs = signs
        self._names = names
        self._paths: list[str] = []

    @property
    def paths(self) -> list[str]:
        """Name what was filtered so far."""
        return self._paths

    def value(self, owner: dict[str, Any], name: str) -> None:
        """Filter the value under a name, in place."""
        waiting: list[tuple[Any, str]] = []
        self._item(owner, name, name, waiting)
        for root, path in waiting:
            self.bag(root, path)

    def event(self, event: dict[str, Any], searched: Searched) -> list[str]:
        if self._names is not RULES and "user" in event:
            self._user(event["user"])
        if not (self._shapes or self._signs):
            if "request" in event:
                self._request(event["request"])
            return self._paths
        in_variables, in_source = self.is_suspicious(searched.variables), self._shapes.occur_in(searched.shaped)
        self._error(event, "", in_variables=in_variables, in_source=in_source)
        for index, cause in enumerate(event.get("causes", ())):
            self._error(cause, f"causes.{index}.", in_variables=in_variables, in_source=in_source)
        for name in ("messageTemplate", "transaction", "logger", "environment", "serverName"):
            self._field(event, name, name, self._text)
        if in_source:
            self._identity(event)
        if "request" in event:
            self._request(event["request"])
        if self.is_suspicious(searched.trail):
            self._trail(event["breadcrumbs"])
        for name in ("tags", "contexts", "extra"):
            self._bag(event, name, name)
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

    def _error(self, error: dict[str, Any], prefix: str, *, in_variables: bool, in_source: bool) -> None:
        self._field(error, "message", f"{prefix}message", self._text)
        self._field(error, "stack", f"{prefix}stack", self._text)
        if not (in_variables or in_source):
            return
        for index, frame in enumerate(error.get("frames", ())):
            if in_variables and "vars" in frame:
                self._bag(frame, "vars", f"{prefix}frames.{index}.vars")
            if in_source:
                self._source(frame, f"{prefix}frames.{index}.")

    def _trail(self, crumbs: list[dict[str, Any]]) -> None:
        for index, crumb in enumerate(crumbs):
            self._field(crumb, "message", f"breadcrumbs.{index}.message", self._text)
            self._bag(crumb, "data", f"breadcrumbs.{index}.data")

    def _identity(self, event: dict[str, Any]) -> None:
        """Filter by shape only what groups events or tells users apart."""
        self._field(event, "release", "release", self._shape)
        self._field(event, "dist", "dist", self._shape)
        user: dict[str, Any] = event.get("user") or {}
        for name in ("id", "email", "username"):
            self._field(user, name, f"user.{name}", self._shape)
        parts: list[str] = event.get("fingerprint") or []
        for index in range(len(parts)):
            self._put(parts, index, f"fingerprint.{index}", self._shape(parts[index]))

    def _user(self, user: dict[str, Any]) -> None:
        """Filter what an origin wants nobody to know of its users."""
        for name in user:
            if self._names.is_own(f"user {name}"):
                user[name] = FILTERED
                self._mark(f"user.{name}")

    def _source(self, frame: dict[str, Any], prefix: str) -> None:
        """Filter the lines of source by shape only: a name beside `=` there is code."""
        if isinstance(frame, ReadFrame) and frame.is_clean:
            return
        own: str = frame.get("contextLine") or ""
        joined = "\n".join((*frame.get("preContext", ()), own, *frame.get("postContext", ())))
        if self._shape(joined) == joined:
            return
        within = False
        for name in ("preContext", "contextLine", "postContext"):
            told: Any = frame.get(name)
            lines: list[str] = [told] if isinstance(told, str) else told or []
            filtered, within = self._filtered_lines(lines, within)
            if filtered != lines:
                frame[name] = filtered[0] if isinstance(told, str) else filtered
                self._mark(prefix + name)
        if isinstance(frame, ReadFrame):
            frame.outline = outline_of_fields(frame)

    def _filtered_lines(self, lines: list[str], within: bool) -> tuple[list[str], bool]:
        """Filter lines, of which those of a private key tell nothing by themselves; say whether it goes on."""
        filtered: list[str] = []
        for line in lines:
            begins = _KEY_BEGINS.search(line)
            filtered.append(FILTERED if within else self._shape(line))
            within = (within or begins is not None) and "-----END" not in (line[begins.end() :] if begins else line)
        return filtered, within

    def _request(self, request: dict[str, Any]) -> None:
        headers: dict[str, str] = request.get("headers") or {}
        for name, value in headers.items():
            if self._names.is_sensitive_header(name) and not is_empty(value):
                headers[name] = FILTERED
                self._mark(f"request.headers.{name}")
            elif not self._names.is_kept(name):
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
            data = orjson.dumps(value)
            scrub = _Scrub(Shapes(data), signs_in(data, self._names), self._names)
            return orjson.dumps(value).decode() if scrub.bag(value, "") else text
        return self._text(without_parameters(text, self._names))

    def _bag(self, owner: dict[str, Any], name: str, path: str) -> None:
        """Filter a JSON value under a name; one with something to filter is copied first, as it may be the caller's."""
        value: Any = owner.get(name)
        if value and isinstance(value, dict | list) and (self._signs or self._shapes):
            data = orjson.dumps(cast("Any", value))
            if self.is_suspicious(data):
                owner[name] = orjson.loads(data)
                self.bag(owner[name], path)

    def is_suspicious(self, data: bytes) -> bool:
        """Say, fast, whether a JSON value may hold anything sensitive."""
        return self._signs.occur_in(data) or self._shapes.occur_in(data)

    def _object(self, value: dict[str, Any], where: str, waiting: list[tuple[Any, str]]) -> None:
        names = self._names
        named = value.get("key", value.get("name")) if "value" in value else None
        for key, item in value.items():
            secret = names.is_sensitive(key) or (
                key == "value" and isinstance(named, str) and names.is_sensitive(named)
            )
            if secret and not is_empty(item):
                value[key] = FILTERED
                self._mark(f"{where}.{key}")
            elif isinstance(item, dict | list) or not names.is_kept(key):
                self._item(value, key, f"{where}.{key}", waiting)

    def _list(self, value: list[Any], where: str, waiting: list[tuple[Any, str]]) -> None:
        if len(value) == 2 and _is_name(value[0]) and self._names.is_sensitive(value[0]) and not is_empty(value[1]):
            value[1] = FILTERED
            self._mark(f"{where}.{value[0]}")
        for index in range(len(value)):
            if (
                index
                and self._is_option(value[index - 1])
                and isinstance(value[index], str)
                and value[index][:1] != "-"
            ):
                value[index] = FILTERED
                self._mark(f"{where}.{index}")
            self._item(value, index, f"{where}.{index}", waiting)

    def _is_option(self, value: object) -> bool:
        """Say whether a value is a flag whose value is sensitive and the next of a command's arguments."""
        if not isinstance(value, str) or not value.startswith("--") or "=" in value:
            return False
        return self._names.ends_sensitive(value)

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
        return self._text(without_parameters(text, self._names))

    def _text(self, text: str) -> str:
        if self._signs:
            text = without_assigned(text, self._names)
        return self._shape(text)

    def _shape(self, text: str) -> str:
        return self._shapes.without(text) if self._shapes else text

    def _mark(self, path: str) -> None:
        if len(self._paths) < limits.MAX_MARKS:
            self._paths.append(path[: limits.BAG_KEY])
