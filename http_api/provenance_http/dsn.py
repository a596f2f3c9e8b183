"""The key of a DSN: where senders put it, and what it opens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request

from provenance_core.errors import Forbidden, NotFound
from provenance_core.events import Via
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

_IN_HEADER = re.compile(r"(?:^|[\s,])sentry_key\s*=\s*\"?([^\s,\"]+)", re.IGNORECASE)
_LONGEST_KEY = 100


@dataclass(frozen=True, slots=True)
class Sender:
    """Who an event comes from: the origin, the key and how far that can be trusted."""

    origin: OriginRecord
    key: str
    via: Via


def keys_given(request: Request) -> frozenset[str]:
    """Return every key a request names in its headers and its query."""
    headers = request.headers.getlist("x-sentry-auth")
    headers += [text for text in request.headers.getlist("authorization") if text[:6].lower() == "sentry"]
    keys = {key for text in headers for key in _IN_HEADER.findall(text)}
    return frozenset(keys | {key for key in request.query_params.getlist("sentry_key") if key})


def dsn_key(dsn: object) -> str | None:
    """Return the key of a DSN as an envelope's header names it."""
    try:
        return urlsplit(dsn).username if isinstance(dsn, str) else None
    except ValueError:
        return None


SEVERAL = "The request names several keys; header, query and envelope must name the same one."
UNKNOWN = "The project or its key is not known; compare the DSN with the origin's number and public key."


def admit(store: Store, number: str, keys: frozenset[str]) -> Sender:
    """Return who sends with a key to an origin's number.

    Raises:
        Forbidden: There is no key, there are several, or it is not one of that origin, if there is such an origin.
    """
    if not keys:
        raise Forbidden("No key: send `X-Sentry-Auth: Sentry sentry_key=…`, or use the origin's DSN in a Sentry SDK.")
    if len(keys) > 1:
        raise Forbidden(SEVERAL)
    (key,) = keys
    try:
        origin = store.origins.find(number)
        via = store.origins.key_kind(origin.id, key) if len(key) <= _LONGEST_KEY else None
    except NotFound:
        origin = via = None
    if origin is None or via is None:
        raise Forbidden(UNKNOWN)
    return Sender(origin, key, via)
