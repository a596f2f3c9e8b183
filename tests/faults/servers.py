"""Servers that a test kills, stops, starves and starts again; what they log is kept in a file."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from tests.faults.load import Key
from tests.processes import PROVENANCE, STOP_SECONDS, Installation

END_SECONDS = 30
PAUSE = 0.02
_numbers = itertools.count(1)


class NotStarted(Exception):
    """A server ended instead of accepting requests; the message is what it said."""


class Server:
    """A running `provenance serve` with its writing process.

    Args:
        machine: Where it runs.
        before: Words before its command, which run it elsewhere.
        environment: What else is in its environment.
    """

    def __init__(
        self, machine: Installation, before: Sequence[str] = (), environment: dict[str, str] | None = None
    ) -> None:
        self.store = machine.store_url.removeprefix("sqlite:///")
        self._log = machine.home / f"server-{next(_numbers)}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*before, *PROVENANCE, "serve", "--port", "0"],
                env=machine.environment | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = [word.rstrip(".,") for word in line.split() if word.startswith("http://")]
        if not found:
            self.end()
            raise NotStarted(line + self.log)
        self.url = found[0]

    @property
    def log(self) -> str:
        """Return what it has logged."""
        return self._log.read_text(errors="replace")

    @property
    def writing_process(self) -> int:
        """Return the id of its writing process, once it has one."""
        until = time.monotonic() + END_SECONDS
        while True:
            found = children(self.process.pid)
            if found:
                return found[0]
            assert time.monotonic() < until, self.log
            time.sleep(PAUSE)

    def client(self) -> httpx.Client:
        """Return a client of its API."""
        return httpx.Client(base_url=self.url, timeout=100, trust_env=False)

    def origin(self) -> Key:
        """Make an origin and return the key to send with; none of its events is ever thinned out."""
        tracking = {"errorTracking": {"maxEventsPerIssue": 1_000_000}}
        with self.client() as client:
            answer = client.post("/api/origins", json={"mnemonic": "shop", "config": tracking})
            assert answer.status_code == 201, answer.text
            return Key.of(answer.json())

    def kill(self) -> None:
        """Kill the server with SIGKILL; its writing process finishes what it is at, and ends."""
        writing = children(self.process.pid)
        self.process.kill()
        self.process.wait(END_SECONDS)
        self._close()
        wait_for_end(*writing)

    def kill_both(self) -> None:
        """Kill the server and its writing process with SIGKILL."""
        for process in children(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.kill()

    def kill_writing_process(self) -> int:
        """Kill the writing process with SIGKILL and return which it was; the server starts another one."""
        process = self.writing_process
        with suppress(ProcessLookupError):  # it may lie there dead from the last time
            os.kill(process, signal.SIGKILL)
        return process

    def stop(self, seconds: float = STOP_SECONDS) -> str:
        """Stop it with SIGTERM; it must end well and leave no process. Return what it has logged."""
        writing = children(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(seconds) == 0, self.log
        self._close()
        wait_for_end(*writing)
        return self.log

    def end(self) -> None:
        """End it anyhow, if it runs still."""
        for process in children(self.process.pid) if self.process.poll() is None else []:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
        self.process.kill()
        self.process.wait(END_SECONDS)
        self._close()

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running(
    machine: Installation, before: Sequence[str] = (), environment: dict[str, str] | None = None
) -> Generator[Server]:
    """Run a server, which the test ends itself in one way or another."""
    server = Server(machine, before, environment)
    try:
        yield server
    finally:
        server.end()


def children(process: int) -> list[int]:
    """Return the ids of a process's children that run."""
    if Path("/proc/self/stat").exists():
        rows = [_status(path) for path in Path("/proc").glob("[0-9]*/stat")]
    else:
        told = subprocess.run(["ps", "-A", "-o", "pid=,stat=,ppid="], capture_output=True, text=True, check=True)
        rows = [line.split() for line in told.stdout.splitlines()]
    return [int(row[0]) for row in rows if row[2:] == [str(process)] and not row[1].startswith("Z")]


def _status(path: Path) -> list[str]:
    """Return id, state and parent of a process, nothing if it has ended."""
    try:
        told = path.read_text(errors="replace")
    except OSError:
        return []
    return [told.partition(" ")[0], *told.rpartition(")")[2].split()[:2]]


def wait_for_end(*processes: int) -> None:
    """Wait until processes have ended that are nobody's children any more."""
    until = time.monotonic() + END_SECONDS
    while alive := [process for process in processes if _runs(process)]:
        assert time.monotonic() < until, f"still there: {alive}"
        time.sleep(PAUSE)


def until(holds: Callable[[], bool], seconds: float = END_SECONDS) -> None:
    """Wait until something holds."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it never came to be"
        time.sleep(PAUSE)


def _runs(process: int) -> bool:
    if Path("/proc/self/stat").exists():
        status = _status(Path(f"/proc/{process}/stat"))
        return bool(status) and not status[1].startswith("Z")
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
