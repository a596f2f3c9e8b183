"""How many tokens a text costs a model at most: never less than the real count, without its vocabulary.

Models of one family count alike; what is bounded here is the encoding `o200k_base` (MIT, openai/tiktoken). A tokenizer
splits a text into pieces and joins characters of a piece, most frequent pair first. `token_pieces.json` holds the most
frequent of those joins in their order, so that stopping there leaves as many tokens as the whole vocabulary or more,
and words that are one token as a whole. A character beyond ASCII counts as its bytes, but letters that are always one.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import orjson

_PIECES = re.compile(
    r"[^A-Za-z0-9\x80-\U0010ffff]?[A-Z]*[a-z]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^A-Za-z0-9\x80-\U0010ffff]?[A-Z]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[0-9]{1,3}"
    r"| ?[^ A-Za-z0-9\x80-\U0010ffff]+"
    r"| +(?![^ ])"
    r"| +"
    r"|[\x80-\U0010ffff]"
)
_TORN = re.compile(r"[\x80-\U0010ffff](?=[^ A-Za-z0-9\x80-\U0010ffff][A-Za-z])")
"""After a sign beyond ASCII a punctuation mark may belong to it and not to the word that follows."""
_NEVER = 1 << 30
_LONGEST_JOINED = 16
"""Longer pieces are counted in parts, as joining takes time in the square of their length."""
_LONGEST_KEPT = 24
_SINGLE = frozenset("…→—" + "".join(map(chr, range(0x430, 0x450))))
"""Signs that are printed beside texts, and letters that are one token each and join with their neighbours."""


def tokens_of(text: str) -> int:
    """Return how many tokens a text on one line costs at most, as JSON text is."""
    total = 0 if text.isascii() else len(_TORN.findall(text))
    for piece in _PIECES.findall(text):
        total += _cost(piece) if len(piece) <= _LONGEST_KEPT else _joined(piece)
    return total


def text_tokens(text: str) -> int:
    """Return how many tokens a text costs at most where it stands in JSON."""
    return tokens_of(orjson.dumps(text).decode())


@lru_cache(maxsize=1 << 14)
def _cost(piece: str) -> int:
    return _joined(piece)


def _joined(piece: str) -> int:
    if piece > "\x7f":
        return 1 if piece in _SINGLE else len(piece.encode("utf-8", "surrogatepass"))
    merged, words = _pieces()
    if piece in words:
        return 1
    starts = range(0, len(piece), _LONGEST_JOINED)
    return sum(_parts_left(piece[start : start + _LONGEST_JOINED], merged) for start in starts)


def _parts_left(text: str, merged: dict[str, int]) -> int:
    """Join the most frequent pair of neighbours while there is one and return how many parts are left."""
    parts = list(text)
    while len(parts) > 1:
        ranks = [merged.get(left + right, _NEVER) for left, right in pairwise(parts)]
        lowest = min(ranks)
        if lowest == _NEVER:
            break
        at = ranks.index(lowest)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return len(parts)


@cache
def _pieces() -> tuple[dict[str, int], frozenset[str]]:
    stored = cast("dict[str, Any]", orjson.loads((Path(__file__).parent / "token_pieces.json").read_bytes()))
    merged: list[str] = stored["merged"]
    words: list[str] = stored["words"]
    return {piece: rank for rank, piece in enumerate(merged)}, frozenset(words)
