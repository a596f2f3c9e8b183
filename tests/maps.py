"""Source maps for tests: a small application, minified into one line by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from provenance_server.uploaded_files import UploadedFile

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

CART = """\
import { price } from "./price";

export class Cart {
  items = [];

  total() {
    return this.items.map((item) => price(item)).reduce((a, b) => a + b, 0);
  }
}

export function checkout(cart) {
  // 支払い 🛒
  if (!cart.items.length) {
    throw new Error("the cart is empty");
  }
  return cart.total();
}
"""
PRICE = """\
export function price(item) {
  return item.product.price * item.count;
}
"""
LIBRARY = "module.exports = function left(pad) {\n  return pad.left;\n};\n"
SOURCES = {"src/cart.ts": CART, "src/price.ts": PRICE, "../node_modules/pad/index.js": LIBRARY}

POSITIONS = {
    "checkout": (100, "src/cart.ts", 'throw new Error("the cart is empty")'),
    "total": (140, "src/cart.ts", "price(item)"),
    "price": (180, "src/price.ts", "product.price"),
    "left": (220, "../node_modules/pad/index.js", "pad.left"),
}
"""Of each function: the column (from 0 on) in the minified line, its source, and the code at its position."""


def vlq(numbers: Iterable[int]) -> str:
    """Return numbers as one segment."""
    text = ""
    for number in numbers:
        left = (-number << 1) | 1 if number < 0 else number << 1
        while True:
            digit, left = left & 31, left >> 5
            text += _DIGITS[digit | (32 if left else 0)]
            if not left:
                break
    return text


def source_map(*, shift: int = 0, **changes: Any) -> dict[str, Any]:
    """Return the map of the application; `shift` moves all of it in the minified line, as another release does."""
    names = list(SOURCES)
    segments: list[str] = []
    before = [0, 0, 0, 0]
    for column, source, code in POSITIONS.values():
        text = SOURCES[source]
        offset = text.index(code)
        line = text.count("\n", 0, offset)
        place = offset - (text.rfind("\n", 0, offset) + 1)
        now = [column + shift, names.index(source), line, place]
        segments.append(vlq(value - old for value, old in zip(now, before, strict=True)))
        before = now
    document = {
        "version": 3,
        "file": "app.min.js",
        "sources": names,
        "sourcesContent": list(SOURCES.values()),
        "names": [],
        "mappings": ",".join(segments),
    }
    return {name: value for name, value in (document | changes).items() if value is not None}


def script(reference: str | None = "app.min.js.map", debug_id: str | None = None) -> str:
    """Return the minified file."""
    ends = [f"//# sourceMappingURL={reference}"] if reference else []
    ends += [f"//# debugId={debug_id}"] if debug_id else []
    return "\n".join(["x" * 300, *ends, ""])


def inline(document: dict[str, Any]) -> str:
    """Return a map as an address that holds it."""
    return f"data:application/json;base64,{base64.b64encode(json.dumps(document).encode()).decode()}"


def files(folder: Path, named: Mapping[str, str | dict[str, Any]]) -> list[UploadedFile]:
    """Write files and return them as they are uploaded."""
    uploaded: list[UploadedFile] = []
    for number, (name, content) in enumerate(named.items()):
        path = folder / f"upload-{number}"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        uploaded.append(UploadedFile(name, path))
    return uploaded


def frame(function: str, *, shift: int = 0, url: str = "https://shop.example/static/app.min.js", **more: Any) -> Any:
    """Return a frame of the minified file, as an event has it."""
    return {"file": url, "function": "m", "line": 1, "column": POSITIONS[function][0] + shift + 1, "inApp": True} | more


def crash(*functions: str, release: str | None = "1.0.0", shift: int = 0, url: str | None = None, **more: Any) -> Any:
    """Return an event raised in the first of the functions, the others its callers."""
    told = {"url": url} if url else {}
    return {
        "errorType": "TypeError",
        "message": "cannot read properties of undefined",
        "platform": "javascript",
        "handled": False,
        "release": release,
        "frames": [frame(function, shift=shift, **told) for function in functions],
    } | more
