"""Build the indexes of uploaded source maps in a process of its own, which may take so much memory and time only."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from provenance_core.errors import Unavailable
from provenance_core.sourcemaps.map_warnings import MapWarning

MAX_SECONDS = 60.0
"""How long one map may take; the largest seen, of 22 MB with 3 million segments, takes 4."""
MAX_MEMORY = 3 << 30
"""Bytes of address space of the process; the largest map seen takes 350 MB."""

START_SECONDS = 30.0
"""How long the process may take to start."""

BUILDING = threading.Lock()
"""Held by who builds: one upload's maps are indexed at a time, as each takes a core, and memory by its size."""

_CPU_MARGIN = 5
_MAX_ANSWER = 1 << 16
# What Python needs to start; nothing of the server's settings, which may have passwords.
_ENVIRONMENT = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("SYSTEMROOT", "LANG", "LC_ALL"),
)


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """An index that was built.

    Attributes:
        index: The file that it is in.
        size: Bytes of that file.
        debug_id: The debug id that stands in the map.
        file: The script that the map says it is of, cut to 1024 characters.
        sources: Original files.
        segments: Mapped positions.
        lines: Generated lines.
        warnings: What the map lacks.
    """

    index: Path
    size: int
    debug_id: str | None
    file: str | None
    sources: int
    segments: int
    lines: int
    warnings: tuple[MapWarning, ...]


@dataclass(frozen=True, slots=True)
class NotBuilt:
    """A map of which no index can be built.

    Attributes:
        problem: Why, for people; nothing of the map's text.
        passes: Whether it may be built another time: what failed is the building, and the map may be well.
    """

    problem: str
    passes: bool = False


class IndexBuilder:
    """Build indexes one after the other; a context manager, as its process ends with it.

    The process starts with the first map, and again after a map that ended it. It must be used by one thread at a time;
    how many builders work at a time is the caller's to say: each takes a core, and memory up to the limit.

    Args:
        seconds: How long one map may take.
        memory: Bytes of address space that the process may have; systems other than Linux may not enforce it.
    """

    def __init__(self, seconds: float = MAX_SECONDS, memory: int = MAX_MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def pid(self) -> int | None:
        """Return the number of the process, or None where none runs."""
        return self._process.pid if self._process is not None else None

    def build(self, path: Path, index: Path) -> BuiltFile | NotBuilt:
        """Build the index of a map.

        Args:
            path: The map.
            index: Where the index is written; what is there is replaced.

        Raises:
            OSError: A file cannot be read or written.
            Unavailable: The process cannot be started.
        """
        process = self._running()
        request = json.dumps({"map": str(path), "index": str(index)}).encode() + b"\n"
        try:
            return _result(_exchange(process, request, self._seconds), index)
        except _Late:
            problem = f"reading the source map takes longer than {self._seconds:g} seconds"
        except _Ended:
            problem = "reading the source map ended the process that did it; it may need more memory than one may take"
        self._end()
        index.unlink(missing_ok=True)
        return NotBuilt(problem, passes=True)

    def _running(self) -> subprocess.Popen[bytes]:
        """Return the process, started anew where it has ended since the last map."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        limits = [str(self._memory), str(int(self._seconds) + _CPU_MARGIN)]
        self._process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-P", "-m", "provenance_server.index_worker", *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
        try:
            _exchange(self._process, b"", START_SECONDS)
        except (_Late, _Ended):
            self._end()
            raise Unavailable("The process that indexes source maps does not start; see the server's log.") from None
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


class _Late(Exception):
    """The process did not answer in time, and was ended."""


class _Ended(Exception):
    """The process ended before it answered."""


def _exchange(process: subprocess.Popen[bytes], request: bytes, seconds: float) -> bytes:
    """Send a request and return the answer.

    Raises:
        _Late: It took too long.
        _Ended: There was none.
    """
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    answer = b""
    try:
        process.stdin.write(request)
        process.stdin.flush()
        answer = process.stdout.readline(_MAX_ANSWER)
    except OSError:  # it ended before it read the request
        pass
    finally:
        timer.cancel()
    if late.is_set():
        raise _Late
    if not answer.endswith(b"\n"):
        raise _Ended
    return answer


def _result(answer: bytes, index: Path) -> BuiltFile | NotBuilt:
    facts: dict[str, Any] = json.loads(answer)
    if "problem" in facts:
        return NotBuilt(str(facts["problem"]), passes=bool(facts.get("passes")))
    if "errno" in facts:
        number = int(facts["errno"])
        raise OSError(number, os.strerror(number))
    return _BUILT.validate_python({**facts, "index": index})


_BUILT = TypeAdapter(BuiltFile)
