"""All bodies together: a public key lets anybody send large ones, and memory is not endless."""

from __future__ import annotations

import anyio
import pytest
from starlette.types import Message
from tests.http_api.asgi import Answer, Receive, running, whole
from tests.http_api.sending import auth, envelope, event_item

from provenance_core.errors import TooManyRequests
from provenance_http.app import create_app
from provenance_http.bodies import LARGEST_TOGETHER, Room
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio
PATH = "/api/1/envelope/"
PIECE = 16 * 1024 * 1024


async def test_bodies_over_the_limit_are_refused_at_once_and_none_that_is_being_sent(
    store: Store, origin: OriginRecord
) -> None:
    sent, go_on = 0, anyio.Event()
    refused, taken = Answer(), Answer()
    large = [Answer() for _ in range(LARGEST_TOGETHER // PIECE)]

    def slow() -> Receive:
        async def receive() -> Message:
            nonlocal sent
            if begun:
                await go_on.wait()
                return {"type": "http.request", "body": b"", "more_body": False}
            begun.append(True)
            sent += 1
            return {"type": "http.request", "body": bytes(PIECE), "more_body": True}

        begun: list[bool] = []
        return receive

    async with running(create_app(store)) as ask, anyio.create_task_group() as tasks:
        for answer in large:
            tasks.start_soon(ask, PATH, slow(), auth(origin), "", answer)
        with anyio.fail_after(30):
            while sent < len(large):
                await anyio.lowlevel.checkpoint()
        await ask(PATH, whole(envelope(event_item())), auth(origin), answer=refused)
        go_on.set()
        with anyio.fail_after(60):
            while not all(answer.status for answer in large):
                await anyio.lowlevel.checkpoint()
        await ask(PATH, whole(envelope(event_item())), auth(origin), answer=taken)

    assert refused.status == 429
    assert refused.headers["retry-after"] == "5"
    assert refused.headers["x-sentry-rate-limits"] == "5:error:key:queue_full"
    assert [answer.status for answer in large] == [400] * len(large)
    assert taken.status == 200


async def test_a_body_that_is_not_sent_to_its_end_gives_its_room_back(store: Store, origin: OriginRecord) -> None:
    messages: list[Message] = [{"type": "http.request", "body": bytes(PIECE), "more_body": True}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    statuses: list[int] = []
    async with running(create_app(store)) as ask:
        for _ in range(LARGEST_TOGETHER // PIECE + 1):
            messages.append({"type": "http.request", "body": bytes(PIECE), "more_body": True})
            messages[:-1] = []
            statuses.append((await ask(PATH, receive, auth(origin))).status)

    assert statuses == [400] * len(statuses)


def test_room_is_taken_up_to_the_limit() -> None:
    room = Room(10)
    room.take(7)

    with pytest.raises(TooManyRequests):
        room.take(4)
    room.give_back(5)
    room.take(8)

    assert room.held == 10
