"""A machine for each test, with a store of either kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.processes import Installation

pytest.register_assert_rewrite("tests.faults.law", "tests.faults.load")


@pytest.fixture
def machine(tmp_path: Path, url: str) -> Installation:
    return Installation(tmp_path, url)
