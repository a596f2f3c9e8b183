"""The view of issues: where it is found, what the tools that use it say of it, and its HTML."""

from __future__ import annotations

from functools import cache
from typing import Any

URI = "ui://provenance/issues.html"
MIME_TYPE = "text/html;profile=mcp-app"
EXTENSION = "io.modelcontextprotocol/ui"

TOOL_META: dict[str, Any] = {"ui": {"resourceUri": URI, "visibility": ["model", "app"]}}


@cache
def html() -> str:
    """Return the page."""
    from importlib.resources import files  # noqa: PLC0415  # the server's start does not wait for it

    return files("provenance_server.apps").joinpath("issues.html").read_text(encoding="utf-8")


def contents_meta() -> dict[str, Any]:
    """Return the `_meta` of the page's contents: it loads nothing from anywhere, and wants a border."""
    csp: dict[str, list[str]] = {"connectDomains": [], "resourceDomains": [], "frameDomains": [], "baseUriDomains": []}
    return {"ui": {"csp": csp, "prefersBorder": True}}
