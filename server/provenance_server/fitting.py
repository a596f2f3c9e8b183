"""Texts that fit: cleaned, and cut to what they may cost a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from provenance_core.clean import clean
from provenance_server.render_values import value_text
from provenance_server.tokens import text_tokens, tokens_of

_CHARACTERS_A_TOKEN = 6
"""Runs of one character cost next to nothing, and still nobody reads them."""
_SAYING = 10
"""What it costs to say how much was cut."""
_SECOND = re.compile(r"\.\d+(?=Z$|[+-]\d\d:\d\d$)")


def line(text: str, tokens: int) -> str:
    r"""Return a text cleaned, on one line (a line break is written as `\n`), and fitted."""
    return _fitted(text, tokens, one_line=True)


def block(text: str, tokens: int) -> str:
    """Return a text cleaned and fitted, its lines kept."""
    return _fitted(text, tokens, one_line=False)


def given_line(text: str | None, tokens: int) -> str | None:
    """Return a line, or nothing where nothing is told."""
    return line(text, tokens) if text else None


def value_line(value: object, tokens: int) -> str | None:
    """Return a JSON value as a line; nothing where it may cost nothing or is empty."""
    return None if tokens <= 0 or value in (None, {}, [], "") else line(value_text(value), tokens)


def to_second(moment: str) -> str:
    """Return a moment without its fraction of a second."""
    return _SECOND.sub("", moment)


def compact(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that say something."""
    return {key: value for key, value in entries.items() if value not in (None, "", [], {}, ())}


def cost(value: object) -> int:
    """Return how many tokens a value costs at most as JSON."""
    return tokens_of(orjson.dumps(value).decode())


def _fitted(text: str, tokens: int, *, one_line: bool) -> str:
    """Return a text cut so that it costs at most so many tokens in JSON, and says so where it is cut.

    Below 12 tokens, what says that it was cut may cost more.
    """
    taken = tokens * _CHARACTERS_A_TOKEN
    shown = clean(text[:taken].replace("\r\n", "\n"))
    if one_line:
        shown = shown.replace("\n", "\\n").replace("\t", " ")
    if len(text) <= taken and text_tokens(shown) <= tokens:
        return shown
    whole = len(shown) + max(len(text) - taken, 0)
    room = max(tokens - _SAYING, 1)
    while shown and (costs := text_tokens(shown)) > room:
        shown = shown[: min(len(shown) - 1, int(len(shown) * room / costs * 0.98))]
    return f"{shown}… (+{whole - len(shown)} chars)"
