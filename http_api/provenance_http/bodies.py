"""Read request bodies: streamed, within a number of bytes and seconds."""

from __future__ import annotations

import anyio
from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from provenance_core.errors import InvalidInput, TooLarge, UnsupportedEncoding
from provenance_http.decoders import DECODERS

LARGEST_COMPRESSED = 20 * 1024 * 1024
"""Bytes of a body as it is sent. Source: Bugsink's compressed envelope; facts/security-and-scale.md 2.3."""

LARGEST_INFLATED = 100 * 1024 * 1024
"""Bytes of a body once it is inflated. Source: facts/security-and-scale.md 2.3."""

READ_SECONDS = 30.0
"""Time to send a body in; ours: uvicorn has no limit, and 20 MiB in it are 6 Mbit/s."""


async def read_body(request: Request) -> bytes:
    """Return a body as it was sent.

    Raises:
        TooLarge: It has more bytes than a body may have.
        HTTPException: It takes too long (408), or its sender went away.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > LARGEST_COMPRESSED:
        raise _too_large()
    body = bytearray()
    try:
        with anyio.fail_after(READ_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_COMPRESSED:
                    raise _too_large()
    except TimeoutError:
        raise HTTPException(408, f"The body must arrive within {READ_SECONDS:.0f} seconds; send it again.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The body was not sent to its end; send it again.") from None
    return bytes(body)


def body_encoding(request: Request) -> str:
    """Return the one encoding a body is sent in.

    Raises:
        UnsupportedEncoding: It is not known, or there are several.
    """
    named = ",".join(request.headers.getlist("content-encoding")).strip().lower() or "identity"
    if named not in DECODERS:
        known = ", ".join(name for name in DECODERS if not name.startswith("x-"))
        raise UnsupportedEncoding(f"The content-encoding must be one of {known}, and only one.")
    return named


def inflate(data: bytes, encoding: str) -> bytes:
    """Return a body without its encoding; to be called in a worker thread.

    Raises:
        InvalidInput: It is not in that encoding, or is cut.
        TooLarge: It inflates to more bytes than a body may have; no more than those are ever held.
    """
    inflated = bytearray()
    for piece in DECODERS[encoding](data):
        inflated += piece
        if len(inflated) > LARGEST_INFLATED:
            raise TooLarge(f"A body may inflate to {LARGEST_INFLATED} bytes at most; send less at a time.")
    return bytes(inflated)


def refuse_body(request: Request) -> None:
    """Refuse a body where none is read.

    Raises:
        InvalidInput: There is one.
    """
    if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
        raise InvalidInput(f"{request.method} takes no body; give the arguments in the query.")


def _too_large() -> TooLarge:
    return TooLarge(f"A body may have {LARGEST_COMPRESSED} bytes at most; send less at a time.")
