"""Upload as curl and sentry-cli do: real maps, forms, archives, and the binary itself."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.processes import ROOT

SCRIPT = b'(()=>{function r(){throw new Error("no price")}r()})();\n//# sourceMappingURL=app.min.js.map\n'
SOURCE = 'export function priceOf() {\n  throw new Error("no price");\n}\npriceOf();\n'
MAPPINGS = "MAAO,SAASA,IACd,MAAM,IAAIC,MAAM,WAClB,CACAD"
PATH = "/api/origins/my-app/releases/1.0.0/sourcemaps"

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "host": "127.0.0.1:4000"}

_FOLDERS = ("tests/journeys/node/node_modules",)
_BINARIES = ("cli-linux-x64", "cli-linux-arm64", "cli-darwin")


def source_map(**changes: Any) -> bytes:
    """Return a small source map, with changes; one that is None is left out."""
    document = {
        "version": 3,
        "file": "app.min.js",
        "sources": ["../src/price.ts"],
        "sourcesContent": [SOURCE],
        "names": ["priceOf", "Error"],
        "mappings": MAPPINGS,
        **changes,
    }
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


def zipped(members: dict[str, bytes]) -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def form(parts: Sequence[tuple[str, str | None, bytes]]) -> bytes:
    """Return a form of fields, file names and bytes."""
    body = b""
    for field, filename, data in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"{named}\r\n\r\n'.encode()
        body += data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def send_files(client: TestClient, files: dict[str, bytes], path: str = PATH, **texts: str) -> Any:
    """Post files as a form, each in a part `file` with its name."""
    parts: list[Any] = [("file", (name, data)) for name, data in files.items()]
    return client.post(path, files=parts, data=texts)


def names(client: TestClient, path: str = PATH) -> list[str]:
    """Return the names of a release's artifacts."""
    return [one["name"] for one in client.get(path).json()["items"]]


def sentry_cli() -> Path:
    """Return the binary of sentry-cli; skip the test where it is not installed, fail where CI must have it."""
    for folder in _FOLDERS:
        for package in _BINARIES:
            binary = ROOT / folder / "@sentry" / package / "bin" / "sentry-cli"
            if binary.is_file():
                return binary
    reason = "sentry-cli is not installed for Node: run `make test`, which needs the npm registry once"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run_cli(
    url: str,
    home: Path,
    *arguments: str,
    expect: int = 0,
    project: str | None = "my-app",
    token: str = "prov_0123456789abcdef",
) -> str:
    """Run sentry-cli against a server and return what it printed; a server that is open does not mind the token."""
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "SENTRY_URL": url,
        "SENTRY_AUTH_TOKEN": token,
        "SENTRY_ORG": "acme",
        "SENTRY_DISABLE_UPDATE_CHECK": "1",
        "NO_PROXY": "*",
    } | ({"SENTRY_PROJECT": project} if project else {})
    done = subprocess.run(
        [str(sentry_cli()), "--log-level=info", *arguments],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == expect, told
    return told
