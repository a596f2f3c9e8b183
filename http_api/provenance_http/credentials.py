"""Find in a request what its caller says of itself: keys, tokens, a name, and bounds it puts on itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from provenance_core.access import Access
from provenance_core.clean import clean_line
from provenance_core.errors import Unauthorized
from provenance_server.client import CLIENT_HEADER, LOCKDOWN_HEADER, ORIGIN_HEADER, READ_ONLY_HEADER

KEY_HEADER = "x-api-key"
LONGEST_CLIENT = 64
LONGEST_TOKEN = 8_192
FORWARDED_HEADERS = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "fastly-client-ip",
    }
)
"""What proxies add where they ask for somebody else."""

FORWARDED_PREFIXES = ("x-forwarded-", "cf-")

_KEY = re.compile(r"pak_[0-9a-f]{64}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_NOT_SAID = frozenset({"", "0", "false"})


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret that a caller shows, and what it may be by its form and its place.

    Attributes:
        secret: The secret.
        as_key: Whether it is shown as `x-api-key`, where only a key can stand.
    """

    secret: str = field(repr=False)
    as_key: bool

    @property
    def is_key(self) -> bool:
        """Say whether it has the form of a key."""
        return _KEY.fullmatch(self.secret) is not None

    @property
    def is_token(self) -> bool:
        """Say whether it has the form of a signed token."""
        return not self.as_key and len(self.secret) <= LONGEST_TOKEN and _TOKEN.fullmatch(self.secret) is not None


def credential_of(headers: Headers) -> Credential | None:
    """Return the secret that a request shows; None where it shows none, or an empty one.

    Raises:
        Unauthorized: It shows several.
    """
    keys = {value.strip() for value in headers.getlist(KEY_HEADER)} - {""}
    shown = set(keys)
    for value in headers.getlist("authorization"):
        scheme, _, secret = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            shown.add(secret.strip())
    shown.discard("")
    if len(shown) > 1:
        raise Unauthorized("The request shows several keys; send one, as `x-api-key` or as `Authorization: Bearer`.")
    return Credential(shown.pop(), bool(keys)) if shown else None


def client_of(headers: Headers) -> str | None:
    """Return what a caller says it is, fit for the history."""
    return clean_line(_text(headers, CLIENT_HEADER), LONGEST_CLIENT) or None


def origin_of(headers: Headers) -> str | None:
    """Return the only origin that a caller wants to see."""
    return _text(headers, ORIGIN_HEADER) or None


def bounded(access: Access, headers: Headers) -> Access:
    """Return an access with the bounds that the caller puts on itself: they only take away."""
    return access.narrowed(
        origin=origin_of(headers),
        read_only=_says(headers, READ_ONLY_HEADER),
        lockdown=_says(headers, LOCKDOWN_HEADER),
    )


def forwarded(headers: Headers) -> bool:
    """Say whether a proxy asks for somebody else, who need not be on this machine."""
    return any(name in FORWARDED_HEADERS or name.startswith(FORWARDED_PREFIXES) for name in headers.keys())  # noqa: SIM118  # headers are no dict


def _says(headers: Headers, name: str) -> bool:
    return any(value.strip().lower() not in _NOT_SAID for value in headers.getlist(name))


def _text(headers: Headers, name: str) -> str:
    """Return a header's text, which senders write in UTF-8 though HTTP calls it Latin-1."""
    text = headers.get(name, "").strip()
    try:
        return text.encode("latin-1").decode()
    except ValueError:
        return text
