"""Lines on stdin that the SDK cannot read and would not answer: half of a surrogate pair, a wrong envelope, a number of
thousands of digits, thousands of levels of nesting.

Whoever sent such a request would wait for its answer until a timeout.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self, cast

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCNotification
from pydantic import ValidationError

_TOLD = (
    "The request cannot be read: it holds half of a surrogate pair (text cut in the middle of a character), a number "
    "that is too long or too much nesting, or is no JSON-RPC request. Nothing was done; send it again as valid JSON "
    "and Unicode, with a whole number or a text as its id."
)
_NOTIFICATIONS = "notifications/"
_LONGEST_LINE = 1 << 24
_LONGEST_ID = 300
_PARTS = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*+)"?(?P<colon>\s*+:)?|(?P<opening>[\[{])|(?P<closing>[\]}])', re.DOTALL)
_ID = re.compile(r'\s*+(-?[0-9]{1,18}|"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")\s*+[,}]')
_SURROGATE = re.compile("[\ud800-\udfff]")


class Lines(Protocol):
    """Where messages come from."""

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message, or why it could not be read."""
        ...

    async def aclose(self) -> None:
        """Close the stream."""
        ...


class Answers(Protocol):
    """Where messages go to."""

    async def send(self, item: SessionMessage, /) -> None:
        """Send a message."""
        ...


class AnsweredLines:
    """A stream of messages that answers what cannot be read, where it says which request it is.

    Args:
        lines: The stream of what was read.
        answers: Where to answer.
    """

    def __init__(self, lines: Lines, answers: Answers) -> None:
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
    if isinstance(item, SessionMessage):
        return _answer(None, INVALID_REQUEST) if _lost_its_id(item) else None
    if not isinstance(item, ValidationError):
        return None
    told = [error["input"] for error in item.errors(include_url=False, include_context=False)]
    line = next((value for value in told if isinstance(value, str)), None)
    if line is not None and item.errors()[0]["type"] == "json_invalid":
        return _unparsed(line)
    message = next((cast("dict[str, Any]", value) for value in told if _is_request(value)), None)
    return _answer(message["id"], INVALID_REQUEST) if message is not None else None


def _lost_its_id(item: SessionMessage) -> bool:
    """Say whether the SDK took a request for a notification because its id is none: `null`, `1.5`, `true` and so on."""
    return isinstance(item.message, JSONRPCNotification) and not item.message.method.startswith(_NOTIFICATIONS)


def _is_request(value: object) -> bool:
    return isinstance(value, dict) and "id" in value and "method" in value


def _unparsed(line: str) -> JSONRPCError | None:
    """Return the answer to a line that is no JSON that can be read, if it is a request's."""
    try:
        message: object = json.loads(line)
    except (ValueError, RecursionError):
        members = _members(line)
        return _answer(_id(members["id"]), PARSE_ERROR) if {"id", "method"} <= members.keys() else None
    return _answer(cast("dict[str, Any]", message)["id"], INVALID_REQUEST) if _is_request(message) else None


def _members(line: str) -> dict[str, str]:
    """Return the members of the outermost object, each with the beginning of its value, as far as they can be made out.

    An `id` within the parameters may be any number, such as that of another request.
    """
    found: dict[str, str] = {}
    depth = 0
    for part in _PARTS.finditer(line, 0, _LONGEST_LINE):
        if part["opening"]:
            depth += 1
        elif part["closing"]:
            depth -= 1
        elif part["colon"] and depth == 1:
            found[part["text"]] = line[part.end() : part.end() + _LONGEST_ID]
    return found


def _id(value: str) -> object:
    """Return the id that a value begins with, or None where it is none or too long."""
    read = _ID.match(value)
    return json.loads(read[1]) if read else None


def _answer(number: object, code: int) -> JSONRPCError:
    """Return the answer to a request; `null` says that its id cannot be read."""
    known = isinstance(number, str | int) and not isinstance(number, bool)
    known = known and len(str(number)) <= _LONGEST_ID and not _SURROGATE.search(str(number))
    shown = cast("str | int", number) if known else None
    return JSONRPCError(jsonrpc="2.0", id=shown, error=ErrorData(code=code, message=_TOLD))
