"""What every folder of tests may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from provenance_storage.store import Store

settings.register_profile("person", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "person")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of a store that is not there yet."""
    return f"sqlite:///{tmp_path / 'store' / 'provenance.sqlite3'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Open a real store in a file."""
    store = Store.open(url)
    yield store
    store.close()
