"""`provenance mcp` while a server elsewhere is silent: it goes on reading, and ends when its host goes."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import PROVENANCE
from tests.stores import Kind

CALLS = 60
STOP_SECONDS = 20


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store, which is not asked."""
    return "sqlite"


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=2 * CALLS) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _started(silent: str, home: Path, *, errors: int | None = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start it, shake hands and leave many calls without an answer."""
    command = [*PROVENANCE, "mcp", "--api-url", silent]
    if errors is None:
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    environment = {"HOME": str(home), "PROVENANCE_CONFIG": str(home / "config.json"), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    info = {"name": "test", "version": "1"}
    _send(process, 0, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=info)
    assert _read(process)["id"] == 0
    for number in range(1, CALLS + 1):
        _send(process, number, "tools/call", name="get_error_issues", arguments={})
    return process


def _send(process: subprocess.Popen[bytes], number: int, method: str, **params: object) -> None:
    assert process.stdin is not None
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def _read(process: subprocess.Popen[bytes]) -> dict[str, object]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_many_calls_that_wait_leave_room_for_what_follows(silent: str, tmp_path: Path) -> None:
    process = _started(silent, tmp_path)
    time.sleep(1)
    begun = time.monotonic()
    _send(process, CALLS + 1, "ping")
    answered = _read(process)
    pinged = time.monotonic() - begun
    begun = time.monotonic()
    process.communicate(timeout=STOP_SECONDS)
    ended = time.monotonic() - begun

    assert answered == {"jsonrpc": "2.0", "id": CALLS + 1, "result": {}}
    assert pinged < 2
    assert ended < 5
    assert process.returncode == 0


def test_it_ends_where_nobody_reads_its_errors(silent: str, tmp_path: Path) -> None:
    process = _started(silent, tmp_path, errors=None)
    time.sleep(1)
    with contextlib.suppress(BrokenPipeError):
        process.communicate(timeout=STOP_SECONDS)

    assert process.returncode == 0
