"""The tags that are counted of every event, from what it states elsewhere."""

from __future__ import annotations

ENVIRONMENT_TAG = "environment"
STATED_TAGS = frozenset(
    {
        ENVIRONMENT_TAG,
        "browser",
        "handled",
        "level",
        "os",
        "runtime",
        "server_name",
        "transaction",
        "url",
    }
)
