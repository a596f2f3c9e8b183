"""The writer: what waits is recorded together, a broken event fails alone, closing drains."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import wait
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tests.storage.conftest import new_error
from tests.stores import on_sqlite

from provenance_core.errors import Busy, Conflict, TooManyRequests, Unavailable
from provenance_storage import writer as writer_module
from provenance_storage.engine import open_database
from provenance_storage.records import OriginRecord
from provenance_storage.server_lock import serving
from provenance_storage.sqlite import SqliteDatabase
from provenance_storage.store import Store
from provenance_storage.writer import Writer


def _file(store: Store) -> SqliteDatabase:
    assert isinstance(store.database, SqliteDatabase)
    return store.database


def test_a_promise_is_kept_after_the_commit(store: Store, origin: OriginRecord, url: str) -> None:
    with Writer(store) as writer:
        recorded = writer.submit(new_error(origin)).result(10)
        other = Store.open(url)
        seen = other.interactions.find(recorded.id)
        other.close()

    assert seen is not None


def test_leaving_records_what_still_waits(store: Store, origin: OriginRecord) -> None:
    with Writer(store) as writer:
        promises = [writer.submit(new_error(origin)) for _ in range(2_000)]

    assert all(promise.done() for promise in promises)
    assert store.issues.find("my-app-1").event_count == 2_000


def test_a_broken_event_fails_alone(store: Store, origin: OriginRecord) -> None:
    broken = new_error(origin, "b", title="\ud800")
    with Writer(store) as writer:
        promises = [writer.submit(new) for new in (new_error(origin), broken, new_error(origin))]
        wait(promises, 10)

    assert promises[1].exception() is not None
    assert [promises[0].exception(), promises[2].exception()] == [None, None]
    assert store.issues.find("my-app-1").event_count == 2


def test_a_full_queue_refuses_and_recovers(store: Store, origin: OriginRecord) -> None:
    large = replace(new_error(origin), body=b"x" * (writer_module.QUEUE_BYTES // 4))
    with Writer(store) as writer:
        with store.database.write(), pytest.raises(TooManyRequests) as caught:
            [writer.submit(large) for _ in range(10)]
        limit = time.monotonic() + 30
        while True:
            try:
                writer.submit(new_error(origin)).result(10)
                break
            except TooManyRequests:
                assert time.monotonic() < limit

    assert caught.value.retry_after > 0


def test_a_closed_writer_refuses(store: Store, origin: OriginRecord) -> None:
    with Writer(store) as writer:
        pass

    with pytest.raises(Unavailable):
        writer.submit(new_error(origin))


@on_sqlite
def test_the_log_is_moved_into_the_database_when_nothing_waits(store: Store, origin: OriginRecord) -> None:
    with Writer(store) as writer:
        writer.submit(new_error(origin)).result(10)
        limit = time.monotonic() + 10
        while _file(store).wal_bytes() and time.monotonic() < limit:
            time.sleep(0.05)

        assert _file(store).wal_bytes() == 0


@on_sqlite
def test_what_others_wrote_is_moved_too(store: Store, origin: OriginRecord) -> None:
    with Writer(store):
        for _ in range(20):
            store.discard(origin.id, {("session", "not_kept"): 1})
        limit = time.monotonic() + 10
        while _file(store).wal_bytes() and time.monotonic() < limit:
            time.sleep(0.05)

        assert _file(store).wal_bytes() == 0


def test_a_reader_elsewhere_delays_no_event(store: Store, origin: OriginRecord, url: str) -> None:
    other = Store.open(url)
    with Writer(store) as writer, other.database.read() as connection:
        connection.exec_driver_sql("select count(*) from error_issue").all()
        writer.submit(new_error(origin)).result(10)
        time.sleep(2 * writer_module.IDLE_SECONDS)
        begun = time.monotonic()
        writer.submit(new_error(origin)).result(10)
        taken = time.monotonic() - begun
    other.close()

    assert taken < 5


class Impatient(SqliteDatabase):
    """A database that waits only for a moment for one who holds it, and counts how often it did in vain."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.in_vain = 0

    @contextmanager
    def write(self) -> Generator[Connection]:
        self.pragma("busy_timeout=100")
        try:
            with super().write() as connection:
                yield connection
        except Busy:
            self.in_vain += 1
            raise


@on_sqlite
def test_a_store_that_another_process_holds_is_waited_for(store: Store, origin: OriginRecord, url: str) -> None:
    other = open_database(url)
    impatient = Impatient(_file(store).path)
    with closing(Store(impatient)) as waiting, Writer(waiting) as writer:
        with other.write():
            promise = writer.submit(new_error(origin))
            limit = time.monotonic() + 30
            while impatient.in_vain < 2 and time.monotonic() < limit:
                time.sleep(0.05)
            kept_early = promise.done()
        recorded = promise.result(20)
    other.close()

    assert impatient.in_vain >= 2
    assert not kept_early
    assert store.interactions.find(recorded.id) is not None


class BrokenLog(SqliteDatabase):
    """A database whose write-ahead log cannot be moved, for a reason nobody foresaw."""

    def checkpoint(self) -> bool:
        raise OSError("disk on fire")


@on_sqlite
def test_a_log_that_cannot_be_moved_ends_nothing(
    store: Store, origin: OriginRecord, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Writer(Store(BrokenLog(_file(store).path))) as writer:
        writer.submit(new_error(origin)).result(10)
        limit = time.monotonic() + 10
        while not caplog.records and time.monotonic() < limit:
            time.sleep(0.05)
        writer.submit(new_error(origin)).result(10)

        assert writer.alive
    assert not writer.alive
    assert store.issues.find("my-app-1").event_count == 2


@on_sqlite
def test_a_second_server_is_refused_through_a_link_too(store: Store) -> None:
    link = _file(store).path.with_name("link.sqlite3")
    link.symlink_to(_file(store).path)
    other = SqliteDatabase(link)

    with (
        serving(_file(store), "http://127.0.0.1:1"),
        pytest.raises(Conflict),
        serving(other, "http://127.0.0.1:2"),
    ):
        pass


@on_sqlite
def test_a_second_server_is_refused_and_told_of_the_first(store: Store) -> None:
    script = (
        "import pathlib, sys\n"
        "from provenance_core.errors import Conflict\n"
        "from provenance_storage.server_lock import serving\n"
        "from provenance_storage.sqlite import SqliteDatabase\n"
        "try:\n"
        "    with serving(SqliteDatabase(pathlib.Path(sys.argv[1])), 'http://127.0.0.1:2'): print('served')\n"
        "except Conflict as error: print(error.message)\n"
    )
    command = [sys.executable, "-c", script, str(_file(store).path)]
    with serving(_file(store), "http://127.0.0.1:1"):
        refused = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    freed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    assert f"by process {os.getpid()} at http://127.0.0.1:1" in refused
    assert freed == "served\n"


@on_sqlite
def test_a_server_that_died_leaves_no_lock(store: Store) -> None:
    script = (
        "import os, pathlib, sys\n"
        "from provenance_storage.server_lock import serving\n"
        "from provenance_storage.sqlite import SqliteDatabase\n"
        "with serving(SqliteDatabase(pathlib.Path(sys.argv[1])), 'http://127.0.0.1:2'): os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(_file(store).path)], check=False, timeout=60)

    with serving(_file(store), "http://127.0.0.1:1"):
        pass
    with pytest.raises(Conflict), serving(_file(store), "a"), serving(_file(store), "b"):
        pass
