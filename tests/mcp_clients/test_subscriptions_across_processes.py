"""Whoever causes a change, and wherever it is heard of: two servers over stdio and one over HTTP, on one store."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from uuid import uuid4

import anyio
import httpx
import pytest
from mcp import Client
from tests.factory import make_origin
from tests.http_api.sending import sentry_event
from tests.mcp_clients.python_client import Ear, Mode, Place, connected, listening
from tests.processes import Installation, serving

from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
MOST_SECONDS = 2.0
ISSUES, ISSUE = "provenance://issues", "provenance://issues/shop-1"


class Listener:
    """A client that listens, and after how many seconds it heard of each cause."""

    def __init__(self, client: Client, ear: Ear) -> None:
        self.client = client
        self.ear = ear
        self.after: list[float] = []

    @classmethod
    async def join(cls, opened: AsyncExitStack, place: Place, mode: Mode) -> Listener:
        """Connect one and let it listen to every issue, and to the first."""
        ear = Ear()
        client = await opened.enter_async_context(connected(place, {}, mode, ear))
        await opened.enter_async_context(listening(client, mode, ISSUES, ISSUE))
        return cls(client, ear)

    async def resolve(self) -> None:
        """Resolve the first issue."""
        changed = await self.client.call_tool("update_error_issue_status", {"issueId": "shop-1", "status": "resolved"})
        assert not changed.is_error, changed

    async def hears(self, begun: float, uris: tuple[str, ...]) -> None:
        """Wait until it has heard of every URI, and note when."""
        await self.ear.hears(*uris)
        self.after.append(time.monotonic() - begun)


async def _heard(listeners: list[Listener], cause: Callable[[], Awaitable[None]], *uris: str) -> None:
    """Cause something, and from when that is acknowledged wait until everybody has heard what it changed."""
    for listener in listeners:
        listener.ear.uris.clear()
    await cause()
    begun = time.monotonic()
    async with anyio.create_task_group() as tasks:
        for listener in listeners:
            tasks.start_soon(listener.hears, begun, uris)


async def test_whoever_listens_hears_within_two_seconds_what_another_process_caused(url: str, tmp_path: Path) -> None:
    machine = Installation(tmp_path, url)
    store = Store.open(url)
    origin = make_origin(store)
    store.close()
    with serving(machine) as server:
        async with AsyncExitStack() as opened:
            sender = await opened.enter_async_context(httpx.AsyncClient(base_url=server.url, trust_env=False))
            modern = await Listener.join(opened, machine.mcp(), "auto")
            legacy = await Listener.join(opened, machine.mcp(), "legacy")
            over_http = await Listener.join(opened, f"{server.url}/mcp", "auto")
            everybody = [modern, legacy, over_http]

            async def send(message: str = "broken") -> None:
                door = f"/api/{origin.number}/store/?sentry_key={origin.public_key}"
                event = sentry_event(event_id=uuid4().hex, exception={"values": [{"type": message, "value": "x"}]})
                answer = await sender.post(door, json=event)
                assert answer.status_code == 200, answer.text

            await _heard(everybody, send, ISSUES, ISSUE)
            for resolving in (modern, legacy):
                await _heard(everybody, resolving.resolve, ISSUES, ISSUE)
                await _heard(everybody, send, ISSUES, ISSUE)
            await _heard(everybody, lambda: send("another"), ISSUES)

    for name, listener in zip(("stdio", "stdio legacy", "http"), everybody, strict=True):
        assert len(listener.after) == 6
        assert median(listener.after) < MOST_SECONDS, (name, listener.after)
