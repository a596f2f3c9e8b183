"""What every folder of tests may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.examples import PROFILE
from tests.stores import KINDS, Kind, new_database_url

from provenance_storage.store import Store

settings.register_profile("person", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("thorough", deadline=None, print_blob=True)
settings.load_profile(PROFILE)

for _name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[_name]  # the driver would take what a URL leaves out from there: of another server


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=KINDS)
def store_kind(request: pytest.FixtureRequest) -> Kind:
    """Return which database holds the store: each in turn, unless a test is marked as one's own."""
    return request.param


@pytest.fixture
def url(store_kind: Kind, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a store that nothing is in yet."""
    with new_database_url(store_kind, tmp_path) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Open a real store."""
    store = Store.open(url)
    yield store
    store.close()
