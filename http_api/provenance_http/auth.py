"""Find out who asks: keys and tokens in, access out; the one place for the API and MCP."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Request

from provenance_core.access import EVERYTHING, Access, Actor, ActorKind, Door, Scope, ask_for_key
from provenance_core.errors import Forbidden, ProvenanceError, Unauthorized
from provenance_core.events import Via
from provenance_http.credentials import Credential, bounded, client_of, credential_of, forwarded, origin_of
from provenance_http.error_answers import answer_at
from provenance_http.exposure import Exposure
from provenance_http.scoped_routes import Undeclared, needed
from provenance_http.services import services_of
from provenance_http.well_known import metadata_url

if TYPE_CHECKING:
    from provenance_http.oauth import Tokens

_NO_KEY = "This server asks for a key: send one as `x-api-key` or as `Authorization: Bearer`."
_WRONG_KEY = "This key is none, or was revoked."
_CLOSED = "This path is closed: it does not say who may ask for it."
_log = logging.getLogger("provenance_http")


class Authentication:
    """Let a request pass with what its caller may, and no further than it may.

    Args:
        app: What is asked.
        exposure: How the server is reached, and what bounds it.
        tokens: What checks access tokens, where an issuer is trusted.
    """

    def __init__(self, app: ASGIApp, exposure: Exposure, tokens: Tokens | None = None) -> None:
        self._app = app
        self._exposure = exposure
        self._tokens = tokens

    async def __call__(self, scope: Request, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            try:
                await self._admit(scope)
            except ProvenanceError as error:
                answer = answer_at(scope["path"], error, self._challenge(scope, error))
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, request: Request) -> None:
        """Find out who asks, and whether they may.

        Raises:
            ProvenanceError: They may not, or it cannot be found out.
        """
        try:
            public, scope = needed(cast("FastAPI", request["app"]).routes, request)
        except Undeclared:
            _log.error("A route does not say what it needs: %s", request["path"].encode("ascii", "replace"))
            raise Forbidden(_CLOSED) from None
        if public:
            return

        async def admitted() -> Access:
            access = await self._access(request, scope)
            if scope is not None:
                access.require(scope)
            return access

        cast("dict[str, Any]", request["state"]).update(access=await admitted(), admitted=admitted)

    async def _access(self, request: Request, scope: Scope | None) -> Access:
        headers = Headers(scope=request)
        shown = credential_of(headers)
        access = await self._shown(shown, headers, request) if shown is not None else None
        if access is None:
            if not await self._is_open(headers, request):
                raise Unauthorized(f"{_NO_KEY if shown is None else _WRONG_KEY} {ask_for_key(scope)}")
            access = Access(Actor(ActorKind.OPEN, "", client_of(headers), Door.HTTP), EVERYTHING, Via.PUBLIC)
        access = bounded(access, headers)
        return replace(
            access,
            read_only=access.read_only or self._exposure.read_only,
            lockdown=access.lockdown or self._exposure.lockdown,
        )

    async def _shown(self, shown: Credential, headers: Headers, request: Request) -> Access | None:
        """Return what a secret allows; None where it is no key of ours, or of nobody we trust."""
        client = client_of(headers)
        if shown.is_key:
            return await services_of(request).keyring.access(shown.secret, client, origin_of(headers))
        if self._tokens is not None and shown.is_token:
            return await self._tokens.access(shown.secret, client)
        return None

    async def _is_open(self, headers: Headers, request: Request) -> bool:
        """Say whether everybody may everything: on this machine alone, without an issuer, until a key is made."""
        private = self._exposure.private and self._exposure.oauth_issuer is None and not forwarded(headers)
        return private and not await services_of(request).keyring.any_made()

    def _challenge(self, request: Request, error: ProvenanceError) -> Mapping[str, str]:
        """Return what tells a refused caller how to do better."""
        told: list[str] = []
        if isinstance(error, Unauthorized):
            told = ['error="invalid_token"'] if _shows_any(Headers(scope=request)) else []
        elif isinstance(error, Forbidden) and "scope" in error.details:
            told = ['error="insufficient_scope"', f'scope="{error.details["scope"]}"']
        else:
            return {}
        if self._exposure.oauth_issuer is not None:
            told.insert(0, f'resource_metadata="{metadata_url(self._exposure, request["path"])}"')
        return {"www-authenticate": " ".join(["Bearer", ", ".join(told)]).strip()}


def access_of(scope: Request) -> Access:
    """Return what the caller of a request may.

    Raises:
        Unauthorized: The request did not pass where it is found out who asks.
    """
    access = cast("dict[str, Any]", scope["state"]).get("access")
    if access is None:
        raise Unauthorized(f"{_NO_KEY} {ask_for_key(None)}")
    return cast("Access", access)


async def check_again(scope: Request) -> None:
    """See whether who was let in still may be there: their key may be revoked by now, or their token be over.

    Raises:
        ProvenanceError: They may not, or it cannot be found out.
    """
    await cast("dict[str, Any]", scope["state"])["admitted"]()


def _shows_any(headers: Headers) -> bool:
    try:
        return credential_of(headers) is not None
    except Unauthorized:
        return True
