"""A clock that the test winds, and fixtures of it: a module names those it wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.http_api.conftest import BASE

from provenance_http.app import create_app
from provenance_storage.store import Store


class FakeClock:
    """Return the same second until the test lets time pass."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(store: Store, clock: FakeClock) -> Iterator[TestClient]:
    """Return a client of an application whose time is the test's."""
    with TestClient(create_app(store, clock=clock), base_url=BASE) as client:
        yield client
