"""Answers of the tools as the view gets them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

_NOW = datetime.now(UTC)


def ago(**age: float) -> str:
    """Return a moment that is so long ago."""
    return (_NOW - timedelta(**age)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def issue(number: int, **changes: Any) -> dict[str, Any]:
    """Return an issue as lists have it."""
    reported = {"title": f"ValueError: {number}", "culprit": "shop.cart in total", "level": "error"}
    return {
        "shortId": f"SHOP-{number}",
        "status": "open",
        "eventCount": 12,
        "userCount": 3,
        "firstSeen": "2026-11-20T10:00:00Z",
        "lastSeen": ago(hours=3, minutes=5),
        "regressionCount": 1,
        "lastRelease": "1.3",
        "trust": {"authenticated": 3, "matched": 2},
        "reported": reported,
    } | changes


def issue_list(*issues: dict[str, Any], total: int | None = None, cursor: str | None = None) -> dict[str, Any]:
    """Return the result of `get_error_issues`."""
    answer: dict[str, Any] = {"items": list(issues), "total": len(issues) if total is None else total}
    trend = {each["shortId"]: [0] * 22 + [1, 4] for each in issues}
    return result(answer | ({"nextCursor": cursor} if cursor else {})) | {"_meta": {"provenance/trend": trend}}


def detail(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return the result of `get_error_issue`."""
    listed = issue(number)
    facts: dict[str, Any] = {
        "id": "018f",
        "resolvedIn": "1.2",
        "releases": [
            {
                "registered": True,
                "version": "1.3",
                "eventCount": 4,
                "firstSeen": ago(days=2),
                "lastSeen": ago(hours=1),
            },
            {
                "registered": False,
                "eventCount": 2,
                "firstSeen": ago(days=1),
                "lastSeen": ago(minutes=1),
                "reported": {"version": "nightly"},
            },
        ],
        "history": [
            {
                "at": "2026-11-21T08:30:00Z",
                "actor": "ada",
                "client": "mcp:claude",
                "fromStatus": "open",
                "toStatus": "resolved",
                "release": "1.2",
                "note": "Fixed the sum.\nSee the test.",
                "eventId": "e-7",
            }
        ],
        "eventsPerDay": [1, 0, 2, 3, 6],
        "eventsPerHour": [6],
        "reported": listed["reported"]
        | {
            "tags": {"browser": {"Chrome 120": 5, "Safari": 1}},
            "standsOut": {"browser=Safari": "96% here, 12% elsewhere"},
        },
        "event": {
            "id": "e-9",
            "receivedAt": "2026-11-22T09:00:00Z",
            "via": "public",
            "matched": True,
            "framesMatched": "5/7",
            "release": "1.3",
            "reported": {
                "stack": "ValueError: 1\n> shop/cart.py:7 in total\n    → 7 raise ValueError(1)\n  lib/run.py:3 in run",
                "request": {"line": "GET /cart"},
                "tags": {"os": "Linux"},
                "breadcrumbs": ["clicked buy", "GET /price"],
                "cut": ["2 frames: detail=full"],
            },
        },
    }
    return result(listed | facts | changes)


def result(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as the result of a tool."""
    return {"content": [{"type": "text", "text": json.dumps(answer)}], "structuredContent": answer}


def refusal(text: str) -> dict[str, Any]:
    """Return the error of a tool."""
    return {"content": [{"type": "text", "text": text}], "isError": True}
