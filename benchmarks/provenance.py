"""Our server as a process of its own, as `provenance serve` starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import stop

KEEP_ALL: Mapping[str, Any] = {"errorTracking": {"retentionDays": 3650, "maxEventsPerIssue": 1_000_000}}
"""The configuration of an origin of which nothing is removed while it is measured."""

_COMMAND = [sys.executable, "-m", "provenance_cli"]


@dataclass(frozen=True, slots=True)
class Running:
    """A server that accepts requests."""

    url: str
    pid: int

    def call(self, method: str, path: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Run an operation and return its answer."""
        body = json.dumps(arguments).encode() if arguments is not None else None
        headers = {"content-type": "application/json"} if body else {}
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def create_origin(self, mnemonic: str) -> tuple[str, str]:
        """Create an origin that keeps everything, and return its number and public key."""
        origin = self.call("POST", "/api/origins", {"mnemonic": mnemonic, "config": KEEP_ALL})
        return str(origin["number"]), origin["publicKey"]


def create_store(database_url: str, home: Path) -> None:
    """Create the tables of a store."""
    subprocess.run(
        [*_COMMAND, "db", "upgrade"], env=_environment(database_url, home), check=True, stdout=subprocess.DEVNULL
    )


@contextmanager
def serving(database_url: str, home: Path) -> Generator[Running]:
    """Run the server on a free port; at the end it must stop cleanly when told to.

    Raises:
        SystemExit: It did not start, or did not stop cleanly.
    """
    log = home / "server.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*_COMMAND, "serve", "--port", "0"],
            env=_environment(database_url, home),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    ended = 0
    with process.stdout as output:
        try:
            line = output.readline()
            urls = [word.rstrip(".,") for word in line.split() if word.startswith("http://")]
            if not urls:
                raise SystemExit(f"The server did not start.\n{line}{log.read_text()}")
            yield Running(urls[0], process.pid)
        finally:
            ended = stop(process)
    if ended != 0:
        raise SystemExit(f"The server ended with {ended}.\n{log.read_text()}")


def _environment(database_url: str, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROVENANCE_")}
    own = {"PROVENANCE_DATABASE_URL": database_url, "PROVENANCE_CONFIG": str(home / "config.json")}
    return kept | own
