"""The key of a DSN: where senders put it, and what it opens."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from provenance_core.access import Scope
from provenance_core.errors import Forbidden, NotFound
from provenance_core.events import Via
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

_IN_HEADER = re.compile(r"(?:^|[\s,])sentry_key\s*=\s*\"?([^\s,\"]+)", re.IGNORECASE)
_LONGEST_KEY = 100
SECRET_PREFIX = "pak_"  # noqa: S105  # what keys begin with that are secret, and no key


@dataclass(frozen=True, slots=True)
class Sender:
    """Who an event comes from: the origin, the key and how far that can be trusted.

    `artifacts` is the version of what was uploaded for the origin: 0 where nothing ever was; `key_id` is the id of a
    secret key.
    """

    origin: OriginRecord
    key: str = field(repr=False)
    via: Via
    artifacts: int = 0
    key_id: UUID | None = None


def keys_given(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> frozenset[str]:
    """Return every key a request names in its headers and its query."""
    keys: set[str] = set()
    for name, value in headers:
        if name == b"x-sentry-auth" or (name == b"authorization" and value[:6].lower() == b"sentry"):
            keys.update(_IN_HEADER.findall(value.decode("latin-1")))
    if query:
        keys.update(parse_qs(query.decode("latin-1")).get("sentry_key", ()))
    return frozenset(keys)


def dsn_key(dsn: object) -> str | None:
    """Return the key of a DSN as an envelope's header names it."""
    try:
        return urlsplit(dsn).username if isinstance(dsn, str) else None
    except ValueError:
        return None


SEVERAL = "The request names several keys; header, query and envelope must name the same one."
UNKNOWN = "The project or its key is not known; compare the DSN with the origin's number and public key."


def only_key(keys: frozenset[str]) -> str:
    """Return the one key that a request names.

    Raises:
        Forbidden: There is none, there are several, or it is none that there could be.
    """
    if not keys:
        raise Forbidden("No key: send `X-Sentry-Auth: Sentry sentry_key=…`, or use the origin's DSN in a Sentry SDK.")
    if len(keys) > 1:
        raise Forbidden(SEVERAL)
    (key,) = keys
    if len(key) > _LONGEST_KEY:
        raise Forbidden(UNKNOWN)
    return key


def find_sender(store: Store, number: int, key: str) -> Sender | None:
    """Return who sends with a key to an origin's number, or None where that origin has no such key."""
    try:
        origin = store.origins.find(str(number))
    except NotFound:
        return None
    via, key_id = _via(store, origin, key)
    return Sender(origin, key, via, store.artifacts.version(origin.id), key_id) if via is not None else None


def _via(store: Store, origin: OriginRecord, key: str) -> tuple[Via | None, UUID | None]:
    """Return how events count that come with a key, None where it opens nothing, and the id of a secret one."""
    if not key.startswith(SECRET_PREFIX):
        return store.origins.key_kind(origin.id, key), None
    found = store.keys.find(key)
    if found is None or Scope.INGEST not in found.scopes or found.origin_id != origin.id:
        return None, None
    return Via.SERVER, found.id
