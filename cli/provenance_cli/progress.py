"""Tell somebody who waits at a terminal how far something is."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

_SECONDS = 0.2


class Meter:
    """One line on stderr that is written again and again; silent where nobody looks."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._next = 0.0

    def tell(self, what: str, done: int, total: int) -> None:
        """Say how much of something is done."""
        now = time.monotonic()
        if self._shown and (now >= self._next or done >= total):
            self._next = now + _SECONDS
            print(f"\r\x1b[K{what}: {done * 100 // max(total, 1)} % of {total:,}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def meter() -> Generator[Meter]:
    """Lend a meter whose line is gone at the end."""
    made = Meter()
    try:
        yield made
    finally:
        made.clear()
