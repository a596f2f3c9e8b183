"""Read request bodies: streamed, within a number of bytes and seconds."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException, Request
from starlette.types import Receive

from provenance_core.errors import InvalidInput, TooLarge, TooManyRequests, UnsupportedEncoding
from provenance_http.decoders import DECODERS, decode_at_once

LARGEST_COMPRESSED = 20 * 1024 * 1024
"""Bytes of an envelope as it is sent. Source: Bugsink's compressed envelope."""

LARGEST_INFLATED = 100 * 1024 * 1024
"""Bytes of an envelope once it is inflated. Ours."""

LARGEST_ARGUMENTS = 4 * 1024 * 1024
"""Bytes of an operation's arguments, as they are sent and once they are inflated; ours: parsed, they take 45 times."""

LARGEST_TOGETHER = 64 * 1024 * 1024
"""Bytes of all bodies that are taken in and not yet prepared. Ours."""

START_BYTES = 192 * 1024
"""Bytes taken in of a body whose key stands in it: zstd tells nothing of a block of 128 KiB before its end."""

SMALL_SENT, SMALL_INFLATED = 64 * 1024, 256 * 1024
"""Bytes of a body, as it is sent and inflated, that is handled where it is read: a thread would cost more. Ours."""

READ_SECONDS = 30.0
"""Time to send a body in; ours: uvicorn has no limit, and 20 MiB in it are 6 Mbit/s."""


class Room:
    """Count the bytes of the bodies that are held at once, up to a limit.

    Args:
        largest: How many there may be.
    """

    def __init__(self, largest: int = LARGEST_TOGETHER) -> None:
        self.held = 0
        self._largest = largest

    def take(self, size: int) -> None:
        """Hold more bytes.

        Raises:
            TooManyRequests: There would be too many.
        """
        if self.held + size > self._largest:
            raise TooManyRequests("The server takes in as much as it can now; wait and send again.", 5)
        self.held += size

    def give_back(self, size: int) -> None:
        """Hold bytes no longer."""
        self.held -= size


class Body:
    """A request's body, of which no more is taken in than is asked for; a context in which it takes up room.

    Args:
        receive: Where it comes from.
        declared: How many bytes it has by its own account, if it says so.
        largest: Bytes it may have as it is sent.
        room: What it shares with others.

    Raises:
        TooLarge: It says itself that it has more.
    """

    def __init__(self, receive: Receive, declared: str | None, largest: int, room: Room) -> None:
        if declared and declared.isascii() and declared.isdigit() and int(declared) > largest:
            raise _too_large(largest)
        self._receive = receive
        self._largest = largest
        self._room = room
        self._held = 0
        self._read = bytearray()
        self._more = True
        self._seconds = READ_SECONDS

    def __enter__(self) -> Body:
        """Take up room from now on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the room back."""
        self._room.give_back(self._held)
        self._held = 0

    async def start(self, size: int) -> bytes:
        """Return what a body begins with: so many bytes, or all where it has less.

        Raises:
            TooLarge: It has more bytes than it may have.
            TooManyRequests: There is no room for it.
            HTTPException: It takes too long (408), or its sender went away.
        """
        await self._read_to(size)
        return bytes(self._read[:size])

    async def whole(self) -> bytes:
        """Return a body as it was sent; once only.

        Raises:
            TooLarge: It has more bytes than it may have.
            TooManyRequests: There is no room for it.
            HTTPException: It takes too long (408), or its sender went away.
        """
        await self._read_to(self._largest + 1)
        body, self._read = bytes(self._read), bytearray()
        return body

    async def _read_to(self, size: int) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._seconds):
                while self._more and len(self._read) < size:
                    self._read += await self._take()
        except TimeoutError:
            raise HTTPException(
                408, f"The body must arrive within {READ_SECONDS:.0f} seconds; send it again."
            ) from None
        finally:
            self._seconds -= loop.time() - began
        if len(self._read) > self._largest:
            raise _too_large(self._largest)

    async def _take(self) -> bytes:
        message = await self._receive()
        if message["type"] != "http.request":
            raise HTTPException(400, "The body was not sent to its end; send it again.")
        piece: bytes = message.get("body", b"")
        self._room.take(len(piece))
        self._held += len(piece)
        self._more = message.get("more_body", False)
        return piece


def check_encoding(told: str) -> str:
    """Return the one encoding that a header's text says a body is sent in.

    Raises:
        UnsupportedEncoding: It is not known, or there are several.
    """
    named = told.strip().lower() or "identity"
    if named not in DECODERS:
        known = ", ".join(name for name in DECODERS if not name.startswith("x-"))
        raise UnsupportedEncoding(f"The content-encoding must be one of {known}, and only one.")
    return named


def inflate_small(data: bytes, encoding: str) -> bytes | None:
    """Return a small body without its encoding, at once; None where it is not small, or not as plain as most are.

    What this does not inflate, `inflate` does, or it says what is wrong.
    """
    return decode_at_once(data, encoding, SMALL_INFLATED) if len(data) <= SMALL_SENT else None


def inflate(data: bytes, encoding: str, largest: int) -> bytes:
    """Return a body without its encoding; to be called in a worker thread.

    Raises:
        InvalidInput: It is not in that encoding, or is cut.
        TooLarge: It inflates to more bytes than it may; no more than those are ever held.
    """
    inflated = bytearray()
    for piece in DECODERS[encoding](data):
        inflated += piece
        if len(inflated) > largest:
            raise TooLarge(f"A body may inflate to {largest} bytes at most; send less at a time.")
    return bytes(inflated)


def inflate_start(start: bytes, encoding: str, size: int) -> bytes:
    """Return the first bytes of a body without its encoding, as far as its own first bytes tell them.

    Raises:
        InvalidInput: It is not in that encoding.
    """
    inflated = bytearray()
    try:
        for piece in DECODERS[encoding](start):
            inflated += piece
            if len(inflated) >= size:
                break
    except InvalidInput:
        if not inflated:
            raise
    return bytes(inflated[:size])


def refuse_body(request: Request) -> None:
    """Refuse a body where none is read.

    Raises:
        InvalidInput: There is one.
    """
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise InvalidInput(f"{request.method} takes no body; give the arguments in the query.")


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"A body may have {largest} bytes at most; send less at a time.")
