"""A machine with a running server, shared by the tests of a module; each test has an origin of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests import running
from tests.processes import Installation
from tests.stores import KINDS, new_database_url

server, origin = running.server, running.origin


@pytest.fixture(scope="module", params=KINDS)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("machine")
    with new_database_url(request.param, home) as url:
        yield Installation(home, url)
