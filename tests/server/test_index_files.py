"""Files of packed indexes: damaged, deleted, in each other's way; what happens to them makes no event fail."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factory import make_context, make_origin
from tests.maps import crash, frame, script, source_map
from tests.server.source_maps import APP, first_frame, put, record, resolve
from tests.stores import Kind

from provenance_core.events import Unresolved
from provenance_core.sourcemaps import layout
from provenance_core.sourcemaps.layout import Table
from provenance_server.context import Context
from provenance_server.index_files import FAILED_SECONDS, PART_SECONDS, IndexFiles
from provenance_server.source_maps import MOST_OPEN, SourceMaps
from provenance_storage.records import PartKind
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: the files of indexes lie beside either."""
    return "sqlite"


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Machine:
    """What a process of one machine has: source maps in a folder, and a clock."""

    context: Context
    folder: Path
    clock: Clock

    def anew(self) -> Machine:
        """Return a process begun now, on the same machine."""
        maps = SourceMaps(self.context.store, self.folder, self.clock)
        context = Context(self.context.store, self.context.recorder, self.context.access, maps)
        return Machine(context, self.folder, self.clock)

    def file(self) -> Path:
        """Return the file of the only index."""
        (path,) = self.folder.glob("*.index")
        return path


@pytest.fixture
def machine(store: Store, tmp_path: Path) -> Machine:
    make_origin(store, "shop")
    return Machine(make_context(store), tmp_path / "indexes", Clock()).anew()


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "provenance_server.index_files"]


def _one(context: Context, *frames: Any, **more: Any) -> tuple[str | None, Unresolved | None]:
    found = resolve(context, *(frames or [frame("checkout")]), **more).reported.frames[-1]
    return found.file, found.unresolved


def _overwrite(path: Path, table: Table, value: bytes = b"\xff") -> None:
    """Damage a part where it lies, as a disk does, also under those who have the file open."""
    data = path.read_bytes()
    start, length = layout.ENTRY.unpack_from(data, layout.HEADER.size + table * layout.ENTRY.size)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(value * length)


def _damage_store(store: Store) -> None:
    with store.database.write() as connection:
        connection.execute(text("UPDATE source_map_part SET body = :body"), {"body": b"\x28\xb5\x2f\xfd\x00"})


def _content(store: Store) -> tuple[UUID, bytes]:
    origin = store.origins.find("shop")
    release = store.releases.find(origin.id, "1.0.0")
    rows, _ = store.artifacts.list(origin.id, release.id, 10, None)
    return origin.id, next(row.hash for row in rows if row.name.endswith(".map"))


@pytest.mark.parametrize("table", [Table.BLOCK_BYTES, Table.STARTS, Table.SOURCES, Table.LINES, Table.SCOPES])
def test_a_damaged_file_is_fetched_again_by_a_process_that_opens_it(
    machine: Machine, tmp_path: Path, table: Table
) -> None:
    put(machine.context, tmp_path)
    _one(machine.context)
    sound = machine.file().read_bytes()
    _overwrite(machine.file(), table)
    other = machine.anew().context

    assert first_frame(other, record(other, crash("total"))).file == "src/cart.ts"
    assert _one(other) == ("src/cart.ts", None)
    assert machine.file().read_bytes() == sound


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"cut"])
def test_a_file_that_is_no_index_is_fetched_again(machine: Machine, tmp_path: Path, content: bytes) -> None:
    put(machine.context, tmp_path)
    _one(machine.context)
    path = machine.file()
    path.unlink()
    path.write_bytes(content)

    assert _one(machine.anew().context) == ("src/cart.ts", None)


def test_damage_under_an_open_map_costs_one_event_its_frames_and_no_event_is_lost(
    machine: Machine, tmp_path: Path
) -> None:
    put(machine.context, tmp_path)
    _one(machine.context)
    _overwrite(machine.file(), Table.BLOCK_BYTES)
    # The first frame is remembered from before; of a map that is damaged nothing is used.
    both = resolve(machine.context, frame("checkout"), frame("price"))

    assert [one.unresolved for one in both.reported.frames] == [Unresolved.UNREADABLE_MAP] * 2
    assert not list(machine.folder.glob("*.index"))
    assert _one(machine.context, frame("checkout"), frame("price")) == ("src/price.ts", None)
    issue = record(machine.context, crash("total", "price"))
    assert first_frame(machine.context, issue).file == "src/cart.ts"


def test_an_event_is_recorded_and_read_while_its_map_is_damaged(machine: Machine, tmp_path: Path) -> None:
    put(machine.context, tmp_path)
    _one(machine.context)
    _overwrite(machine.file(), Table.STARTS)
    issue = record(machine.context, crash("total"))

    assert first_frame(machine.context, issue).file == "src/cart.ts"  # read when it was fetched again


def test_an_index_that_is_damaged_again_and_again_is_left_alone_for_a_minute(
    machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(machine.context, tmp_path)
    for _ in range(2):
        assert _one(machine.context) == ("src/cart.ts", None)
        _overwrite(machine.file(), Table.BLOCK_BYTES)
        assert _one(machine.context, frame("price"))[1] is Unresolved.UNREADABLE_MAP
    for _ in range(5):
        assert _one(machine.context)[1] is Unresolved.UNREADABLE_MAP
    assert len(_warnings(caplog)) == 2

    machine.clock.now += FAILED_SECONDS
    assert _one(machine.context) == ("src/cart.ts", None)


def test_a_map_that_cannot_be_read_is_tried_and_logged_once_a_minute(
    machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(machine.context, tmp_path)
    _damage_store(machine.context.store)
    for _ in range(20):
        record(machine.context, crash("checkout"))

    assert len(_warnings(caplog)) == 1
    assert _one(machine.context)[1] is Unresolved.UNREADABLE_MAP
    machine.clock.now += FAILED_SECONDS
    assert _one(machine.context)[1] is Unresolved.UNREADABLE_MAP
    assert len(_warnings(caplog)) == 2


def test_an_upload_mends_at_once_what_could_not_be_read(machine: Machine, tmp_path: Path) -> None:
    put(machine.context, tmp_path)
    _damage_store(machine.context.store)
    other = machine.anew().context
    for context in (machine.context, other):
        assert _one(context)[1] is Unresolved.UNREADABLE_MAP
    put(machine.context, tmp_path)

    assert _one(machine.context) == _one(other) == ("src/cart.ts", None)


def test_a_folder_that_cannot_be_used_is_tried_again_after_a_minute(
    machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    named = {f"~/{name}.js": script(f"{name}.js.map") for name in "abc"}
    put(machine.context, tmp_path, named | {f"~/{name}.js.map": source_map(file=name) for name in "abc"})
    machine.folder.write_text("a file is in the way")
    assert _one(machine.context, frame("checkout", url="https://h/a.js")) == ("src/cart.ts", None)
    machine.folder.unlink()
    assert _one(machine.context, frame("checkout", url="https://h/b.js")) == ("src/cart.ts", None)
    assert not machine.folder.exists()
    machine.clock.now += FAILED_SECONDS
    assert _one(machine.context, frame("checkout", url="https://h/c.js")) == ("src/cart.ts", None)

    assert machine.file().stat().st_size
    assert len(_warnings(caplog)) == 1


def test_files_may_be_deleted_while_others_fetch_and_open_them(
    machine: Machine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(machine.context, tmp_path)
    origin_id, content = _content(machine.context.store)
    files = IndexFiles(machine.context.store, machine.folder)
    done = threading.Event()

    def delete() -> None:
        while not done.is_set():
            for path in machine.folder.glob("*.index"):
                with suppress(OSError):
                    path.unlink()

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        opened = [files.open(origin_id, content) for _ in range(200)]
    finally:
        done.set()
        deleting.join()

    assert all(opened)
    assert files.open(origin_id, content) is not None
    assert machine.file().exists()
    assert not _warnings(caplog)


def test_room_is_made_of_files_used_long_ago_and_never_of_what_is_being_written(
    machine: Machine, tmp_path: Path
) -> None:
    put(machine.context, tmp_path)
    origin_id, content = _content(machine.context.store)
    machine.folder.mkdir()
    written, left, old = (machine.folder / name for name in ("written.part", "left.part", "old.index"))
    for path, age in ((written, 60), (left, PART_SECONDS + 60), (old, 60)):
        path.write_bytes(b"x" * 10_000)
        now = path.stat().st_mtime
        os.utime(path, (now - age, now - age))
    assert IndexFiles(machine.context.store, machine.folder, 10_000).open(origin_id, content) is not None

    assert {path.name for path in machine.folder.iterdir()} == {
        written.name,
        f"{content.hex()}.{layout.INDEX_VERSION}.index",
    }


def test_a_file_appears_whole_and_is_what_the_store_has(machine: Machine, tmp_path: Path) -> None:
    put(machine.context, tmp_path)
    origin_id, content = _content(machine.context.store)
    _one(machine.context)

    kept = b"".join(machine.context.store.artifacts.read_part(origin_id, content, PartKind.INDEX))
    assert machine.file().read_bytes() == kept
    assert [path.suffix for path in machine.folder.iterdir()] == [".index"]


def test_every_file_of_an_event_is_looked_for_however_many_they_are(machine: Machine, tmp_path: Path) -> None:
    count = 2 * MOST_OPEN + 6
    named: dict[str, Any] = {f"~/m{number}.js": script("all.map") for number in range(count)}
    put(machine.context, tmp_path, named | {"~/all.map": source_map()})
    frames = [frame("checkout", url=f"https://shop.example/m{number}.js") for number in range(count)]

    for _ in range(2):
        told = resolve(machine.context, *frames)
        assert (told.resolved, told.unresolved) == (count, 0)


def test_where_anybody_sends_the_first_files_of_the_application_are_looked_for(
    machine: Machine, tmp_path: Path
) -> None:
    put(machine.context, tmp_path, {**APP, "~/b.js": script("b.js.map"), "~/b.js.map": source_map(file="b")})
    maps, origin_id, _ = machine.context.source_maps, *_content(machine.context.store)
    other = "https://shop.example/b.js"
    frames = [frame("price", url="https://shop.example/gone.js", inApp=False), frame("price", url=other)]
    frames += [frame("checkout"), frame("total")]
    everything = maps.resolver(origin_id)
    assert everything is not None

    for _ in range(2):
        limited = maps.resolver(origin_id, most=1)
        assert limited is not None
        event: dict[str, Any] = {"platform": "javascript", "release": "1.0.0", "frames": list(frames)}
        assert limited(event) == 1
        assert [one.get("unresolved") for one in event["frames"]] == [None, None, "no_artifact", "no_artifact"]
        assert everything({"platform": "javascript", "release": "1.0.0", "frames": list(frames)}) == 3
