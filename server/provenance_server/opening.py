"""Reach what the settings name: the local store, or a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provenance_core.access import Access
from provenance_server.client import Client, LocalClient, RemoteClient
from provenance_server.context import Context, DirectRecorder
from provenance_server.index_files import folder_of
from provenance_server.settings import Settings
from provenance_server.source_maps import SourceMaps
from provenance_storage.store import Store


def open_client(settings: Settings, access: Access) -> Client:
    """Return a client of the server that the settings name, else of the local store.

    Args:
        settings: Where to ask.
        access: Who asks, and what bounds them.

    Raises:
        ProvenanceError: The local store cannot be opened.
    """
    return open_place(settings).client(access)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask: one store, or the connections to one server, for however many callers.

    Attributes:
        client: Return a client for an access. It holds nothing of its own; closing one closes the place.
        close: Let go of the store or the connections.
    """

    client: Callable[[Access], Client]
    close: Callable[[], None]


def open_place(settings: Settings) -> Place:
    """Open what the settings name.

    Args:
        settings: Where to ask.

    Raises:
        ProvenanceError: The local store cannot be opened.
    """
    if settings.api_url is not None:
        return _place_elsewhere(settings.api_url, settings.api_key)
    store = Store.open(settings.database_url)
    recorder, source_maps = DirectRecorder(store), SourceMaps(store, folder_of(settings.database_url))
    return Place(lambda access: LocalClient(Context(store, recorder, access, source_maps)), store.close)


def _place_elsewhere(url: str, key: str | None) -> Place:
    import httpx  # noqa: PLC0415  # costs a tenth of a second that the local store need not pay

    connections = httpx.HTTPTransport(trust_env=False)
    return Place(lambda access: RemoteClient(url, key, access, connections), connections.close)
