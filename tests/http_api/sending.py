"""Send as Sentry SDKs do."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.testclient import TestClient

from provenance_storage.records import OriginRecord

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"


def sentry_event(**changes: Any) -> dict[str, Any]:
    """Return a small event of the Python SDK, with changes; one that is None is left out."""
    event: dict[str, Any] = {
        "event_id": EVENT_ID,
        "platform": "python",
        "level": "error",
        "exception": {"values": [{"type": "ValueError", "value": "could not price the order"}]},
        **changes,
    }
    return {name: value for name, value in event.items() if value is not None}


def item(kind: str, payload: bytes, **header: Any) -> bytes:
    """Return one item of an envelope."""
    head = orjson.dumps({"type": kind, "length": len(payload), **header})
    return head + b"\n" + payload + b"\n"


def event_item(**changes: Any) -> bytes:
    """Return an event as an item."""
    return item("event", orjson.dumps(sentry_event(**changes)))


def envelope(*items: bytes, **header: Any) -> bytes:
    """Return an envelope of items."""
    return orjson.dumps(header) + b"\n" + b"".join(items)


def auth(origin: OriginRecord) -> dict[str, str]:
    """Return the header with an origin's key."""
    return {"x-sentry-auth": f"Sentry sentry_version=7, sentry_client=test/1, sentry_key={origin.public_key}"}


def send(client: TestClient, origin: OriginRecord, body: bytes, **headers: str) -> Any:
    """Post an envelope."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/api/{origin.number}/envelope/", content=body, headers={**auth(origin), **named})


def total(client: TestClient) -> int:
    """Return how many events are recorded."""
    return client.get("/api/interactions").json()["total"]
