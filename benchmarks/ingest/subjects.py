"""What is measured: a server on an empty store of its own, seen from outside."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path

from benchmarks.databases import Fresh, fresh_database
from benchmarks.ingest.load import Target
from benchmarks.machine import Usage, usage
from benchmarks.provenance import create_store, serving


class Subject(ABC):
    """A server under test. Starting it gives it an empty store; `remove` takes the store away.

    Attributes:
        name: The product and its version.
        target: Where events are sent.
        pids: The processes that were started; their children count as well.
    """

    name: str
    target: Target
    pids: list[int]

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="provenance-bench-"))

    @abstractmethod
    def start(self) -> None:
        """Start the server and make a project that keeps everything."""

    @abstractmethod
    def visible(self) -> int:
        """Return how many events can be seen: they are recorded and belong to an issue."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the server."""

    @abstractmethod
    def stored_bytes(self) -> int:
        """Return how much the store has grown since it was empty; the server has stopped."""

    def problems(self) -> list[str]:
        """Return what is wrong with the store; the server has stopped."""
        return []

    def usage(self, *, pss: bool = True) -> Usage:
        """Return what the server's processes use."""
        return usage(self.pids, pss=pss)

    def remove(self) -> None:
        """Remove the store."""
        shutil.rmtree(self.home, ignore_errors=True)


class Provenance(Subject):
    """Our server.

    Args:
        database_url: A PostgreSQL server to make a database on; SQLite if none.
    """

    name = "provenance"

    def __init__(self, database_url: str | None) -> None:
        super().__init__()
        self._database: Fresh = fresh_database(database_url, self.home)
        self._running = ExitStack()
        self._empty = 0

    def start(self) -> None:
        create_store(self._database.url, self.home)
        self._empty = self._database.stored_bytes()
        server = self._running.enter_context(serving(self._database.url, self.home))
        number, key = server.create_origin("bench")
        self.target = Target(server.url, number, key)
        self.pids = [server.pid]

    def visible(self) -> int:
        return self._database.number("select sum(event_count) from error_issue")

    def stop(self) -> None:
        self._running.close()

    def stored_bytes(self) -> int:
        return self._database.stored_bytes() - self._empty

    def problems(self) -> list[str]:
        """Check that every stored event is counted once by its issue and once in its hour."""
        counts = {
            "interactions": self._database.number("select count(*) from interaction"),
            "payloads": self._database.number("select count(*) from interaction_payload"),
            "issues' counts": self.visible(),
            "hours' counts": self._database.number("select sum(event_count) from issue_hour"),
        }
        if len(set(counts.values())) == 1:
            return []
        return ["the counts differ: " + ", ".join(f"{name} {count}" for name, count in counts.items())]

    def remove(self) -> None:
        self._database.remove()
        super().remove()
