"""Uploads made to harm: each is refused in bounded time and memory, and the server goes on as before."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.maps import POSITIONS, crash, source_map
from tests.processes import Installation as Machine
from tests.processes import RunningServer, serving

SECONDS = 30.0
MEGABYTES = 200
PATH = "/api/origins/shop/releases/1.0.0/sourcemaps"
VERSION = '{"version":3,"sources":["a.js"],"names":[],"mappings":'


def _sections(line: object) -> str:
    return json.dumps({"version": 3, "sections": [{"offset": {"line": line, "column": 0}, "map": source_map()}]})


MAPS: dict[str, Callable[[], str]] = {
    "deep nesting": lambda: VERSION + "[" * 5_000_000,
    "deep sections": lambda: '{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":' * 20_000,
    "a huge offset": lambda: _sections(2**40),
    "a negative offset": lambda: _sections(-1),
    "an offset of another type": lambda: _sections(True),
    "twenty million lines": lambda: VERSION + '"' + ";" * 20_000_000 + '"}',
    "a number without an end": lambda: VERSION + '"' + "g" * 10_000_000 + '"}',
    "twelve million segments": lambda: VERSION + '"' + "A," * 12_000_000 + '"}',
    "characters outside base64": lambda: VERSION + '"AA$A"}',
    "two fields": lambda: VERSION + '"AA"}',
    "no list of sources": lambda: '{"version":3,"sources":"a.js","names":[],"mappings":""}',
    "no map": lambda: "<html>404</html>",
    "nothing": lambda: "",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(Machine(tmp_path_factory.mktemp("machine"))) as running:
        with running.client() as client:
            assert client.post("/api/origins", json={"mnemonic": "shop"}).status_code == 201
        yield running


@pytest.mark.parametrize("name", MAPS)
def test_a_hostile_map_is_refused_and_the_server_unharmed(server: RunningServer, name: str) -> None:
    files = {"file": ("~/static/app.min.js.map", MAPS[name]().encode())}

    _refused(server, lambda client: client.post(PATH, files=files), {400, 413})


@pytest.mark.parametrize("name", ["../../app.js", "/../etc/passwd.js", "a\\..\\b.js"])
def test_a_name_that_leads_elsewhere_is_refused(server: RunningServer, name: str) -> None:
    _refused(server, lambda client: client.post(PATH, files={"file": (name, b"x")}), {400})
    _refused(server, lambda client: _post_zip(client, {name: b"x"}), {400})


def test_an_archive_of_a_gigabyte_of_nothing_is_refused(server: RunningServer) -> None:
    nothing = {f"{number}.js": bytes(60_000_000) for number in range(20)}

    _refused(server, lambda client: _post_zip(client, nothing), {413})


def _post_zip(client: Any, members: dict[str, bytes]) -> Any:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return client.post(PATH, content=body.getvalue(), headers={"content-type": "application/zip"})


def _refused(server: RunningServer, post: Callable[[Any], Any], statuses: set[int]) -> None:
    with server.client() as client:
        before = _peak(server)
        began = time.monotonic()
        answer = post(client)
        took = time.monotonic() - began

        assert answer.status_code in statuses, answer.text
        assert answer.json()["error"]["message"]
        assert took < SECONDS
        assert _peak(server) - before < MEGABYTES
        assert client.get("/readyz").status_code == 200
        assert client.get("/api/origins/shop/releases").json()["total"] == 0
        event = {"origin": "shop", "resourceType": "ERROR", "interaction": crash(*POSITIONS, release=None)}
        assert client.post("/api/interactions", json=event).status_code == 201


def _peak(server: RunningServer) -> float:
    """Return the most memory that the server's process has had, in megabytes."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the system does not tell")
