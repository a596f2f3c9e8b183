"""Texts that fit: cleaned, and cut to what they may cost a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from provenance_core.clean import clean
from provenance_server.render_values import plain_text
from provenance_server.tokens import text_tokens, tokens_of

_CHARACTERS_A_TOKEN = 6
"""Runs of one character cost next to nothing, and still nobody reads them."""
CUT = "… (+"
"""What stands where a text was cut."""
_OMITTED = "…"
_SAYING = 10
"""What it costs to say how much was cut."""
_SECOND = re.compile(r"\.\d+(?=Z$|[+-]\d\d:\d\d$)")


def line(text: str, tokens: int) -> str:
    r"""Return a text cleaned, on one line (a line break is written as `\n`), and fitted."""
    return _fitted(text, tokens, one_line=True)


def block(text: str, tokens: int) -> str:
    """Return a text cleaned and fitted, its lines kept."""
    return _fitted(text, tokens, one_line=False)


def ends(text: str, tokens: int) -> str:
    """Return a text as a line; one that is too long without its middle, for names often differ at their ends."""
    taken = tokens * _CHARACTERS_A_TOKEN
    shown = _one_line(clean(text if len(text) <= taken else f"{text[: taken // 2]}{text[-taken // 2 :]}"))
    if len(text) <= taken and text_tokens(shown) <= tokens:
        return shown
    kept = len(shown) - 1
    cut = _without_middle(shown, kept)
    while kept > 1 and text_tokens(cut) > tokens:
        kept = kept * 9 // 10
        cut = _without_middle(shown, kept)
    return cut


def _without_middle(text: str, kept: int) -> str:
    return f"{text[: kept - kept // 2]}{_OMITTED}{text[len(text) - kept // 2 :]}"


def given_line(text: str | None, tokens: int) -> str | None:
    """Return a line, or nothing where nothing is told."""
    return line(text, tokens) if text else None


def value_line(value: object, tokens: int) -> str | None:
    """Return a JSON value as a line; nothing where it may cost nothing or is empty."""
    return None if tokens <= 0 or value in (None, {}, [], "") else line(plain_text(value), tokens)


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
        shown = _one_line(shown)
    if len(text) <= taken and text_tokens(shown) <= tokens:
        return shown
    whole = len(shown) + max(len(text) - taken, 0)
    room = max(tokens - _SAYING, 1)
    while shown and (costs := text_tokens(shown)) > room:
        shown = shown[: min(len(shown) - 1, int(len(shown) * room / costs * 0.98))]
    return f"{shown}{CUT}{whole - len(shown)} chars)"


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n").replace("\t", " ")
