"""Real processes for tests: the server, the command line, MCP over stdio, Node."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import StdioServerParameters

ROOT = Path(__file__).parents[1]
NODE_TESTS = ROOT / "tests" / "journeys" / "node"
PROVENANCE = [sys.executable, "-m", "provenance_cli"]
STOP_SECONDS = 20


@dataclass(frozen=True)
class Installation:
    """A user's machine: a home folder, a store (a file there unless a URL is given), its processes' environment."""

    home: Path
    database_url: str | None = None

    @property
    def store_url(self) -> str:
        """Return the URL of the store."""
        return self.database_url or f"sqlite:///{self.home / 'provenance.sqlite3'}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which every process of this machine runs."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PROVENANCE_")}
        own = {
            "HOME": str(self.home),
            "PROVENANCE_DATABASE_URL": self.store_url,
            "PROVENANCE_CONFIG": str(self.home / "config.json"),
        }
        return kept | own

    def run(self, *arguments: str, expect: int = 0, environment: dict[str, str] | None = None) -> str:
        """Run the command line and return what it printed."""
        done = subprocess.run(
            [*PROVENANCE, *arguments],
            env=self.environment | (environment or {}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout if expect == 0 else done.stderr

    def json(self, *arguments: str, environment: dict[str, str] | None = None) -> Any:
        """Run the command line with `--json` and return the document it printed."""
        return json.loads(self.run(*arguments, "--json", environment=environment))

    def mcp(self, cwd: Path | None = None, **environment: str) -> StdioServerParameters:
        """Return how a client starts the MCP server of this machine."""
        return StdioServerParameters(
            command=PROVENANCE[0],
            args=[*PROVENANCE[1:], "mcp"],
            env=self.environment | environment,
            cwd=cwd,
        )


@dataclass(frozen=True)
class RunningServer:
    """A server process and where it answers."""

    url: str
    process: subprocess.Popen[str]

    def client(self) -> httpx.Client:
        """Return an HTTP client of the server."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)


@contextmanager
def serving(machine: Installation, *bounds: str) -> Generator[RunningServer]:
    """Run `provenance serve` on a free port; at the end it must stop cleanly."""
    process = subprocess.Popen(
        [*PROVENANCE, "serve", "--port", "0", *bounds],
        env=machine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        found = [word.rstrip(".,") for word in line.split() if word.startswith("http://")]
        if not found:
            process.kill()
            raise AssertionError(line + process.stdout.read() + process.stderr.read())
        yield RunningServer(found[0], process)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0, process.stderr.read()
            assert process.stderr.read() == ""
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(STOP_SECONDS)
        process.stdout.close()
        process.stderr.close()


def node_package(name: str) -> Path:
    """Return the folder of a client from npm; skip the test where it is not installed, fail where CI must have it."""
    folder = NODE_TESTS / "node_modules" / name
    if folder.is_dir() and shutil.which("node"):
        return folder
    reason = f"{name} is not installed for Node: run `make test`, which needs the npm registry once"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def dsn(url: str, origin: dict[str, Any]) -> str:
    """Return the DSN of an origin on a server."""
    return f"{url.replace('://', '://' + origin['publicKey'] + '@')}/{origin['number']}"
