"""Values that an application reported as text: as little punctuation as leaves them readable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import orjson

_HTTP = ("method", "url", "status_code")
"""What breadcrumbs of a request hold: https://develop.sentry.dev/sdk/foundations/transport/event-payloads/breadcrumbs/"""


def value_text(value: object, *, quoted: bool = True) -> str:
    """Return a JSON value as text, names without quotation marks.

    Args:
        value: Any JSON value.
        quoted: Whether texts within it get quotation marks; where an SDK reports texts as the language writes them,
            they have their own.
    """
    return value if isinstance(value, str) and value else _nested(value, quoted=quoted)


def _nested(value: object, *, quoted: bool) -> str:
    if isinstance(value, str):
        return f"'{value}'" if quoted or not value else value
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value).items()
        return "{" + ", ".join(f"{key}: {_nested(item, quoted=quoted)}" for key, item in entries) + "}"
    if isinstance(value, list | tuple):
        items = cast("list[object]", value)
        return "[" + ", ".join(_nested(item, quoted=quoted) for item in items) + "]"
    return orjson.dumps(value, default=str).decode()


def data_text(data: Mapping[str, object]) -> str:
    """Return the data of a breadcrumb as words: a request as it is written, everything else as `name=value`."""
    request = [value_text(data[name]) for name in _HTTP if data.get(name) not in (None, "")]
    others = [f"{name}={value_text(value)}" for name, value in data.items() if name not in _HTTP]
    return " ".join([*request, *others])
