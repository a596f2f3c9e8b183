"""Cross-origin access: browsers on any page may send events, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping

NUMBER = "[0-9]{1,18}"
"""The number of an origin in a path."""

_INGEST = re.compile(rf"/api/{NUMBER}/(?:envelope|store)/?")

CORS_HEADERS: Mapping[str, str] = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": (
        "Content-Type, X-Sentry-Auth, X-Requested-With, Origin, Accept, Authentication, Authorization, "
        "Content-Encoding, sentry-trace, baggage"
    ),
    "access-control-expose-headers": "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After",
    "access-control-max-age": "3600",
}
"""What Relay answers browser SDKs, errors included."""


def is_ingest(path: str) -> bool:
    """Say whether a path is one that Sentry SDKs send to."""
    return _INGEST.fullmatch(path) is not None
