"""Ask an application through the ASGI interface where a client would be too polite."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.types import Message

Receive = Callable[[], Awaitable[Message]]


@dataclass
class Answer:
    """What was sent back; `status` is 0 until something was."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def send(self, message: Message) -> None:
        """Take a message of the application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


@contextlib.asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[Callable[..., Coroutine[Any, Any, Answer]]]:
    """Run an application; the function given sends a request to it and returns the answer."""
    async with app.router.lifespan_context(app) as state:

        async def ask(
            path: str, receive: Receive, headers: dict[str, str], query: str = "", answer: Answer | None = None
        ) -> Answer:
            answer = answer or Answer()
            scope: dict[str, Any] = {
                "type": "http",
                "method": "POST",
                "path": path,
                "raw_path": path.encode(),
                "query_string": query.encode(),
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
                "http_version": "1.1",
                "state": dict(state or {}),
            }
            await app(scope, receive, answer.send)
            return answer

        yield ask


def whole(body: bytes) -> Receive:
    """Return what gives a body in one piece."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
