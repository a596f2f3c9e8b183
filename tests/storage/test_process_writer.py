"""The writing process: promises are kept from another process, and its death loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.storage.conftest import new_error
from tests.stores import on_sqlite

from provenance_core.errors import NotFound, TooManyRequests, Unavailable
from provenance_core.events import Via
from provenance_core.ids import uuid7
from provenance_storage import process_writer as process_writer_module
from provenance_storage import writer as writer_module
from provenance_storage.engine import sqlite_path
from provenance_storage.process_writer import ProcessWriter, supported
from provenance_storage.records import NewInteraction, OriginRecord, Recorded
from provenance_storage.store import Store
from provenance_storage.wire import Unframed, framed, packed, packed_outcome, unpacked, unpacked_outcome

pytestmark = pytest.mark.skipif(not supported(), reason="a writing process needs POSIX")


@asynccontextmanager
async def writing(url: str, batches: list[int] | None = None) -> AsyncGenerator[ProcessWriter]:
    writer = ProcessWriter(url, lambda size, _: batches.append(size) if batches is not None else None)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


async def recorded(writer: ProcessWriter, new: NewInteraction) -> Recorded:
    return await asyncio.wrap_future(writer.submit(new))


def test_a_promise_is_kept_after_the_commit(store: Store, origin: OriginRecord, url: str) -> None:
    async def send() -> Recorded:
        async with writing(url) as writer:
            return await recorded(writer, new_error(origin, tags={"a": "b"}, user=b"1" * 16, release="1.0"))

    done = asyncio.run(send())

    found = store.interactions.find(done.id)
    assert found is not None
    assert found.issue_id == done.issue_id
    assert store.issues.find("my-app-1").user_count == 1


def test_what_is_known_of_the_sender_goes_over_as_it_is(store: Store, origin: OriginRecord, url: str) -> None:
    new = replace(new_error(origin), via=Via.SERVER, matched=True, sender_hash=b"12345678")

    async def send() -> Recorded:
        async with writing(url) as writer:
            await recorded(writer, new_error(origin))
            return await recorded(writer, new)

    found = store.interactions.find(asyncio.run(send()).id)

    assert found is not None
    assert (found.via, found.matched) == (Via.SERVER, True)
    assert unpacked(packed(new)) == new
    issue = store.issues.find("my-app-1")
    assert (issue.authenticated_count, issue.matched_count, issue.event_count) == (1, 0, 2)
    assert store.interactions.by_sender(issue, 10) == [1]


def test_many_share_batches_and_leaving_records_what_waits(store: Store, origin: OriginRecord, url: str) -> None:
    batches: list[int] = []

    async def send() -> list[Recorded]:
        async with writing(url, batches) as writer:
            promises = [writer.submit(new_error(origin, event_id=f"e{n % 150}")) for n in range(200)]
        return [promise.result(0) for promise in promises]

    done = asyncio.run(send())

    assert sum(one.duplicate for one in done) == 50
    assert sum(batches) == 200
    assert len(batches) < 100
    assert store.issues.find("my-app-1").event_count == 150


def test_threads_may_submit(store: Store, origin: OriginRecord, url: str) -> None:
    async def send() -> Recorded:
        async with writing(url) as writer:
            return await asyncio.to_thread(lambda: writer.submit(new_error(origin)).result(10))

    assert store.interactions.find(asyncio.run(send()).id) is not None


def test_a_killed_process_is_started_again_and_counts_once(store: Store, origin: OriginRecord, url: str) -> None:
    async def client(writer: ProcessWriter, numbers: range) -> int:
        return len([await recorded(writer, new_error(origin, event_id=f"e{n}")) for n in numbers])

    async def send() -> int:
        async with writing(url) as writer:
            clients = [asyncio.create_task(client(writer, range(n, 1200, 8))) for n in range(8)]
            for _ in range(3):
                await asyncio.sleep(0.3)
                assert writer.process_id is not None
                with suppress(ProcessLookupError):  # it may lie there dead from the last time
                    os.kill(writer.process_id, signal.SIGKILL)
            return sum(await asyncio.gather(*clients))

    assert asyncio.run(send()) == 1200
    assert store.issues.find("my-app-1").event_count == 1200


def test_what_may_have_been_recorded_is_not_sent_twice_without_an_id(origin: OriginRecord, url: str) -> None:
    async def send() -> None:
        async with writing(url) as writer:
            assert writer.process_id is not None
            os.kill(writer.process_id, signal.SIGSTOP)
            promise = asyncio.wrap_future(writer.submit(new_error(origin)))
            os.kill(writer.process_id, signal.SIGKILL)
            with pytest.raises(Unavailable, match="not known whether"):
                await promise

    asyncio.run(send())


def test_stopping_ends_though_the_process_dies_with_what_cannot_be_sent_again(origin: OriginRecord, url: str) -> None:
    async def send() -> None:
        writer = ProcessWriter(url)
        await writer.start()
        assert writer.process_id is not None
        os.kill(writer.process_id, signal.SIGSTOP)
        promise = writer.submit(new_error(origin))
        stopping = asyncio.create_task(writer.stop())
        await asyncio.sleep(0)
        os.kill(writer.process_id, signal.SIGKILL)
        async with asyncio.timeout(30):
            await stopping
        assert isinstance(promise.exception(0), Unavailable)

    asyncio.run(send())


def test_a_server_with_very_many_files_can_have_the_process(origin: OriginRecord, url: str) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 1200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1200, hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1050)]

    async def send() -> Recorded:
        async with writing(url) as writer:
            return await recorded(writer, new_error(origin))

    try:
        assert asyncio.run(send()).issue_id is not None
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_refusal_comes_back_as_itself(origin: OriginRecord, url: str) -> None:
    async def send() -> None:
        async with writing(url) as writer:
            gone = replace(new_error(origin), origin_id=uuid7(0, 5))
            promises = [asyncio.wrap_future(writer.submit(new)) for new in (new_error(origin), gone)]
            good, bad = await asyncio.gather(*promises, return_exceptions=True)
        assert isinstance(good, Recorded)
        assert isinstance(bad, NotFound)

    asyncio.run(send())


def test_a_fault_at_one_interaction_tells_nothing_of_it(
    origin: OriginRecord, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def send() -> None:
        async with writing(url) as writer:
            new = new_error(origin)
            assert new.event is not None
            broken = replace(new, event=replace(new.event, title="canary\ud800"))
            promises = [asyncio.wrap_future(writer.submit(new)) for new in (new, broken)]
            good, bad = await asyncio.gather(*promises, return_exceptions=True)
        assert isinstance(good, Recorded)
        assert isinstance(bad, RuntimeError)
        assert "canary" not in str(bad)

    asyncio.run(send())
    log = capfd.readouterr().err
    assert "canary" not in log
    assert "An interaction could not be recorded: UnicodeEncodeError at " in log


def test_too_much_is_refused_at_once(origin: OriginRecord, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_ITEMS", 3)

    async def send() -> None:
        async with writing(url) as writer:
            kept = [writer.submit(new_error(origin)) for _ in range(3)]
            with pytest.raises(TooManyRequests):
                writer.submit(new_error(origin))
            await asyncio.gather(*(asyncio.wrap_future(promise) for promise in kept))
            await recorded(writer, new_error(origin))

    asyncio.run(send())


def _comes_to_life(writer: ProcessWriter) -> bool:
    limit = time.monotonic() + 30
    while not writer.alive and time.monotonic() < limit:
        time.sleep(0.02)
    return writer.alive


@on_sqlite
def test_what_waits_is_refused_after_some_deaths_and_a_process_is_tried_for_on_and_on(
    origin: OriginRecord, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sqlite_path(url)
    assert path is not None
    aside = path.with_name("aside")
    monkeypatch.setattr(process_writer_module, "RESTARTS", 2)
    monkeypatch.setattr(process_writer_module, "PAUSE_SECONDS", 0.01)

    async def send() -> Recorded:
        async with writing(url) as writer:
            assert writer.process_id is not None
            path.rename(aside)
            path.mkdir()
            os.kill(writer.process_id, signal.SIGKILL)
            with pytest.raises(Unavailable, match="cannot be written"):
                await recorded(writer, new_error(origin, event_id="1"))
            with pytest.raises(Unavailable, match="cannot be written"):
                writer.submit(new_error(origin, event_id="2"))
            assert not writer.alive
            path.rmdir()
            aside.rename(path)
            assert await asyncio.to_thread(_comes_to_life, writer)
            return await recorded(writer, new_error(origin, event_id="3"))

    assert not asyncio.run(send()).duplicate


def test_a_store_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and long enough to be taken for one" * 100)

    async def start() -> None:
        await ProcessWriter(f"sqlite:///{path}").start()

    with pytest.raises(Unavailable, match="damaged or not a store"):
        asyncio.run(start())


def test_the_process_ends_with_the_server_whatever_ends_it(origin: OriginRecord, store: Store, url: str) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from provenance_storage.process_writer import ProcessWriter\n"
        "async def main():\n"
        "    writer = ProcessWriter(sys.argv[1])\n"
        "    await writer.start()\n"
        "    print(writer.process_id, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, url], check=False, capture_output=True, timeout=60)
    child = Path(f"/proc/{int(done.stdout)}")
    limit = time.monotonic() + 10
    while child.exists() and time.monotonic() < limit:
        time.sleep(0.05)

    assert not child.exists()


def test_what_goes_over_comes_back_the_same(origin: OriginRecord) -> None:
    new = new_error(origin, event_id="e", user=b"u" * 16, tags={"k": "v"}, release="1")
    outcomes = [
        Recorded(uuid7(1, 1), 5, uuid7(2, 2), duplicate=True),
        Recorded(uuid7(1, 1), 5),
        TooManyRequests("no", 7),
        NotFound("gone"),
    ]
    messages = b"".join(framed(value) for value in ((1, packed(new)), [packed_outcome(one) for one in outcomes]))
    unframed = Unframed()
    (_, over), told = [message for byte in messages for message in unframed.feed(bytes([byte]))]
    back = [unpacked_outcome(values) for values in told]

    assert unpacked(over) == new
    assert back[:2] == outcomes[:2]
    assert [type(one) for one in back[2:]] == [TooManyRequests, NotFound]
    assert isinstance(back[2], TooManyRequests)
    assert back[2].retry_after == 7
