"""Worker threads for what an agent asks: fewer than there are, for stdin and stdout need some as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from anyio.lowlevel import RunVar

MOST = 32
"""How many calls run at once. Of the 40 threads that anyio has, what reads and writes the protocol needs the others."""

_LIMITER: RunVar[CapacityLimiter] = RunVar("provenance_calls")

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """Run what blocks in a worker thread; whoever is cancelled meanwhile does not wait for it."""
    try:
        limiter = _LIMITER.get()
    except LookupError:
        limiter = CapacityLimiter(MOST)
        _LIMITER.set(limiter)
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=limiter)
