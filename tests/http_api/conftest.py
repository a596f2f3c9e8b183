"""A real application on a real store, asked through the ASGI interface."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.factory import make_origin

from provenance_http.app import create_app
from provenance_storage.engine import sqlite_path
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

BASE = "http://127.0.0.1:4000"


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    """Return a client of the application; leaving it drains the writer and the counts."""
    with TestClient(create_app(store), base_url=BASE) as client:
        yield client


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    return make_origin(store, "my-app")


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the folder that temporary files are in; at the end nothing of an upload is left there."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def damage(url: str) -> None:
    """Make a store's file one that is no store."""
    path = sqlite_path(url)
    assert path is not None
    path.write_bytes(b"damaged" * 1000)
