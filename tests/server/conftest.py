"""What tests of operations have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from mcp import Client
from tests.factory import make_context, make_origin, payload, report
from tests.mcp_doors import doors
from tests.server.mcp_eras import ERAS

from provenance_server.context import Context
from provenance_server.mcp_server import make_server
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


@pytest.fixture
def context(store: Store) -> Context:
    make_origin(store, "shop")
    return make_context(store)


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    """Return an origin with one issue."""
    origin = make_origin(store)
    report(store, origin, payload())
    return origin


@pytest.fixture(params=ERAS)
async def agent(request: pytest.FixtureRequest, store: Store, origin: OriginRecord) -> AsyncIterator[Client]:
    """Connect a client over MCP, of each era in turn, once there is an origin."""
    async with Client(make_server(doors(store)), mode=request.param) as client:
        yield client
