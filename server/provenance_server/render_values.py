"""Values that an application reported as text: as little punctuation as leaves them readable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import orjson

_HTTP = ("method", "url", "status_code")
"""What breadcrumbs of a request hold: https://develop.sentry.dev/sdk/foundations/transport/event-payloads/breadcrumbs/"""
_MARK = re.compile(r"<[^<>]*>|\[(?:undefined|null|NaN|Filtered|Object|Array|Circular ~|Function\b[^\]]*)\]")
"""What SDKs, and our scrubbing, write where they leave a value out."""
_OTHER_THAN_TEXT = re.compile(r"[-+]?[\d.].*|true|false|null|None|True|False|", re.DOTALL)


def value_text(value: object, *, quoted: bool = True) -> str:
    """Return a JSON value as text, names without quotation marks.

    Args:
        value: Any JSON value.
        quoted: Whether texts get quotation marks; where an SDK reports texts as the language writes them, they have
            their own.
    """
    if isinstance(value, str):
        return _quoted(value) if quoted or not value else value
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value).items()
        return "{" + ", ".join(f"{key}: {value_text(item, quoted=quoted)}" for key, item in entries) + "}"
    if isinstance(value, list | tuple):
        items = cast("list[object]", value)
        return "[" + ", ".join(value_text(item, quoted=quoted) for item in items) + "]"
    return orjson.dumps(value, default=str).decode()


def _quoted(text: str) -> str:
    if _MARK.fullmatch(text):
        return text
    if "'" not in text:
        return f"'{text}'"
    return f'"{text}"' if '"' not in text else "'" + text.replace("'", "\\'") + "'"


def plain_text(value: object) -> str:
    """Return a JSON value as text, a text itself without quotation marks where it cannot be taken for another value."""
    if isinstance(value, str) and not _OTHER_THAN_TEXT.fullmatch(value):
        return value
    return value_text(value)


def data_text(data: Mapping[str, object]) -> str:
    """Return the data of a breadcrumb as words: a request as it is written, everything else as `name=value`."""
    request = [plain_text(data[name]) for name in _HTTP if data.get(name) not in (None, "")]
    others = [f"{name}={plain_text(value)}" for name, value in data.items() if name not in _HTTP]
    return " ".join([*request, *others])
