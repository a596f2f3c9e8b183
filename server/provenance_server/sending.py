"""Send files to a server as a multipart stream, and tell how far it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

from provenance_core.errors import Unavailable
from provenance_server.uploaded_files import UploadedFile
from provenance_server.uploading import UploadTarget

SECONDS = 600.0
"""How long an answer is waited for: the server indexes every map before it answers."""


class _Told:
    """A file that tells how much of it was read; httpx asks for its length by `seek` and `tell`.

    It is open only while it is read: an upload may have more files than a process may have open.

    Args:
        path: The file.
        tell_read: Is told how many bytes were read.
    """

    def __init__(self, path: Path, tell_read: Callable[[int], None]) -> None:
        self._path = path
        self._tell_read = tell_read
        self._place = 0
        self._file: BinaryIO | None = None

    def read(self, size: int = -1) -> bytes:
        if self._file is None:
            self._file = self._path.open("rb")
            self._file.seek(self._place)
        piece = self._file.read(size)
        self._place += len(piece)
        self._tell_read(len(piece))
        if not piece:
            self.close()
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        self.close()
        self._place = offset + (self._path.stat().st_size if whence == os.SEEK_END else 0)
        return self._place

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def send_files(
    http: httpx.Client,
    url: str,
    target: UploadTarget,
    files: Sequence[UploadedFile],
    progress: Callable[[int, int], None] | None,
) -> httpx.Response:
    """Send files to a release of an origin and return the server's answer.

    Args:
        http: A client, with the headers that every request needs.
        url: The server's address.
        target: Whose the files are; they need a release.
        files: The files.
        progress: Is told how many bytes are sent, and of how many.

    Raises:
        Unavailable: A file cannot be read any more.
    """
    try:
        return _send(http, url, target, files, progress)
    except OSError as error:
        told = error.strerror or "it has changed"
        raise Unavailable(f"A file of the upload cannot be read from this machine's disk: {told}.") from None


def _send(
    http: httpx.Client,
    url: str,
    target: UploadTarget,
    files: Sequence[UploadedFile],
    progress: Callable[[int, int], None] | None,
) -> httpx.Response:
    total = sum(file.path.stat().st_size for file in files)
    sent = 0

    def tell_read(size: int) -> None:
        nonlocal sent
        sent += size
        if progress is not None:
            progress(sent, total)

    path = f"/api/origins/{quote(target.origin, safe='')}/releases/{quote(target.release or '', safe='')}/sourcemaps"
    with ExitStack() as stack:
        parts: list[tuple[str, Any]] = []
        for file in files:
            told = _Told(file.path, tell_read)
            stack.callback(told.close)
            # a field of its own holds the name: that of a file loses its quotes on the way
            parts.append(("name", (None, file.name)))
            parts.append(("file", ("file", told, "application/octet-stream")))
        data = {"dist": target.dist} if target.dist else {}
        return http.post(url + path, data=data, files=parts, timeout=SECONDS)
