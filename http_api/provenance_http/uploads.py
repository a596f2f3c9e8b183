"""Take uploads in: a few at once, each into a folder of its own, which is removed when it is done with."""

from __future__ import annotations

import asyncio
import errno
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, TypeVar

import anyio
import anyio.to_thread
from fastapi import HTTPException, Request
from starlette.types import Receive

from provenance_core.errors import TooLarge, TooManyRequests, Unavailable
from provenance_http.decoders import DECODERS, PIECE_BYTES

MOST_AT_ONCE = 2
"""Uploads that are taken in at once: each may fill a gigabyte of disk and keep a processor busy. Ours."""

WAIT_SECONDS = 20.0
"""How long an upload waits for its turn before its sender is told to come again. Ours."""

UPLOAD_SECONDS = 600.0
"""Time to send an upload in; ours: the largest in it is 7 Mbit/s."""

STALL_SECONDS = 30.0
PROGRESS_BYTES = 256 * 1024
"""In so many seconds so many bytes must arrive, or the rest: 70 kbit/s. Ours."""

LEFT_SECONDS = 86_400.0
"""Age of a folder that a process which was killed has left: no upload takes so long. Ours."""

_FOLDER_PREFIX = "provenance-upload-"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_R = TypeVar("_R")


class Turns:
    """Let a few uploads in at once; to be made where an event loop runs.

    Args:
        most: How many.
    """

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._free = asyncio.Semaphore(most)

    @asynccontextmanager
    async def folder(self, wait: float | None = None) -> AsyncGenerator[Path]:
        """Wait for a turn and give an empty folder for it, which is removed at the end.

        Args:
            wait: Seconds to wait at most; `WAIT_SECONDS` unless given.

        Raises:
            TooManyRequests: The turn did not come in time.
            Unavailable: There is no room for a folder.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS if wait is None else wait):
                await self._free.acquire()
        except TimeoutError:
            raise TooManyRequests("Other uploads are being taken in; wait and send again.", 10) from None
        try:
            folder = await anyio.to_thread.run_sync(_make_folder)
            try:
                yield folder
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(_remove, folder)
        finally:
            self._free.release()


async def in_thread(function: Callable[[], _R]) -> _R:
    """Run what reads and writes an upload's files in a worker thread.

    Raises:
        Unavailable: The disk is full.
    """

    def run() -> _R:
        with _full_disk_told():
            return function()

    return await anyio.to_thread.run_sync(run)


async def spool(request: Request, path: Path, largest: int) -> None:
    """Write a request's body to a file as it arrives; no more than a piece of it is held.

    Raises:
        TooLarge: It has more bytes than it may have.
        Unavailable: The disk is full.
        HTTPException: It takes too long (408), or its sender went away.
    """
    declared = request.headers.get("content-length")
    if declared and declared.isascii() and declared.isdigit() and int(declared) > largest:
        raise _too_large(largest)
    file = await in_thread(lambda: path.open("xb"))
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            await _copy(request.receive, file, largest)
    except TimeoutError:
        told = f"An upload must arrive within {UPLOAD_SECONDS / 60:.0f} minutes, and not stop for {STALL_SECONDS:.0f} s"
        raise HTTPException(408, f"{told}; send it again, in several parts.") from None
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(file.close)


def inflated(path: Path, encoding: str, largest: int) -> Iterator[bytes]:
    """Return the bytes of a file without its encoding, piece by piece; to be called in a worker thread.

    Raises:
        InvalidInput: It is not in that encoding, or is cut.
        TooLarge: It inflates to more bytes than it may.
    """
    size = 0
    for piece in _pieces(path, encoding):
        size += len(piece)
        if size > largest:
            raise TooLarge(f"An upload may inflate to {largest} bytes at most; send it in several parts.")
        yield piece


def _pieces(path: Path, encoding: str) -> Iterator[bytes]:
    with path.open("rb") as file:
        if encoding == "identity":
            yield from iter(lambda: file.read(PIECE_BYTES), b"")
        elif path.stat().st_size == 0:
            yield from DECODERS[encoding](b"")
        else:
            with mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
                yield from DECODERS[encoding](mapped)


async def _copy(receive: Receive, file: BinaryIO, largest: int) -> None:
    size, more = 0, True
    while more:
        gathered = bytearray()
        async with asyncio.timeout(STALL_SECONDS):
            while more and len(gathered) < PROGRESS_BYTES:
                message = await receive()
                if message["type"] != "http.request":
                    raise HTTPException(400, "The body was not sent to its end; send it again.")
                gathered += message.get("body", b"")
                more = message.get("more_body", False)
        size += len(gathered)
        if size > largest:
            raise _too_large(largest)
        await in_thread(lambda data=bytes(gathered): file.write(data))


@contextmanager
def _full_disk_told() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise Unavailable(
            "There is no room for the upload on the server's disk for temporary files; "
            "free some, or start the server with TMPDIR on a larger one."
        ) from None


def _make_folder() -> Path:
    oldest = time.time() - LEFT_SECONDS
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        with suppress(OSError):
            if left.lstat().st_mtime < oldest:
                _remove(left)
    with _full_disk_told():
        return Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"An upload may have {largest} bytes at most; send it in several parts.")
