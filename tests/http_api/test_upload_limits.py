"""Uploads under load: how many at once, how slow a sender may be, what is held, and what is left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import tracemalloc
from pathlib import Path

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Message
from tests.http_api.asgi import Answer, running
from tests.http_api.uploading import FORM, PATH, SCRIPT, form, names, send_files, source_map
from tests.stores import on_sqlite

from provenance_http import upload_routes, uploads
from provenance_http.app import create_app
from provenance_http.uploads import Turns
from provenance_storage.store import Store

pytestmark = pytest.mark.usefixtures("origin", "temporary")


@on_sqlite
def test_a_request_and_a_file_have_their_limits(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_routes, "MAX_MAP_BYTES", 5_000)
    monkeypatch.setattr(upload_routes, "LARGEST_UPLOAD", 20_000)
    files = [("file", f"{number}.js", bytes(4_900)) for number in range(5)]

    declared = client.post(PATH, content=form(files), headers=FORM)
    streamed = client.post(PATH, content=iter([form(files)]), headers=FORM)
    large = client.post(PATH, content=form([("file", "a.js", bytes(5_001))]), headers=FORM)

    assert (declared.status_code, streamed.status_code, large.status_code) == (413, 413, 413)
    assert "a.js" in large.json()["error"]["message"]


@on_sqlite
def test_very_many_parts_are_413(client: TestClient) -> None:
    body = form([("file", f"{number}.js", b"") for number in range(20_004)])

    assert client.post(PATH, content=body, headers=FORM).status_code == 413


@on_sqlite
def test_a_full_disk_is_503(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(upload_routes, "read_form", full)

    answer = client.post(PATH, files={"file": ("a.js", SCRIPT)})

    assert answer.status_code == 503
    assert "TMPDIR" in answer.json()["error"]["message"]


@on_sqlite
@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["stalls", "trickles"])
async def test_a_sender_who_stops_or_is_too_slow_is_408(
    store: Store, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(uploads, "STALL_SECONDS" if kind == "stalls" else "UPLOAD_SECONDS", 0.05)
    monkeypatch.setattr(uploads, "PROGRESS_BYTES", 1)

    async def receive() -> Message:
        await anyio.sleep(30 if kind == "stalls" else 0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async with running(create_app(store)) as ask:
        answer = await ask(PATH, receive, FORM)

    assert answer.status == 408


@on_sqlite
@pytest.mark.anyio
async def test_a_sender_who_leaves_is_answered_and_forgotten(store: Store) -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"x" * 300_000, "more_body": True}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async with running(create_app(store)) as ask:
        answer = await ask(PATH, receive, FORM)

    assert answer.status == 400


@on_sqlite
@pytest.mark.anyio
async def test_only_a_few_uploads_are_taken_in_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "WAIT_SECONDS", 0.05)
    inside, go = anyio.Event(), anyio.Event()
    waiting, refused = 0, Answer()

    async def receive() -> Message:
        nonlocal waiting
        waiting += 1
        if waiting == uploads.MOST_AT_ONCE:
            inside.set()
        await go.wait()
        return {"type": "http.disconnect"}

    async with running(create_app(store)) as ask, anyio.create_task_group() as tasks:
        for _ in range(uploads.MOST_AT_ONCE):
            tasks.start_soon(ask, PATH, receive, FORM)
        await inside.wait()
        refused = await ask(PATH, receive, FORM)
        go.set()

    assert (refused.status, refused.headers["retry-after"]) == (429, "10")
    assert waiting == uploads.MOST_AT_ONCE


@on_sqlite
@pytest.mark.anyio
async def test_what_a_killed_process_left_is_removed_after_a_day(temporary: Path) -> None:
    old, new, other = (temporary / name for name in ("provenance-upload-a", "provenance-upload-b", "other-a"))
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "file").write_bytes(b"x")
    for folder in (old, other):
        os.utime(folder, (0, 0))

    async with Turns().folder() as given:
        there = [folder.exists() for folder in (old, new, other, given)]

    assert there == [False, True, True, True]
    shutil.rmtree(new)
    shutil.rmtree(other)


@on_sqlite
@pytest.mark.anyio
async def test_a_turn_is_given_back_whatever_happens(tmp_path: Path) -> None:
    turns, folder = Turns(1), tmp_path

    for _ in range(3):
        with contextlib.suppress(ValueError):
            async with turns.folder(0.05) as given:
                folder = given
                (folder / "file").write_bytes(b"x")
                raise ValueError

    assert not folder.exists()


@on_sqlite
@pytest.mark.anyio
async def test_no_more_than_a_piece_of_an_upload_is_held_in_memory(store: Store) -> None:
    body = form([("file", "a.js", b"")])
    start, end = body[: body.index(b"\r\n\r\n") + 4], body[body.index(b"\r\n\r\n") + 4 :]
    messages = [start, *[b"x" * 65_536] * 300, end]

    async def receive() -> Message:
        return {"type": "http.request", "body": messages.pop(0), "more_body": bool(messages)}

    async with running(create_app(store)) as ask:
        tracemalloc.start()
        answer = await ask("/api/0/organizations/acme/chunk-upload/", receive, FORM)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert answer.status == 413
    assert held < 8 * uploads.PROGRESS_BYTES


def test_concurrent_uploads_of_one_release_all_arrive(client: TestClient) -> None:
    statuses: list[int] = []

    def send(number: int) -> None:
        statuses.append(send_files(client, {f"~/{number}.js.map": source_map(file=f"{number}.js")}).status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [201] * 6
    assert names(client) == [f"~/{number}.js.map" for number in range(6)]
