"""One realistic example of every operation, which the OpenAPI document shows."""

from __future__ import annotations

from provenance_http.access_examples import ACCESS_EXAMPLES
from provenance_http.example import Example, Json
from provenance_http.source_map_examples import SOURCE_MAP_EXAMPLES

NUMBER = 1
_ORIGIN_ID = "0193570e-1c00-7a10-8f3b-5e2d7c9a4b61"
_ISSUE_ID = "0193571a-7d40-7c22-9a01-0b6f3d8e2c17"
_EVENT_ID = "0193571c-02b8-7e05-b4c6-91d2a7f05e38"
_RELEASE_ID = "01935711-5a18-7b44-8c9d-2f7e6a1b0d93"
_WORD_ID = "01935712-9c60-7d11-a3e8-4b5c6d7e8f90"
_INTERACTION_ID = "0193571d-4e30-7f66-8d12-c3b4a5968778"
_FIRST, _LAST = "2026-11-22T08:14:05.120Z", "2026-11-23T10:02:41.907Z"
_CREATED = "2026-11-20T16:30:00.000Z"


def _page(item: Json) -> Json:
    return {"items": [item], "total": 1, "nextCursor": None}


_REPORTED_ISSUE: Json = {
    "title": "ValueError: could not price the order",
    "culprit": "shop.checkout in price_order",
    "level": "error",
    "handled": False,
    "platform": "python",
    "firstRelease": None,
    "lastRelease": None,
    "resolvedIn": None,
}
_ISSUE: Json = {
    "id": _ISSUE_ID,
    "shortId": "MY-APP-12",
    "origin": "my-app",
    "status": "open",
    "eventCount": 42,
    "userCount": 7,
    "firstSeen": _FIRST,
    "lastSeen": _LAST,
    "statusChangedAt": _FIRST,
    "regressionCount": 0,
    "resolvedIn": None,
    "firstRelease": "1.2.2",
    "lastRelease": "1.2.3",
    "trust": {"authenticated": 0, "matched": 42},
    "trend": [*(0 for _ in range(21)), 1, 0, 3],
    "withheld": None,
    "reported": _REPORTED_ISSUE,
}
_REPORTED_EVENT: Json = {
    "errorType": "ValueError",
    "message": "could not price the order",
    "handled": False,
    "mechanism": "excepthook",
    "frames": [
        {
            "file": "shop/checkout.py",
            "function": "price_order",
            "line": 118,
            "inApp": True,
            "contextLine": "    raise ValueError('could not price the order')",
        }
    ],
    "level": "error",
    "release": "1.2.3",
    "environment": "production",
    "platform": "python",
    "tags": {"region": "eu"},
    "eventId": "fc6d8c0c43fc4630ad850ee518f1b9d0",
}
_DETAIL: Json = {
    **_ISSUE,
    "fingerprintVersion": "pv1",
    "storedEventCount": None,
    "senders": {"events": 42, "addresses": 7, "mostFromOne": 12},
    "releases": [
        {
            "registered": True,
            "version": "1.2.3",
            "withheld": None,
            "eventCount": 40,
            "firstSeen": _FIRST,
            "lastSeen": _LAST,
            "reported": {"version": None},
        }
    ],
    "history": [],
    "countsPerHour": [{"hour": "2026-11-23T10:00:00.000Z", "eventCount": 3}],
    "event": {
        "id": _EVENT_ID,
        "receivedAt": _LAST,
        "action": "UNHANDLED",
        "via": "public",
        "matched": True,
        "withheld": None,
        "frames": 1,
        "framesMatched": 1,
        "release": "1.2.3",
        "reported": _REPORTED_EVENT,
    },
    "reported": {
        **_REPORTED_ISSUE,
        "fingerprint": "5f0c1b7e9a3d4c2288f6e1d0b9a7c6e5",
        "tags": [{"key": "region", "eventCount": 42, "values": [{"value": "eu", "eventCount": 40}]}],
        "standsOut": [{"key": "region", "value": "eu", "share": 0.95, "elsewhere": 0.4}],
    },
}
_EVENT: Json = {
    "id": _EVENT_ID,
    "issueId": _ISSUE_ID,
    "receivedAt": _LAST,
    "action": "UNHANDLED",
    "via": "public",
    "matched": True,
    "withheld": None,
    "release": "1.2.3",
    "reported": {"eventId": "fc6d8c0c43fc4630ad850ee518f1b9d0", "release": None},
}
_RESOLVED: Json = {
    **_ISSUE,
    "status": "resolved",
    "statusChangedAt": "2026-11-23T11:00:00.000Z",
    "resolvedIn": "1.2.4",
    "previousStatus": "open",
    "changed": True,
}
_RELEASE: Json = {
    "id": _RELEASE_ID,
    "origin": "my-app",
    "registered": True,
    "withheld": None,
    "version": "1.2.3",
    "ref": "4f1c2d9",
    "url": "https://git.example.org/my-app/releases/1.2.3",
    "notes": None,
    "dateReleased": "2026-11-21T09:00:00.000Z",
    "createdAt": "2026-11-21T09:00:02.310Z",
    "newIssues": 2,
    "regressedIssues": 0,
    "totalIssues": 5,
    "sourceMaps": 2,
    "reported": {"version": None},
}
_OF_RELEASE: Json = {"origin": "my-app", "release": "1.2.3"}
_ORIGIN: Json = {
    "id": _ORIGIN_ID,
    "number": NUMBER,
    "mnemonic": "my-app",
    "name": "My application",
    "description": None,
    "config": {"errorTracking": {"fingerprinting": "stack", "regression": "different"}},
    "publicKey": "9d3f0e6a4b5c4d7e8f90a1b2c3d4e5f6",
    "createdAt": _CREATED,
}
_INTERACTION: Json = {
    "id": _INTERACTION_ID,
    "origin": "my-app",
    "resourceType": "ERROR",
    "action": "CAUGHT",
    "via": "public",
    "matched": False,
    "withheld": None,
    "receivedAt": _LAST,
    "issueId": _ISSUE_ID,
    "duplicate": False,
    "reported": {
        "eventId": None,
        "resourceId": "5f0c1b7e9a3d4c2288f6e1d0b9a7c6e5",
        "externalReference": None,
        "uowId": None,
        "userId": "alice",
        "spanId": None,
        "parentSpanId": None,
        "interactionTimestamp": "2026-11-23T10:02:41.000Z",
        "interaction": {"errorType": "ValueError", "message": "could not price the order"},
        "externalResponse": None,
    },
}
_RECORDED: Json = {
    "origin": "my-app",
    "resourceType": "ERROR",
    "action": "CAUGHT",
    "interaction": {"errorType": "ValueError", "message": "could not price the order"},
    "userId": "alice",
    "interactionTimestamp": "2026-11-23T10:02:41Z",
}
_GROUPING: Json = {
    "id": _EVENT_ID,
    "origin": "my-app",
    "issueId": _ISSUE_ID,
    "shortId": "MY-APP-12",
    "strategy": "stack",
    "version": "pv1",
    "issueVersion": "pv1",
    "decidedBy": "stack",
    "agreement": "current",
    "reported": {
        "eventId": "fc6d8c0c43fc4630ad850ee518f1b9d0",
        "fingerprint": "5f0c1b7e9a3d4c2288f6e1d0b9a7c6e5",
        "computed": "5f0c1b7e9a3d4c2288f6e1d0b9a7c6e5",
        "issueFingerprint": "5f0c1b7e9a3d4c2288f6e1d0b9a7c6e5",
        "parts": ["type ValueError", "frame shop.checkout price_order"],
        "errors": [
            {
                "errorType": "ValueError",
                "frames": [
                    {
                        "role": "counted",
                        "file": "shop/checkout.py",
                        "module": "shop.checkout",
                        "function": "price_order",
                        "line": 118,
                        "place": "shop.checkout",
                        "name": "price_order",
                    }
                ],
            }
        ],
    },
}
_NEW_RELEASE = ("version", "ref", "url", "dateReleased")


def _words(noun: str, plural: str, mnemonic: str, name: str) -> dict[str, Example]:
    """Return the examples of a vocabulary's five operations."""
    word: Json = {
        "id": _WORD_ID,
        "mnemonic": mnemonic,
        "name": name,
        "description": None,
        "system": False,
        "createdAt": _CREATED,
    }
    return {
        f"list_{plural}": Example({"limit": 25}, _page(word)),
        f"create_{noun}": Example({"mnemonic": mnemonic, "name": name}, word),
        f"get_{noun}": Example({"id": mnemonic}, word),
        f"update_{noun}": Example({"id": mnemonic, "name": name}, word),
        f"delete_{noun}": Example({"id": mnemonic}, {"id": _WORD_ID, "deleted": True}),
    }


EXAMPLES: dict[str, Example] = {
    "get_error_issues": Example({"origin": "my-app", "status": ["open", "regressed"], "since": "24h"}, _page(_ISSUE)),
    "get_error_issue": Example({"issueId": "MY-APP-12", "event": "latest"}, _DETAIL),
    "get_error_issue_events": Example({"issueId": "MY-APP-12"}, _page(_EVENT)),
    "update_error_issue_status": Example(
        {"issueId": "MY-APP-12", "status": "resolved", "release": "1.2.4", "note": "Prices default to the list price."},
        _RESOLVED,
    ),
    "get_releases": Example({"origin": "my-app"}, _page(_RELEASE)),
    "create_release": Example(
        {"origin": "my-app", **{name: _RELEASE[name] for name in _NEW_RELEASE}}, {**_RELEASE, "created": True}
    ),
    "record_interaction": Example(_RECORDED, _INTERACTION),
    "list_interactions": Example(
        {"origin": "my-app", "resourceType": "ERROR", "since": "7d"}, _page({**_INTERACTION, "duplicate": None})
    ),
    "get_interaction": Example({"id": _INTERACTION_ID}, {**_INTERACTION, "duplicate": None}),
    "explain_grouping": Example({"id": _EVENT_ID}, _GROUPING),
    **SOURCE_MAP_EXAMPLES,
    "get_release": Example(_OF_RELEASE, _RELEASE),
    "delete_release": Example(_OF_RELEASE, {"id": _RELEASE_ID, "deleted": True, "sourceMaps": 2}),
    "list_origins": Example({"limit": 25}, _page(_ORIGIN)),
    "create_origin": Example({"mnemonic": "my-app", "name": "My application"}, _ORIGIN),
    "get_origin": Example(
        {"id": "my-app"},
        {
            **_ORIGIN,
            "discarded": [{"category": "transaction", "reason": "not_kept", "items": 12}],
            "reported": {"discarded": [{"category": "error", "reason": "before_send", "items": 3}]},
        },
    ),
    "update_origin": Example({"id": "my-app", "name": "My application"}, _ORIGIN),
    "delete_origin": Example({"id": "my-app"}, {"id": _ORIGIN_ID, "deleted": True}),
    **_words("resource_type", "resource_types", "ORDER", "Order"),
    **_words("action", "actions", "SHIPPED", "Shipped"),
    **ACCESS_EXAMPLES,
}
"""The example of each operation, by its name."""
