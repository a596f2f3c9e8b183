"""A machine with a running server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Installation, RunningServer, serving


@pytest.fixture
def machine(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def server(machine: Installation) -> Iterator[RunningServer]:
    with serving(machine) as running:
        yield running


@pytest.fixture
def origin(server: RunningServer) -> dict[str, Any]:
    with server.client() as client:
        answer = client.post("/api/origins", json={"mnemonic": "shop"})
        assert answer.status_code == 201
        return answer.json()
