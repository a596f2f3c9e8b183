"""Files on their way to a server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from provenance_core.errors import Unavailable
from provenance_server.sending import send_files
from provenance_server.uploaded_files import UploadedFile
from provenance_server.uploading import UploadTarget


def test_files_are_open_only_while_they_are_read(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    taken: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        taken.append(request.read())
        assert request.headers["content-length"] == str(len(taken[0]))
        return httpx.Response(200, json={})

    files: list[UploadedFile] = []
    for number in range(200):
        (tmp_path / f"{number}.js").write_text(f"code of {number};")
        files.append(UploadedFile(f"~/{number}.js", tmp_path / f"{number}.js"))
    told: list[tuple[int, ...]] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 50, hard))
        try:
            send_files(http, "http://h", UploadTarget("a", "1"), files, lambda *sent: told.append(sent))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert all(f"code of {number};".encode() in taken[0] for number in range(200))
    assert told[-1][0] == told[-1][1]


def test_a_file_that_is_gone_by_then_is_unavailable(tmp_path: Path) -> None:
    gone = UploadedFile("~/a.js", tmp_path / "a.js")
    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as http,
        pytest.raises(Unavailable, match="cannot be read from this machine's disk"),
    ):
        send_files(http, "http://h", UploadTarget("a", "1"), [gone], None)
