"""Write source maps for tests, as plainly as they are defined."""

import json
from collections.abc import Sequence
from typing import Any

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

Segment = tuple[int, ...]
"""Generated column, and with it source, original line and column, and with those a name: all absolute."""


def vlq(number: int) -> str:
    """Return a number in base64 VLQ."""
    rest = (-number << 1) | 1 if number < 0 else number << 1
    text = ""
    while rest > 31:
        text += _DIGITS[(rest & 31) | 32]
        rest >>= 5
    return text + _DIGITS[rest]


def mappings_of(lines: Sequence[Sequence[Segment]]) -> str:
    """Return the `mappings` of the segments of each generated line."""
    before = [0, 0, 0, 0, 0]
    written: list[str] = []
    for line in lines:
        before[0] = 0
        texts: list[str] = []
        for segment in line:
            texts.append("".join(vlq(number - before[at]) for at, number in enumerate(segment)))
            before[: len(segment)] = segment
        written.append(",".join(texts))
    return ";".join(written)


def a_map(lines: Sequence[Sequence[Segment]] = (), **fields: Any) -> dict[str, Any]:
    """Return a map of the segments of each generated line; it has three sources and three names unless told."""
    return {
        "version": 3,
        "sources": ["a.js", "b.js", "c.js"],
        "names": ["one", "two", "three"],
        "mappings": mappings_of(lines),
        **fields,
    }


def as_bytes(document: object) -> bytes:
    """Return a document as it is uploaded."""
    return json.dumps(document).encode()


def in_sections(*sections: tuple[int, int, dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Return an index map of sections: line and column of each offset, and its map."""
    return {
        "version": 3,
        "sections": [{"offset": {"line": line, "column": column}, "map": one} for line, column, one in sections],
        **fields,
    }
