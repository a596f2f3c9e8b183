"""Read JSON as senders write it: strictly first, else with what is broken repaired."""

from __future__ import annotations

import codecs
import json
import math
import re
from dataclasses import dataclass
from typing import Any

import orjson

from provenance_core.errors import InvalidInput

MAX_DEPTH = 128
"""Nesting kept of a document that is too deep to parse. Ours."""

_DEEPEST_PARSED = 1_000
"""Nesting that is left to the parser; what it bears beyond differs between versions of Python."""

_INT64_DIGITS = 19
_REPLACEMENT = b"\xef\xbf\xbd"
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonLoaded:
    """A parsed document and how many of its characters and numbers had to be repaired."""

    value: Any
    repaired: int


def loads(data: bytes) -> JsonLoaded:
    """Parse a document, repairing what senders get wrong.

    Repaired are a byte order mark, invalid UTF-8, NaN and infinities, integers of more digits than 64 bits hold, raw
    control characters and nesting deeper than a parser bears. NUL and lone surrogates pass: normalising mends them.

    Raises:
        InvalidInput: It is no JSON even so.
    """
    try:
        return JsonLoaded(orjson.loads(data), 0)
    except orjson.JSONDecodeError:
        return _Lenient().loads(data)


class _Lenient:
    """Parse with the standard library, counting the repairs."""

    def __init__(self) -> None:
        self._repaired = 0

    def loads(self, data: bytes) -> JsonLoaded:
        text = self._decode(data)
        before = self._repaired
        try:
            value = self._parse(text if _depth(text) <= _DEEPEST_PARSED else self._flatten(text))
        except RecursionError:
            self._repaired = before
            value = self._parse(self._flatten(text))
        return JsonLoaded(value, self._repaired)

    def _decode(self, data: bytes) -> str:
        if data.startswith(codecs.BOM_UTF8):
            data = data[len(codecs.BOM_UTF8) :]
            self._repaired += 1
        text = data.decode("utf-8", "replace")
        self._repaired += text.count("\ufffd") - data.count(_REPLACEMENT)
        return text

    def _parse(self, text: str) -> Any:
        try:
            return json.loads(
                text,
                strict=False,
                parse_constant=self._constant,
                parse_float=self._float,
                parse_int=self._int,
            )
        except json.JSONDecodeError as error:
            raise InvalidInput(f"The body is not valid JSON: see position {error.pos}.") from None

    def _constant(self, _literal: str) -> None:
        self._repaired += 1

    def _float(self, literal: str) -> float | None:
        number = float(literal)
        if math.isfinite(number):
            return number
        self._repaired += 1
        return None

    def _int(self, literal: str) -> int | str:
        if len(literal) <= _INT64_DIGITS:
            return int(literal)
        number = int(literal) if len(literal) == _INT64_DIGITS + 1 else None
        if number is not None and -(2**63) <= number < 2**63:
            return number
        self._repaired += 1
        return literal

    def _flatten(self, text: str) -> str:
        """Replace everything nested deeper than the limit by null."""
        pieces: list[str] = []
        depth = start = 0
        for token in _STRING_OR_BRACKET.finditer(text):
            bracket = token[0]
            if bracket in {"{", "["}:
                depth += 1
                if depth == MAX_DEPTH + 1:
                    pieces.append(text[start : token.start()])
                    self._repaired += 1
            elif bracket in {"}", "]"}:
                if depth == MAX_DEPTH + 1:
                    pieces.append("null")
                    start = token.end()
                depth -= 1
        return "".join(pieces) + text[start:] if depth <= MAX_DEPTH else "".join(pieces)


def _depth(text: str) -> int:
    """Return how deep brackets are nested at the most."""
    deepest = depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        bracket = token[0]
        if bracket in {"{", "["}:
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in {"}", "]"}:
            depth -= 1
    return deepest
