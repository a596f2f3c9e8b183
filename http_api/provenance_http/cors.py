"""Cross-origin access: browsers on any page may send events, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

Kind = Literal["envelope", "store"]
_PATH = re.compile(r"/api/([0-9]{1,18})/(envelope|store)/?")

CORS_HEADERS: Mapping[str, str] = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After",
}
"""What every answer tells browsers, errors included. Source: Relay."""

PREFLIGHT_HEADERS: Mapping[str, str] = {
    **CORS_HEADERS,
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": (
        "Content-Type, X-Sentry-Auth, X-Requested-With, Origin, Accept, Authentication, Authorization, "
        "Content-Encoding, sentry-trace, baggage"
    ),
    "access-control-max-age": "3600",
}
"""What a browser is told before it sends. Source: Relay."""


class Door(NamedTuple):
    """One of the two paths that Sentry SDKs send to, and the number of the origin in it."""

    number: int
    kind: Kind


def ingest_door(path: str) -> Door | None:
    """Return which door for Sentry SDKs a path is, if it is one."""
    found = _PATH.fullmatch(path)
    return Door(int(found[1]), cast("Kind", found[2])) if found else None
