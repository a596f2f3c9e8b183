"""Events and histories that would fill a model's window, were they printed as they are."""

from __future__ import annotations

import base64
import random
from typing import Any

from tests.factory import payload

_NOISE = random.Random(7)  # the same events in every run


def _drawn(first: int, last: int, length: int) -> str:
    return "".join(chr(_NOISE.randint(first, last)) for _ in range(length))


ALPHABETS = {
    "base64": base64.b64encode(_NOISE.randbytes(15_000)).decode(),
    "ideographs": _drawn(0x4E00, 0x9FFF, 20_000),
    "hangul": _drawn(0xAC00, 0xD7A3, 20_000),
    "emoji": _drawn(0x1F300, 0x1F6FF, 20_000),
    "controls": "a\x01" * 10_000,
    "bidirectional": "b\u202e" * 10_000,
    "quotes": "\"\\'{}[]\n" * 2_500,
    "punctuation": _drawn(0x21, 0x2F, 20_000),
    "any printable": _drawn(0x20, 0x7E, 20_000),
    "any letters": _drawn(0x61, 0x7A, 20_000),
    "old scripts": _drawn(0x12000, 0x12300, 20_000),
    "tag characters": "".join(f"x{chr(0xE0041)}" for _ in range(10_000)),
    "one letter": "m" * 20_000,
    "line breaks": "\n" * 20_000,
}


def frame(number: int, **changes: Any) -> dict[str, Any]:
    """Return a frame of the application with everything it can have."""
    return {
        "file": f"app/module_{number}.py",
        "function": f"function_{number}",
        "line": number,
        "inApp": True,
        "contextLine": "x = " + "y" * 500,
        "preContext": ["p" * 500] * 5,
        "postContext": ["q" * 500] * 5,
        "vars": {f"v{k}": "z" * 1000 for k in range(30)},
        **changes,
    }


def filled(text: str) -> dict[str, Any]:
    """Return an event of which every text is long, and of which there is much of everything."""
    short = text[:300]
    lines = [short] * 10
    whole: dict[str, Any] = {
        "file": short,
        "function": short,
        "contextLine": short,
        "preContext": lines,
        "postContext": lines,
        "vars": {f"{text[number : number + 90]}{number}": short for number in range(50)},
    }
    return payload(
        errorType=text,
        message=text,
        release=short,
        environment=text,
        transaction=text,
        serverName=text,
        frames=[frame(number, **whole) for number in range(1, 30)],
        causes=[{"errorType": text, "message": text, "frames": [frame(1, **whole)]}] * 12,
        user={"id": text, "email": text, "username": text},
        request={"method": "POST", "url": text, "query": text, "headers": {short[:90]: short}, "data": text},
        tags={f"{number}{text[number : number + 100]}": short for number in range(100)},
        breadcrumbs=[{"category": short, "message": short, "data": {short: short}}] * 60,
        contexts={short: {short: text}},
        extra={short: text},
    )


MONSTERS = {
    "a thousand frames": payload(frames=[frame(number) for number in range(1, 1001)]),
    "library frames": payload(frames=[frame(number, inApp=False) for number in range(1, 1001)]),
    "recursion": payload(frames=[frame(1)] * 1_000),
    "a long message": payload(message="m" * 200_000),
    "a long type": payload(errorType="T" * 20_000),
    "fifty causes": payload(causes=[{"errorType": "E" * 999, "message": "c" * 9_999, "frames": [frame(1)]}] * 50),
    "many tags": payload(tags={f"tag{number}" * 20: "v" * 999 for number in range(500)}),
    "many breadcrumbs": payload(breadcrumbs=[{"message": "b" * 9_999, "category": "c" * 999}] * 10_000),
    "deep extra": payload(extra={"a": [[[[{"b": "c" * 99_999}]]]]}, contexts={"x": {"y": "z" * 99_999}}),
    "long names of variables": payload(frames=[frame(1, vars={f"{k}{'n' * 2_000}": k for k in range(50)})]),
    "a large request": payload(
        request={"url": "https://x/" + "u" * 99_999, "headers": {"h" * 99: "v" * 9_999}, "data": "d" * 99_999}
    ),
    "the text of a stack": payload(frames=[], causes=[], stack="s\n" * 100_000),
    **{f"filled with {name}": filled(text) for name, text in ALPHABETS.items()},
}
