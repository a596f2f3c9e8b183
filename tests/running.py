"""Fixtures for folders whose tests share a running server: a conftest names them, and has a `machine` of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from tests.processes import Installation, RunningServer, serving

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(machine: Installation) -> Iterator[RunningServer]:
    """Run the server of the machine."""
    with serving(machine) as running:
        yield running


@pytest.fixture
def origin(server: RunningServer) -> dict[str, Any]:
    """Create an origin for the test alone."""
    with server.client() as client:
        answer = client.post("/api/origins", json={"mnemonic": f"shop{next(_numbers)}"})
        assert answer.status_code == 201
        return answer.json()
