"""What tests of operations have in common."""

from __future__ import annotations

import pytest
from tests.factory import make_context, make_origin

from provenance_server.context import Context
from provenance_storage.store import Store


@pytest.fixture
def context(store: Store) -> Context:
    make_origin(store, "shop")
    return make_context(store)
