"""Guard the doors: which hosts and pages may use the API, and what every answer tells browsers."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import HTTPException, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provenance_core.errors import Forbidden
from provenance_core.hosts import is_address
from provenance_http.error_answers import answer_at
from provenance_http.exposure import Exposure, is_wildcard, page_origin

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROBES = frozenset({"/healthz", "/readyz"})
"""Paths that tell nothing and that a probe may ask for under any name."""

WRONG_HOST = (
    "This server does not answer under that host name; ask 127.0.0.1 or localhost, or start it with --public-url."
)

SECURITY_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""What every answer carries where its route says nothing else. Source: OWASP Secure Headers."""


class Guard:
    """Refuse the API to foreign hosts and pages, which DNS rebinding and cross-site requests come as.

    Health probes are not asked. The doors of Sentry SDKs stand in front of it: browsers send there from any page.

    Args:
        app: What is guarded.
        exposure: How the server is reached.
    """

    def __init__(self, app: ASGIApp, exposure: Exposure) -> None:
        self._app = app
        self._names = LOOPBACK | {exposure.host.lower()}
        self._any_address = is_wildcard(exposure.host)
        if self._any_address:
            self._names |= {socket.gethostname().lower()}
        self._public = page_origin(exposure.public_url) if exposure.public_url else None
        if exposure.public_url:
            self._names |= {urlsplit(exposure.public_url).hostname or ""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = None if scope["path"] in PROBES else self._refusal(scope["path"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, _with_headers(send, SECURITY_HEADERS))

    def _refusal(self, path: str, headers: Headers) -> Response | None:
        hosts, pages = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return answer_at(path, HTTPException(421, WRONG_HOST))
        if any(_site(page) != hosts[0].lower() and page_origin(page) != self._public for page in pages):
            return answer_at(path, Forbidden("Pages of other sites may not use the API; ask from a program."))
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        plain = parts.netloc == host and parts.username is None and not parts.path and not parts.query
        return plain and (name in self._names or (self._any_address and is_address(name)))


def _site(origin: str) -> str | None:
    """Return the host and port of a page's origin."""
    scheme, _, site = origin.lower().partition("://")
    return site if scheme in {"http", "https"} else None


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def answered(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = MutableHeaders(scope=message)
            for name, value in headers.items():
                present.setdefault(name, value)
        await send(message)

    return answered
