"""Examples of the operations on keys, on what was changed and on what happens."""

from __future__ import annotations

from provenance_http.example import Example, Json

_KEY_ID = "01935713-2a10-7c83-b4d5-6e7f8091a2b3"
_ISSUE_ID = "0193571a-7d40-7c22-9a01-0b6f3d8e2c17"
_CHANGE_ID = "0193571f-6b20-7a94-9c1e-5d2f3a4b6c70"
_AT = "2026-11-23T11:00:00.000Z"
_CURSOR = "Kf3a0gEBAAA"
_KEY: Json = {
    "id": _KEY_ID,
    "label": "ci",
    "prefix": "pak_1a2b3c4d",
    "scopes": ["write"],
    "origin": None,
    "createdAt": "2026-11-20T16:32:00.000Z",
    "lastUsedAt": None,
    "revokedAt": None,
}
_ENTRY: Json = {
    "id": _CHANGE_ID,
    "at": _AT,
    "action": "issue.status",
    "subjectId": _ISSUE_ID,
    "origin": "my-app",
    "actor": "key:agent",
    "actorId": "pak_1a2b3c4d",
    "client": "claude-code",
    "door": "mcp",
    "before": "open",
    "after": "resolved",
    "note": "Prices default to the list price.",
}
_CHANGE: Json = {
    "id": _CHANGE_ID,
    "issueId": _ISSUE_ID,
    "shortId": "MY-APP-12",
    "origin": "my-app",
    "change": "status",
    "status": "resolved",
    "at": _AT,
}

ACCESS_EXAMPLES: dict[str, Example] = {
    "create_key": Example({"label": "ci", "scopes": ["write"]}, {**_KEY, "key": "pak_" + "1a2b3c4d" * 8}),
    "list_keys": Example({"limit": 25}, {"items": [{**_KEY, "lastUsedAt": _AT}], "total": 1, "nextCursor": None}),
    "revoke_key": Example({"id": "pak_1a2b3c4d"}, {**_KEY, "lastUsedAt": _AT, "revokedAt": "2026-11-24T08:00:00.000Z"}),
    "get_access": Example(
        {},
        {
            "actor": "key:ci",
            "scopes": ["write"],
            "origin": None,
            "readOnly": False,
            "lockdown": False,
            "open": False,
        },
    ),
    "list_activity": Example({"issueId": "MY-APP-12"}, {"items": [_ENTRY], "nextCursor": None}),
    "list_changes": Example({"origin": "my-app", "after": _CURSOR}, {"items": [_CHANGE], "nextCursor": _CURSOR}),
}
"""The example of each of these operations, by its name."""
