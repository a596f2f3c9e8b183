"""What a process and all below it use of the machine. Linux only: it reads /proc."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.databases import sqlite_driver

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory in bytes and processor seconds; `pss` divides what is shared, which `rss` counts for each process."""

    rss: int
    pss: int
    cpu: float
    processes: int


def usage(roots: Iterable[int], *, pss: bool = True) -> Usage:
    """Return what processes and their children use; `pss` costs the kernel some milliseconds."""
    family = list(_family(roots))
    fields = [found for pid in family if (found := _stat(pid))]
    return Usage(
        rss=sum(int(found[21]) * _PAGE for found in fields),
        pss=sum(_pss(pid) for pid in family) if pss else 0,
        cpu=sum(int(ticks) for found in fields for ticks in found[11:15]) / _TICKS,
        processes=len(fields),
    )


def _family(roots: Iterable[int]) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (found := _stat(int(entry.name))):
            children.setdefault(int(found[1]), []).append(int(entry.name))
    todo = list(roots)
    while todo:
        pid = todo.pop()
        yield pid
        todo += children.get(pid, [])


def _stat(pid: int) -> list[str]:
    """Return the fields of `/proc/PID/stat` after the name; none where the process has ended."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _pss(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something.

    Raises:
        SystemExit: It did not happen in time.
    """
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"Waited {seconds:.0f} seconds in vain for {what}.")
        time.sleep(0.05)


def stop(process: subprocess.Popen[str]) -> int:
    """End a process by SIGTERM, or if that does not help by SIGKILL, and return how it ended."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def describe() -> dict[str, object]:
    """Return what the measurements were made on."""
    return {
        "processors": os.cpu_count(),
        "processor": _processor(),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite_driver().sqlite_version,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _processor() -> str:
    lines = (_PROC / "cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
