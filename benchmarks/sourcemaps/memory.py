"""The memory of a server that resolves events by many different maps, one after the other."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.machine import usage
from benchmarks.provenance import Running, serving

ROUNDS = 2
STEPS = 10
"""How often the memory is read while the maps are gone through."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that the server's processes held: after so many maps, resident and proportional."""

    maps: int
    rss: int
    pss: int


def measure(path: Path, maps: int) -> list[Memory]:
    """Upload variants of a map, each with sources of other names, and resolve an event by each, in several rounds."""
    document = json.loads(path.read_text("utf-8-sig"))
    with (
        tempfile.TemporaryDirectory(prefix="provenance-bench-") as home,
        serving(f"sqlite:///{home}/store.sqlite3", Path(home)) as server,
    ):
        number, key = server.create_origin("shop")
        for variant in range(maps):
            _upload(server, variant, _variant(document, variant))
        return list(_resolve(server, number, key, maps))


def _variant(document: dict[str, Any], number: int) -> bytes:
    sources = [f"variant-{number}/{name}" for name in document["sources"]]
    return json.dumps({**document, "sources": sources}).encode()


def _upload(server: Running, number: int, content: bytes) -> None:
    boundary = uuid4().hex
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="~/app-{number}.js.map"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    url = f"{server.url}/api/origins/shop/releases/1.0.0/sourcemaps"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120) as answer:
        answer.read()


def _resolve(server: Running, number: str, key: str, maps: int) -> Iterator[Memory]:
    yield _memory(server, 0)
    every = max(1, maps // STEPS)
    for count in range(maps * ROUNDS):
        _send(server, number, key, count % maps)
        if (count + 1) % every == 0:
            yield _memory(server, count + 1)


def _memory(server: Running, maps: int) -> Memory:
    now = usage([server.pid])
    return Memory(maps, now.rss, now.pss)


def _send(server: Running, number: str, key: str, variant: int) -> None:
    frames = [
        {"filename": f"http://h/app-{variant}.js", "function": "m", "lineno": line, "colno": column, "in_app": True}
        for line in (1, 2, 10)
        for column in range(100, 40_000, 997)
    ]
    event = {
        "event_id": uuid4().hex,
        "platform": "javascript",
        "release": "1.0.0",
        "exception": {"values": [{"type": "Error", "value": "x", "stacktrace": {"frames": frames}}]},
    }
    request = urllib.request.Request(
        f"{server.url}/api/{number}/store/?sentry_key={key}",
        json.dumps(event).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
