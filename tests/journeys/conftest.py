"""A machine with a running server, shared by the tests of a module; each test has an origin of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from tests.processes import Installation, RunningServer, serving
from tests.stores import KINDS, new_database_url

_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=KINDS)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("machine")
    with new_database_url(request.param, home) as url:
        yield Installation(home, url)


@pytest.fixture(scope="module")
def server(machine: Installation) -> Iterator[RunningServer]:
    with serving(machine) as running:
        yield running


@pytest.fixture
def origin(server: RunningServer) -> dict[str, Any]:
    with server.client() as client:
        answer = client.post("/api/origins", json={"mnemonic": f"shop{next(_numbers)}"})
        assert answer.status_code == 201
        return answer.json()
