"""The DSN of an origin: what a Sentry SDK needs to send to it."""

from __future__ import annotations

from urllib.parse import urlsplit

from provenance_core.clean import clean_line
from provenance_server.answers import Origin
from provenance_server.settings import Settings

_EVERY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104  # what a server may be bound to; no client can send to it


def dsn(settings: Settings, origin: Origin, key: str | None = None) -> str:
    """Return the DSN of an origin on the server that the settings name, that serves the store, or that would.

    Args:
        settings: The settings in force.
        origin: The origin.
        key: Another key than its public one.
    """
    address = urlsplit(settings.api_url or settings.public_url or _served(settings) or _would_serve(settings))
    place = (address.netloc.rpartition("@")[2] + address.path).rstrip("/").removesuffix("/api")
    return f"{address.scheme}://{clean_line(key or origin.public_key, 100)}@{place}/{origin.number}"


def _served(settings: Settings) -> str | None:
    from provenance_storage.engine import sqlite_path  # noqa: PLC0415  # a remote client needs no store
    from provenance_storage.server_lock import served_at  # noqa: PLC0415  # a remote client needs no store

    path = sqlite_path(settings.database_url)
    return served_at(path) if path is not None else None


def _would_serve(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in _EVERY_ADDRESS else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
