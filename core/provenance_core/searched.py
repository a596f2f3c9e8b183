"""Gather what of an event is searched for secrets: each value once, as stacks repeat what is passed down the calls."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import orjson

from provenance_core.event_writing import SOURCE, ReadFrame

_TEXTS = ("message", "stack", "messageTemplate", "transaction", "logger", "environment", "serverName")
_BAGS = ("tags", "contexts", "extra")
_BOXES = (dict, list, tuple)
_SHAPED = ("release", "dist", "user", "fingerprint")


class Searched:
    """The texts of an event, as JSON, in parts that are looked through one by one where something is found in all.

    No list begins with a text, so that none looks like a pair of a name and a value.

    Attributes:
        variables: The variables of the frames.
        trail: The messages and data of the breadcrumbs.
        rest: All else in which something may be assigned to a name.
        shaped: What is filtered by shape only: identities, and the code of frames that are not known to be clean.
    """

    __slots__ = ("rest", "shaped", "trail", "variables")

    def __init__(self, event: dict[str, Any]) -> None:
        texts: list[Any] = [None, *(event[name] for name in _TEXTS if name in event)]
        bags: list[dict[str, Any]] = [event[name] for name in _BAGS if name in event]
        shaped: list[Any] = [event[name] for name in _SHAPED if name in event]
        variables: list[dict[str, Any]] = []
        nested: set[bytes] = set()
        cut: list[dict[str, Any]] = []
        for error in (event, *event.get("causes", ())):
            texts += [error.get("message"), error.get("stack")]
            for frame in error.get("frames", ()):
                known = frame if isinstance(frame, ReadFrame) else None
                if known is not None and known.variables:
                    variables.append(frame["vars"])
                    nested.update(known.nested)
                elif "vars" in frame:
                    cut.append(frame["vars"])
                if known is None or not known.is_clean:
                    shaped += [frame.get(name) for name in SOURCE]
        request = event.get("request")
        if request:
            texts += [request.get("url"), request.get("query"), request.get("data")]
            texts += request.get("headers", {}).values()
        self.variables = _values(variables, nested) + b"\n" + _values(cut)
        self.trail = _trail(event.get("breadcrumbs", ()))
        self.rest = orjson.dumps([*texts, bags])
        self.shaped = orjson.dumps(shaped)

    @property
    def assigning(self) -> bytes:
        """Return all in which something may be assigned to a name."""
        return b"\n".join((self.variables, self.trail, self.rest))


def _trail(crumbs: Iterable[dict[str, Any]]) -> bytes:
    messages = orjson.dumps([None, *(crumb["message"] for crumb in crumbs if "message" in crumb)])
    return messages + _values([crumb["data"] for crumb in crumbs if "data" in crumb])


def _values(bags: list[dict[str, Any]], nested: set[bytes] | None = None) -> bytes:
    """Return the keys and the values of objects, each once.

    Args:
        bags: The objects.
        nested: The lists and objects among their values as JSON, where they are known.
    """
    if not bags:
        return b""
    names = dict.fromkeys(chain.from_iterable(bags))
    try:
        return orjson.dumps([names, *dict.fromkeys(_all_values(bags))])
    except TypeError:
        values = [*_all_values(bags)]
    plain = {value for value in values if type(value) is str}
    others: list[Any] = [value for value in values if type(value) is not str and not isinstance(value, _BOXES)]
    if nested is None:
        nested = {orjson.dumps(value) for value in values if type(value) is not str and isinstance(value, _BOXES)}
    return b",".join((orjson.dumps([names, *plain, *others]), *nested))


def _all_values(bags: list[dict[str, Any]]) -> Iterable[Any]:
    return chain.from_iterable([bag.values() for bag in bags])
