"""Real stores and realistic events for every test folder."""

from __future__ import annotations

from typing import Any

from provenance_core.access import Access, Actor, ActorKind, Door, local_access
from provenance_core.events import Via
from provenance_core.origins import OriginConfig
from provenance_server.context import Context, DirectRecorder
from provenance_server.ingest import InteractionFields, from_payload
from provenance_server.source_maps import SourceMaps
from provenance_storage.records import OriginRecord, Recorded
from provenance_storage.store import Store

PAYLOAD: dict[str, Any] = {
    "errorType": "CheckoutError",
    "message": "could not price order 1001",
    "handled": False,
    "release": "shop@1.0.0",
    "environment": "production",
    "platform": "python",
    "transaction": "POST /checkout",
    "frames": [
        {
            "file": "shop/checkout.py",
            "function": "price_order",
            "module": "shop.checkout",
            "line": 31,
            "inApp": True,
            "preContext": ["    try:", "        return sum(price_of(sku) for sku in items)"],
            "contextLine": '        raise CheckoutError("could not price order") from error',
            "postContext": ["", ""],
            "vars": {"order_id": 1001},
        },
        {"file": "flask/app.py", "function": "dispatch", "module": "flask.app", "line": 880, "inApp": False},
        {"file": "flask/app.py", "function": "wsgi_app", "module": "flask.app", "line": 1511, "inApp": False},
    ],
    "causes": [
        {
            "errorType": "KeyError",
            "message": "'mug'",
            "frames": [
                {
                    "file": "shop/prices.py",
                    "function": "price_of",
                    "module": "shop.prices",
                    "line": 12,
                    "inApp": True,
                    "preContext": ["def price_of(sku):"],
                    "contextLine": "    return PRICES[sku]",
                    "vars": {"sku": "mug"},
                }
            ],
        }
    ],
    "user": {"id": "customer-7"},
    "request": {"method": "POST", "url": "https://shop.example/checkout"},
    "tags": {"region": "eu"},
    "breadcrumbs": [{"category": "cart", "message": "2 articles", "timestamp": "2026-11-23T10:00:00.000Z"}],
}


TESTER = Actor(ActorKind.LOCAL, "tester", None, Door.CLI)


def payload(**changes: Any) -> dict[str, Any]:
    """Return a realistic event in the native format, with changes."""
    return {**PAYLOAD, **changes}


def report(store: Store, origin: OriginRecord, *payloads: dict[str, Any], via: Via = Via.PUBLIC) -> list[Recorded]:
    """Record events of an origin."""
    return store.record([from_payload(origin, one, via, InteractionFields()) for one in payloads])


def make_origin(store: Store, mnemonic: str = "shop") -> OriginRecord:
    """Create an origin."""
    return store.origins.create(mnemonic, mnemonic.title(), None, OriginConfig())


def make_context(store: Store, access: Access | None = None) -> Context:
    """Return a context in which operations run on a store."""
    return Context(store, DirectRecorder(store), access or local_access("tester", Door.CLI), SourceMaps(store))
