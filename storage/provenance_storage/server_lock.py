"""One server on one SQLite file: the second refuses and names the first."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from provenance_core.errors import Conflict


@contextmanager
def serving(path: Path, address: str) -> Generator[None]:
    """Hold a store file for one server process.

    Args:
        path: The store's file.
        address: Where this server answers, told to whoever tries next.

    Raises:
        Conflict: Another process serves the file.
    """
    note = path.with_name(path.name + ".server.json")
    lock = FileLock(path.with_name(path.name + ".server.lock"), blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise Conflict(f"The store {path} is being served {_first(note)}. Use that server, or stop it first.") from None
    try:
        note.write_text(json.dumps({"pid": os.getpid(), "address": address}))
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _first(note: Path) -> str:
    try:
        first = json.loads(note.read_text())
        return f"by process {int(first['pid'])} at {first['address']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "by another process"
