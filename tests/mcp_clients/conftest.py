"""Two machines with a running server: one open, one that asks for a key; each test has an origin of its own there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.factory import make_context, make_origin, payload, report
from tests.mcp_clients.machines import Served
from tests.processes import Installation, serving
from tests.stores import new_database_url

from provenance_server.client import LocalClient
from provenance_server.operations import CREATE_KEY
from provenance_storage.store import Store

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server that answers everybody on this machine."""
    yield from _served(tmp_path_factory.mktemp("open"), keyed=False)


@pytest.fixture(scope="session")
def keyed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server that answers only who has a key."""
    yield from _served(tmp_path_factory.mktemp("keyed"), keyed=True)


def _served(home: Path, *, keyed: bool) -> Iterator[Served]:
    with new_database_url("sqlite", home) as url:
        machine = Installation(home, url)
        key = None
        store = Store.open(url)
        if keyed:
            asked = {"label": "agent", "scopes": ["write"]}
            key = LocalClient(make_context(store)).call(CREATE_KEY, asked).key
        report(store, make_origin(store), payload())
        store.close()
        with serving(machine) as server:
            yield Served(machine, server.url, key)


@pytest.fixture
def mnemonic() -> str:
    """Return a mnemonic that no origin has yet."""
    return f"shop{next(_numbers)}"
