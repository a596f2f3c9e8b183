"""Lines on stdin that the SDK cannot read and would not answer: half of a surrogate pair, a wrong envelope.

Whoever sent such a request would wait for its answer until a timeout.
"""

from __future__ import annotations

import json
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, ErrorData, JSONRPCError
from pydantic import ValidationError

if TYPE_CHECKING:
    from mcp.shared._stream_protocols import ReadStream, WriteStream

_TOLD = (
    "The request cannot be read: it holds half of a surrogate pair (text cut in the middle of a character), or is no "
    "JSON-RPC request. Nothing was done; send it again as valid Unicode."
)


class AnsweredLines:
    """A stream of messages that answers what cannot be read, where it says which request it is.

    Args:
        lines: The stream of what was read.
        answers: Where to answer.
    """

    def __init__(self, lines: ReadStream[SessionMessage | Exception], answers: WriteStream[SessionMessage]) -> None:
        self._lines = lines
        self._answers = answers

    @property
    def last_context(self) -> Any:
        """Return the context in which the last message was sent."""
        return getattr(self._lines, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message that somebody else has to answer."""
        while True:
            item = await self._lines.receive()
            answer = unreadable(item)
            if answer is None:
                return item
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                await self._answers.send(SessionMessage(answer))

    async def aclose(self) -> None:
        """Close the stream."""
        await self._lines.aclose()

    def __aiter__(self) -> Self:
        """Iterate over the messages."""
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        """Return the next message."""
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        """Enter the stream."""
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Close the stream."""
        await self.aclose()


def unreadable(item: SessionMessage | Exception) -> JSONRPCError | None:
    """Return the answer to a line that could not be read; none where it is no request or was read."""
    if not isinstance(item, ValidationError):
        return None
    try:
        line = item.errors(include_url=False, include_context=False)[0]["input"]
        message: Any = json.loads(line) if isinstance(line, str | bytes) else line
    except (ValueError, IndexError, RecursionError):
        return None
    number: Any = cast("dict[str, Any]", message).get("id") if isinstance(message, dict) else None
    if isinstance(number, bool) or not isinstance(number, int | str) or "method" not in message:
        return None
    return JSONRPCError(jsonrpc="2.0", id=number, error=ErrorData(code=INVALID_REQUEST, message=_TOLD))
