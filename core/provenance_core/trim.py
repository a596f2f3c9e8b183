"""Cut values to their limits and repair what cannot be stored, remembering what was done."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

import orjson

from provenance_core import limits
from provenance_core.coerce import as_text

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
INT64 = 2**63
"""The first integer that 64 bits do not hold."""
_ELLIPSIS = "..."
_ALLOWANCE = 512
"""What a value may exceed its budget by before it is cut: the signs of JSON, mostly. Relay has such an allowance."""
_END = object()


def repair_text(text: str) -> tuple[str, int]:
    """Return the text with NUL and lone surrogates as U+FFFD, and how many there were."""
    if text.isascii() and "\x00" not in text:
        return text, 0
    return _UNSTORABLE.subn("\ufffd", text)


def cut_text(text: str, limit: int) -> str:
    """Return the text cut to a number of characters, ending in `...` where it was cut."""
    return text if len(text) <= limit else text[: limit - len(_ELLIPSIS)] + _ELLIPSIS


_BOXES = (dict, list, tuple)
_NULL = re.compile(rb"null")
_NUL = b"\\u0000"


def _fits(value: object, depth: int) -> bool:
    """Say whether no list or object with anything in it stands deeper than a number of levels."""
    level: list[Any] = [value] if isinstance(value, _BOXES) else []
    for _ in range(depth):
        if not level:
            return True
        level = [
            item
            for box in level
            for item in cast("Iterable[Any]", box.values() if isinstance(box, dict) else box)
            if type(item) is not str and item and isinstance(item, _BOXES)
        ]
    return not level


def _is_whole(value: object, text: bytes) -> bool:
    """Say whether no null stands for a number that is none, which no JSON holds but a caller's value may."""
    return _NULL.search(text) is None or orjson.loads(text) == value


class Trim:
    """What was cut and repaired while one event is read.

    Attributes:
        trimmed: The original length of what was cut, by path.
        repaired: How many characters and numbers could not be stored as sent.
    """

    __slots__ = ("_fitting", "repaired", "trimmed")

    def __init__(self, repaired: int = 0) -> None:
        self.trimmed: dict[str, int] = {}
        self.repaired = repaired
        self._fitting: set[tuple[bytes, int]] = set()

    def mark(self, path: str, original: int) -> None:
        """Remember that the value at a path was cut, and how long it was."""
        if len(self.trimmed) < limits.MAX_MARKS:
            self.trimmed.setdefault(self._repaired(path[: limits.BAG_KEY]), original)

    def text(self, value: object, limit: int, path: str) -> str | None:
        """Return a value as text of at most a number of characters; None stays None."""
        text = value if isinstance(value, str) else as_text(value)
        if text is None or len(text) <= limit:
            return text
        self.mark(path, len(text))
        return cut_text(text, limit)

    def first(self, items: list[Any], limit: int, path: str) -> list[Any]:
        """Return the first items of a list, marking the path where there are more."""
        if len(items) <= limit:
            return items
        self.mark(path, len(items))
        return items[:limit]

    def last(self, items: list[Any], limit: int, path: str) -> list[Any]:
        """Return the last items of a list, marking the path where there are more."""
        if len(items) <= limit:
            return items
        self.mark(path, len(items))
        return items[-limit:]

    def bag(self, value: object, budget: int, depth: int, path: str) -> Any:
        """Return any JSON value within a budget of characters and a depth: itself where it is, else a copy."""
        try:
            text = orjson.dumps(value)
        except TypeError:
            return self._walk(value, budget, depth, path)
        if len(text) > budget + _ALLOWANCE:
            return self._walk(value, budget, depth, path)
        return value if _fits(value, depth) and _is_whole(value, text) else self._walk(value, budget, depth, path)

    def bag_of(self, value: object, budget: int, depth: int, path: str) -> dict[str, Any]:
        """Return a copy of a JSON object within a budget; another value stands under `value`."""
        if value is None or value == {}:
            return {}
        raw: object = cast("object", value) if isinstance(value, dict) else {"value": value}
        return self.bag(raw, budget, depth, path)

    def whole(self, value: dict[str, Any], budget: int, depth: int) -> tuple[bytes, tuple[bytes, ...]] | None:
        """Return an object as JSON, with the lists and objects in it, or None where it may need a cut or a repair.

        What many frames have in common is looked at once.
        """
        try:
            text = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
        except TypeError:
            return None
        if len(text) > budget + _ALLOWANCE or (b"\\" in text and _NUL in text) or not _is_whole(value, text):
            return None
        nested: list[bytes] = []
        for item in value.values():
            if type(item) is not str and item and isinstance(item, _BOXES):
                found = orjson.dumps(item)
                if (found, depth) not in self._fitting:
                    if found.count(b"{") + found.count(b"[") >= depth and not _fits(cast("Any", item), depth - 1):
                        return None
                    self._fitting.add((found, depth))
                nested.append(found)
        return text, tuple(nested)

    def _repaired(self, text: str) -> str:
        text, count = repair_text(text)
        self.repaired += count
        return text

    def _walk(self, value: object, budget: int, depth: int, path: str) -> Any:
        root: dict[str, Any] = {}
        _Walk(self, budget, depth).run(value, root, path)
        return root.get("")


class _Walk:
    """Copy one JSON value without recursion, until a budget is spent."""

    def __init__(self, trim: Trim, budget: int, depth: int) -> None:
        self._trim = trim
        self._left = budget
        self._depth = depth
        self._open: list[tuple[Iterator[tuple[Any, Any]], Any, int, str]] = []

    def run(self, value: object, root: dict[str, Any], path: str) -> None:
        """Copy a value into the root under the empty key."""
        self._put(root, "", value, path)
        while self._open:
            items, target, size, where = self._open[-1]
            entry = next(items, _END)
            if entry is _END:
                self._open.pop()
            elif not self._enter(target, *cast("tuple[Any, Any]", entry), where):
                self._trim.mark(where, size)
                self._open.pop()

    def _enter(self, target: Any, key: Any, value: object, where: str) -> bool:
        """Copy one entry; say whether there was room for it."""
        if isinstance(target, list):
            return self._put(target, None, value, where)
        name = repair_text(cut_text(key if isinstance(key, str) else str(key), limits.BAG_KEY))[0]
        if len(name) + 2 > self._left:
            return False
        self._left -= len(name) + 1
        return self._put(target, name, value, f"{where}.{name}")

    def _put(self, target: Any, name: str | None, value: Any, path: str) -> bool:
        if isinstance(value, dict | list | tuple):
            if len(self._open) < self._depth:
                return self._descend(target, name, value, path)
            self._trim.mark(path, len(cast("Any", value)))
            value = self._trim.text(cast("object", value), limits.EXTRA_VALUE, path)
        value = self._storable(value, path)
        return (
            self._put_text(target, name, value, path) if isinstance(value, str) else self._set(target, name, value, 1)
        )

    def _storable(self, value: object, path: str) -> object:
        """Return a scalar as one that a store takes: finite, within 64 bits, of a JSON type."""
        if isinstance(value, float) and not math.isfinite(value):
            self._trim.repaired += 1
            return None
        if isinstance(value, int) and not -INT64 <= value < INT64:
            self._trim.repaired += 1
            return self._trim.text(value, limits.BAG_KEY, path)
        if value is None or isinstance(value, str | int | float):
            return value
        return self._trim.text(value, limits.BAG_KEY, path)

    def _put_text(self, target: Any, name: str | None, value: str, path: str) -> bool:
        room = self._left - 1
        if len(value) > room:
            if room <= len(_ELLIPSIS):
                return False
            self._trim.mark(path, len(value))
            value = cut_text(value, room)
        text, count = repair_text(value)
        self._trim.repaired += count
        return self._set(target, name, text, len(text) + 1)

    def _descend(self, target: Any, name: str | None, value: Any, path: str) -> bool:
        is_object = isinstance(value, dict)
        copy: Any = {} if is_object else []
        if not self._set(target, name, copy, 1):
            return False
        entries: Iterator[tuple[Any, Any]] = (
            iter(cast("dict[Any, Any]", value).items()) if is_object else ((None, item) for item in value)
        )
        self._open.append((entries, copy, len(value), path))
        return True

    def _set(self, target: Any, name: str | None, value: Any, cost: int) -> bool:
        if cost > self._left:
            return False
        self._left -= cost
        if name is None:
            target.append(value)
        else:
            target[name] = value
        return True
