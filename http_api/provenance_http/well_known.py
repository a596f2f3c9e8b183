"""Tell OAuth clients whose tokens this server takes, by RFC 9728."""

from __future__ import annotations

import orjson
from fastapi import FastAPI, HTTPException, Request, Response

from provenance_core.access import Scope
from provenance_http.exposure import MCP_PATH, Exposure
from provenance_http.scoped_routes import PUBLIC, add_route

PATH = "/.well-known/oauth-protected-resource"
SCOPES = (Scope.READ, Scope.TRIAGE, Scope.WRITE, Scope.ADMIN)
"""What a token may allow; events are sent with keys of their own."""


def add_well_known_routes(app: FastAPI, exposure: Exposure) -> None:
    """Register what is told of the server, and of its MCP door alone."""
    for door in ("", MCP_PATH):
        add_route(app, PATH + door, _Told(f"{exposure.base}{door}", exposure.oauth_issuer).answer, {"GET": PUBLIC})


def metadata_url(exposure: Exposure, path: str) -> str:
    """Return where it is told whose tokens a path takes."""
    return f"{exposure.base}{PATH}{MCP_PATH if path == MCP_PATH else ''}"


class _Told:
    """Tell of one resource."""

    def __init__(self, resource: str, issuer: str | None) -> None:
        self._body = orjson.dumps(
            {
                "resource": resource,
                "authorization_servers": [issuer],
                "scopes_supported": [scope.value for scope in SCOPES],
                "bearer_methods_supported": ["header"],
                "resource_name": "Provenance",
            }
        )
        self._there = issuer is not None

    async def answer(self, _request: Request) -> Response:
        """Return the metadata; there is none where no issuer is trusted."""
        if not self._there:
            raise HTTPException(404)
        return Response(self._body, media_type="application/json")
