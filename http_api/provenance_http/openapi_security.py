"""Describe in OpenAPI who may ask: the ways to show a key, and the scope that each operation needs."""

from __future__ import annotations

from typing import Any

from provenance_core.access import Scope
from provenance_http.credentials import KEY_HEADER

Json = dict[str, Any]
NOBODY_ASKED: Json = {"security": []}
"""What is said of an operation that anybody may ask for."""


def required(scope: Scope) -> Json:
    """Return what is said of an operation that needs a scope."""
    return {"security": [{"apiKey": []}, {"bearer": []}], "x-required-scope": scope.value}


def required_of_senders() -> Json:
    """Return what is said of the doors that events are sent to: there the DSN's key opens, or a secret one."""
    return {"security": [{"sentryKey": []}, {"sentryAuth": []}, {}], "x-required-scope": Scope.INGEST.value}


def security_schemes() -> Json:
    """Return the ways to show a key."""
    key = "A key that `provenance keys create` made"
    dsn = "The public key of the origin's DSN, or a secret key with the scope `ingest`"
    return {
        "apiKey": {"type": "apiKey", "in": "header", "name": KEY_HEADER, "description": key},
        "bearer": {"type": "http", "scheme": "bearer", "description": f"{key}, or an access token of the OAuth issuer"},
        "sentryKey": {"type": "apiKey", "in": "query", "name": "sentry_key", "description": dsn},
        "sentryAuth": {"type": "apiKey", "in": "header", "name": "X-Sentry-Auth", "description": dsn},
    }
