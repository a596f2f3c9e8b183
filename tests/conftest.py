"""What every folder of tests may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provenance_storage.store import Store


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
