"""Check access tokens of the issuer that this server trusts: its keys are fetched, and nothing is asked of it else."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, cast

import anyio
import anyio.to_thread
import jwt

from provenance_core.access import Access, Actor, ActorKind, Door, Scope, included
from provenance_core.clean import clean_line
from provenance_core.events import Via
from provenance_http.issuer_keys import IssuerKeys
from provenance_http.well_known import SCOPES

LONGEST_SUBJECT = 64
LEEWAY_SECONDS = 10
"""How far the issuer's clock may be from ours. Ours."""

TOKEN_THREADS = 4
"""Tokens checked at once: one of them may have to wait for the issuer."""

_PREFIX = "provenance:"
_NEEDED = ["iss", "aud", "exp", "sub"]
_ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})

_log = logging.getLogger("provenance_http")


class Tokens:
    """Tell what access tokens allow.

    Args:
        keys: The issuer's keys.
        resources: Whom a token must be meant for, one of them.
    """

    def __init__(self, keys: IssuerKeys, resources: Iterable[str]) -> None:
        self._keys = keys
        self._resources = list(resources)
        self._threads: anyio.CapacityLimiter | None = None

    async def access(self, token: str, client: str | None) -> Access | None:
        """Return what a token allows, or None where it is none of the issuer's for us.

        Args:
            token: The token.
            client: What its holder says it is.

        Raises:
            Unavailable: The issuer's keys cannot be had.
        """
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(TOKEN_THREADS)
        claims = await anyio.to_thread.run_sync(self._claims, token, limiter=self._threads)
        if claims is None:
            return None
        subject = clean_line(str(claims["sub"]), LONGEST_SUBJECT)
        return Access(Actor(ActorKind.TOKEN, subject, client, Door.HTTP), included(_scopes(claims)), Via.SERVER)

    def _claims(self, token: str) -> Mapping[str, Any] | None:
        """Check a token, in a worker thread."""
        try:
            header = jwt.get_unverified_header(token)
            found = self._keys.find(header.get("kid"))
            if found is None or found.algorithm_name not in _ALGORITHMS:
                return None
            return jwt.decode(
                token,
                found,
                algorithms=[found.algorithm_name],  # the key's: a token does not choose
                issuer=self._keys.issuer,
                audience=self._resources,
                leeway=LEEWAY_SECONDS,
                options={"require": _NEEDED},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            _log.info("An access token was refused: %s", type(error).__name__)
            return None


def _scopes(claims: Mapping[str, Any]) -> set[Scope]:
    """Return which of our scopes a token has: names of others mean nothing here."""
    named: set[str] = set()
    for claim in ("scope", "scp"):
        value = claims.get(claim)
        words: list[object] = [*value.split()] if isinstance(value, str) else []
        words += cast("list[object]", value) if isinstance(value, list) else []
        named |= {word.removeprefix(_PREFIX) for word in words if isinstance(word, str)}
    return {scope for scope in SCOPES if scope.value in named}
