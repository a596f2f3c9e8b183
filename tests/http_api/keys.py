"""Keys of every kind for tests, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex

from provenance_core.access import Scope
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

MALFORMED = "pak_0123456789ABCDEF"
UNKNOWN = "pak_" + "0" * 64
ALLOWING = {
    Scope.INGEST: {Scope.INGEST},
    Scope.READ: {Scope.READ},
    Scope.TRIAGE: {Scope.READ, Scope.TRIAGE},
    Scope.WRITE: {Scope.READ, Scope.TRIAGE, Scope.WRITE, Scope.INGEST},
    Scope.ADMIN: set(Scope),
}
"""What a key of each scope may, written down once more and not asked of the code."""


@dataclass(frozen=True)
class Holder:
    """Somebody with a key, and what they may: None for whom nobody knows."""

    name: str
    key: str | None
    may: set[Scope] | None

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.key) if self.key is not None else {}


def make_key(store: Store, *scopes: Scope, origin: OriginRecord | None = None, label: str | None = None) -> str:
    """Make a key and return it; its label is one of its own unless given."""
    return store.keys.create(label or f"key {token_hex(8)}", scopes, origin.id if origin else None)[1]


def bearer(key: str) -> dict[str, str]:
    """Return the header that shows a key."""
    return {"authorization": f"Bearer {key}"}


def holders(store: Store, origin: OriginRecord) -> list[Holder]:
    """Return somebody of every kind."""
    revoked, secret = store.keys.create("gone", [Scope.ADMIN], None)
    store.keys.revoke(str(revoked.id))
    known = [
        Holder(scope.value, make_key(store, scope, origin=origin if scope is Scope.INGEST else None), ALLOWING[scope])
        for scope in Scope
    ]
    wrong_rest = next(one.key for one in known if one.name == "admin" and one.key)[:12] + "0" * 56
    unknown = {"nobody": None, "unknown": UNKNOWN, "wrong rest": wrong_rest, "malformed": MALFORMED, "revoked": secret}
    return [*(Holder(name, key, None) for name, key in unknown.items()), *known]
