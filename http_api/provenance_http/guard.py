"""Guard the doors: which hosts and pages may use the API, and what every answer tells browsers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import HTTPException, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provenance_core.errors import Forbidden
from provenance_http.error_answers import error_answer

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Paths that tell nothing and that a probe may ask for under any name."""

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
        host: The address or name the server is bound to; one of all interfaces admits any address, but no name.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1") -> None:
        self._app = app
        self._names = LOOPBACK | {host.lower()}
        self._any_address = is_wildcard(host)
        if self._any_address:
            self._names |= {socket.gethostname().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = None if scope["path"] in OPEN_PATHS else self._refusal(Headers(scope=scope))
        await (refusal or self._app)(scope, receive, _with_headers(send, SECURITY_HEADERS))

    def _refusal(self, headers: Headers) -> Response | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            error = HTTPException(421, "This server does not answer under that host name; ask 127.0.0.1 or localhost.")
            return error_answer(error)
        if any(_site(origin) != hosts[0].lower() for origin in origins):
            return error_answer(Forbidden("Pages of other sites may not use the API; ask from a program."))
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        plain = parts.netloc == host and parts.username is None and not parts.path and not parts.query
        return plain and (name in self._names or (self._any_address and _is_address(name)))


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach what is bound to a host."""
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_wildcard(host: str) -> bool:
    """Say whether a host stands for all interfaces."""
    return not host or (_is_address(host) and ipaddress.ip_address(host).is_unspecified)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


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
