"""Reach what the settings name: the local store, or a server."""

from __future__ import annotations

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
    if settings.api_url is not None:
        return RemoteClient(settings.api_url, settings.api_key, access)
    store = Store.open(settings.database_url)
    source_maps = SourceMaps(store, folder_of(settings.database_url))
    return LocalClient(Context(store, DirectRecorder(store), access, source_maps))
