"""Source maps: kept compressed in parts, read in pieces, and noticed where they are damaged."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from uuid import uuid4

import pytest
from tests.storage.conftest import HeldClock, new_error
from tests.storage.uploads import a_map, digest, noise, put, read, rows, source_map

from provenance_core.errors import Busy, NotFound, Unavailable
from provenance_storage import map_bodies
from provenance_storage.map_bodies import PART_BYTES
from provenance_storage.records import OriginRecord, PartKind
from provenance_storage.store import Store
from provenance_storage.turns import Turns
from provenance_storage.writer import Writer

DAY = 86_400_000_000
LARGE = noise(3 * PART_BYTES + 17)


def test_a_source_map_and_its_index_are_read_as_they_were_put(
    store: Store, origin: OriginRecord, clock: HeldClock
) -> None:
    index = b"i" * 9_000_000 + LARGE
    map_hash = put(store, origin.id, LARGE, index)
    known = store.artifacts.known_maps(origin.id, [map_hash, digest(b"none")])

    assert read(store, origin.id, map_hash) == LARGE
    assert read(store, origin.id, map_hash, PartKind.INDEX) == index
    assert list(known) == [map_hash]
    assert (known[map_hash].size, known[map_hash].segments, known[map_hash].created_at) == (len(LARGE), 40, clock.now)
    with store.database.read() as connection:
        sizes = connection.exec_driver_sql("select length(body) from source_map_part").scalars().all()
    assert max(sizes) == PART_BYTES
    assert sum(sizes) < 2 * len(LARGE) + 20_000


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\0" * 20_000_000, noise(PART_BYTES)], ids=["empty", "one", "flat", "part"]
)
def test_every_size_is_kept(store: Store, origin: OriginRecord, data: bytes) -> None:
    assert read(store, origin.id, put(store, origin.id, data)) == data


def test_what_is_not_kept_is_not_found(store: Store, origin: OriginRecord) -> None:
    map_hash = put(store, origin.id, b"no index", None)

    with pytest.raises(NotFound, match="upload it again"):
        store.artifacts.read_part(origin.id, map_hash, PartKind.INDEX)
    with pytest.raises(NotFound, match="upload it again"):
        store.artifacts.read_part(origin.id, digest(b"other"), PartKind.MAP)
    with pytest.raises(NotFound, match="origin was deleted"):
        put(store, uuid4(), b"map")


def test_putting_it_again_changes_nothing(store: Store, origin: OriginRecord) -> None:
    put(store, origin.id, LARGE)
    before = rows(store), store.artifacts.known_maps(origin.id, [digest(LARGE)])
    put(store, origin.id, LARGE)
    store.artifacts.put_map(origin.id, a_map(LARGE), None, BytesIO(b"index"))

    assert (rows(store), store.artifacts.known_maps(origin.id, [digest(LARGE)])) == before
    assert store.artifacts.version(origin.id) == 0


def test_a_later_index_takes_the_place_of_an_earlier(store: Store, origin: OriginRecord) -> None:
    map_hash = put(store, origin.id, b"map", b"old")
    store.artifacts.put_map(origin.id, a_map(b"map", index_version=2), None, BytesIO(b"new"))
    put(store, origin.id, b"map", b"older")

    assert read(store, origin.id, map_hash, PartKind.INDEX) == b"new"
    assert read(store, origin.id, map_hash) == b"map"
    assert rows(store)["source_map_part"] == 2
    assert store.artifacts.known_maps(origin.id, [map_hash])[map_hash].index_version == 2
    assert store.artifacts.version(origin.id) == 1


def test_a_map_with_a_problem_gets_its_index_when_there_is_one(store: Store, origin: OriginRecord) -> None:
    store.artifacts.put_map(origin.id, a_map(b"map", problem="too large"), BytesIO(b"map"), None)
    map_hash = put(store, origin.id, b"map")

    assert store.artifacts.known_maps(origin.id, [map_hash])[map_hash].problem is None
    assert read(store, origin.id, map_hash, PartKind.INDEX) == b"index"


class _Torn(BytesIO):
    """A file that cannot be read to its end."""

    def __init__(self, data: bytes, then: Callable[[], None]) -> None:
        super().__init__(data)
        self._then = then

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 2 * PART_BYTES:
            self._then()
        return super().read(size)


def _fail() -> None:
    raise OSError("gone")


def test_an_upload_that_ends_on_the_way_leaves_nothing(store: Store, origin: OriginRecord) -> None:
    with pytest.raises(OSError, match="gone"):
        store.artifacts.put_map(origin.id, a_map(LARGE), _Torn(LARGE, _fail), BytesIO(b"index"))

    assert rows(store) == {"artifact": 0, "source_map": 0, "source_map_part": 0, "upload_chunk": 0}
    assert read(store, origin.id, put(store, origin.id, LARGE)) == LARGE


def test_what_a_killed_upload_left_is_swept(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    body = map_bodies.new_body_id(clock.now)
    map_bodies.write_body(Turns(store.database), origin.id, body, BytesIO(LARGE))
    map_hash = put(store, origin.id, LARGE)
    store.artifacts.publish(origin.id, None, "", [source_map("a.map", LARGE)])

    assert store.artifacts.sweep(clock.now + DAY - 2_000) == 0
    assert store.artifacts.sweep(clock.now + DAY + 2_000) == 1
    assert rows(store)["source_map_part"] == 5
    assert read(store, origin.id, map_hash) == LARGE


def test_the_same_map_put_by_many_at_once_is_kept_once(store: Store, origin: OriginRecord, url: str) -> None:
    def upload(number: int) -> None:
        with closing(Store.open(url)) as other:
            put(other, origin.id, LARGE, noise(PART_BYTES + 5), index_version=number % 3)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(upload, range(6)))

    assert rows(store) == {"artifact": 0, "source_map": 1, "source_map_part": 6, "upload_chunk": 0}
    assert store.artifacts.known_maps(origin.id, [digest(LARGE)])[digest(LARGE)].index_version == 2
    assert read(store, origin.id, digest(LARGE)) == LARGE
    assert read(store, origin.id, digest(LARGE), PartKind.INDEX) == noise(PART_BYTES + 5)


@pytest.mark.parametrize(
    "damage",
    [
        "delete from source_map_part where number = 1",
        "delete from source_map_part where number = 3",
        "delete from source_map_part",
        "update source_map_part set body = {half} where number = 3",
        "update source_map_part set body = {flipped} where number = 2",
    ],
)
def test_damage_is_noticed(store: Store, origin: OriginRecord, damage: str) -> None:
    postgresql = store.database.dialect.name == "postgresql"
    half = "substr(body, 1, length(body) / 2)"
    flipped = "set_byte(body, 700, (get_byte(body, 700) + 1) % 256)" if postgresql else "zeroblob(length(body))"
    map_hash = put(store, origin.id, LARGE, None)
    with store.database.write() as connection:
        connection.exec_driver_sql(damage.format(half=half, flipped=flipped).replace("%", "%%" if postgresql else "%"))

    with pytest.raises(Unavailable, match="damaged") as raised:
        read(store, origin.id, map_hash)
    assert not isinstance(raised.value, Busy)


def test_a_reader_is_told_that_what_it_reads_was_replaced(store: Store, origin: OriginRecord) -> None:
    map_hash = put(store, origin.id, b"map", LARGE)
    pieces = store.artifacts.read_part(origin.id, map_hash, PartKind.INDEX)
    next(pieces)
    store.artifacts.put_map(origin.id, a_map(b"map", index_version=2), None, BytesIO(b"new"))

    with pytest.raises(Busy, match="read it again"):
        list(pieces)
    assert read(store, origin.id, map_hash, PartKind.INDEX) == b"new"


def test_events_are_recorded_while_a_large_map_is_written(store: Store, origin: OriginRecord) -> None:
    index = noise(60 << 20)
    waits: list[float] = []
    with Writer(store) as writer, ThreadPoolExecutor(1) as threads:
        upload = threads.submit(put, store, origin.id, b"map", index)
        while not upload.done():
            began = time.monotonic()
            writer.submit(new_error(origin)).result(timeout=30)
            waits.append(time.monotonic() - began)
        upload.result()

    assert len(waits) > 30
    assert max(waits) < 3.0
    assert read(store, origin.id, digest(b"map"), PartKind.INDEX) == index
