"""The DSN of an origin: what a Sentry SDK needs to send to it."""

from __future__ import annotations

from urllib.parse import urlsplit

from provenance_core.clean import clean_line
from provenance_server.answers import Origin
from provenance_server.settings import Settings

_EVERY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104  # what a server may be bound to; no client can send to it


def dsn(settings: Settings, origin: Origin) -> str:
    """Return the DSN of an origin on the server that the settings name, or that they would start."""
    if settings.api_url is not None:
        server = urlsplit(settings.api_url)
        scheme, place = server.scheme, (server.netloc.rpartition("@")[2] + server.path).rstrip("/")
    else:
        host = "127.0.0.1" if settings.host in _EVERY_ADDRESS else settings.host
        scheme, place = "http", f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
    return f"{scheme}://{clean_line(origin.public_key, 100)}@{place}/{origin.number}"
