"""Client reports: what SDKs say they discarded themselves."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from provenance_core.envelope import CATEGORIES
from provenance_core.errors import InvalidInput
from provenance_core.json_text import loads

LARGEST_REPORT = 100 * 1024
MOST_ENTRIES = 100
"""Limits of a report. Source: Relay."""

MOST_COUNTED = 1_000_000
"""The largest quantity believed of one entry; ours."""

REASONS = frozenset(
    {
        *("queue_overflow", "cache_overflow", "buffer_overflow", "ratelimit_backoff", "network_error", "sample_rate"),
        *("before_send", "event_processor", "send_error", "internal_sdk_error", "insufficient_data", "backpressure"),
    }
)
"""Reasons SDKs give. Source: sentry-docs, develop-docs/sdk/telemetry/client-reports."""

_KNOWN = frozenset({*CATEGORIES.values(), "default"})


def count_report(payload: bytes) -> Counter[tuple[str, str]]:
    """Return what a report says was discarded, by category and `client_<reason>`; nothing where it is no report."""
    counts: Counter[tuple[str, str]] = Counter()
    for entry in _entries(payload):
        category, reason, quantity = entry.get("category"), entry.get("reason"), entry.get("quantity")
        if type(quantity) is int and quantity > 0:
            known = str(category) if category in _KNOWN else "other"
            because = f"client_{reason}" if reason in REASONS else "client_other"
            counts[known, because] += min(quantity, MOST_COUNTED)
    return counts


def _entries(payload: bytes) -> list[dict[str, Any]]:
    if len(payload) > LARGEST_REPORT:
        return []
    try:
        report = loads(payload).value
    except InvalidInput:
        return []
    entries = cast("dict[str, Any]", report).get("discarded_events") if isinstance(report, dict) else None
    if not isinstance(entries, list):
        return []
    listed = cast("list[Any]", entries)[:MOST_ENTRIES]
    return [cast("dict[str, Any]", entry) for entry in listed if isinstance(entry, dict)]
