"""Source maps that are kept but of no use are told, and made whole by putting them again."""

from __future__ import annotations

from io import BytesIO

import pytest
from tests.storage.uploads import a_map, digest, noise, put, read, script, source_map

from provenance_core.origins import OriginConfig
from provenance_storage.map_bodies import PART_BYTES
from provenance_storage.records import OriginRecord, PartKind
from provenance_storage.store import Store

LARGE = noise(2 * PART_BYTES + 17)
GOOD, BAD = digest(b"good"), digest(LARGE)


def change(store: Store, statement: str) -> None:
    with store.database.write() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def kept(store: Store, origin: OriginRecord) -> OriginRecord:
    """Keep two source maps that an artifact each refers to."""
    for data in (b"good", LARGE):
        put(store, origin.id, data, b"index" + data)
    store.artifacts.publish(origin.id, None, "", [source_map("a.map", LARGE), script("b.js", inline=b"good")])
    return origin


@pytest.mark.parametrize(
    "damage",
    [
        "delete from source_map where size > 1000",
        "update source_map set map_body = null where size > 1000",
        "update source_map set index_body = null where size > 1000",
        "delete from source_map_part where number = 1",
        "delete from source_map_part where body_id in (select map_body from source_map where size > 1000)",
        "delete from source_map_part where body_id in (select index_body from source_map where size > 1000)",
        "delete from source_map_part where number = 2",
        "update source_map_part set body = (select p.body from source_map_part p where p.number = 2 limit 1) "
        "where number = 1",
    ],
)
def test_what_is_damaged_is_told_and_made_whole_again(store: Store, kept: OriginRecord, damage: str) -> None:
    assert store.artifacts.damaged_maps(kept.id, [GOOD, BAD]) == set()

    change(store, damage)
    told = store.artifacts.damaged_maps(kept.id, [GOOD, BAD])
    before = store.artifacts.version(kept.id)
    store.artifacts.put_map(kept.id, a_map(LARGE), BytesIO(LARGE), BytesIO(b"index" + LARGE), renew=True)

    assert told == {BAD}
    assert store.artifacts.damaged_maps(kept.id, [GOOD, BAD]) == set()
    assert store.artifacts.version(kept.id) == before + 1
    assert read(store, kept.id, BAD) == LARGE
    assert read(store, kept.id, BAD, PartKind.INDEX) == b"index" + LARGE


def test_a_check_without_time_looks_for_the_parts_only(store: Store, kept: OriginRecord) -> None:
    other = "select p.body from source_map_part p where p.number = 2 limit 1"
    change(store, f"update source_map_part set body = ({other})")
    whole = store.artifacts.damaged_maps(kept.id, [BAD], seconds=0)
    change(store, "delete from source_map_part where number = 1")

    assert whole == set()
    assert store.artifacts.damaged_maps(kept.id, [BAD], seconds=0) == {BAD}


def test_renewing_leaves_a_later_index(store: Store, kept: OriginRecord) -> None:
    store.artifacts.put_map(kept.id, a_map(LARGE, index_version=2), None, BytesIO(b"later"))
    store.artifacts.put_map(kept.id, a_map(LARGE), BytesIO(LARGE), BytesIO(b"index"), renew=True)

    assert read(store, kept.id, BAD, PartKind.INDEX) == b"later"
    assert store.artifacts.known_maps(kept.id, [BAD])[BAD].index_version == 2
    assert store.artifacts.damaged_maps(kept.id, [BAD]) == set()


def test_a_map_that_nothing_refers_to_changes_no_version(store: Store, origin: OriginRecord) -> None:
    put(store, origin.id, b"new")

    assert store.artifacts.version(origin.id) == 0


def test_outdated_maps_are_walked_through(store: Store, kept: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    put(store, other.id, b"current", index_version=2)
    put(store, other.id, b"old")
    walked: list[bytes] = []
    after = None
    while page := store.artifacts.outdated_maps(2, 1, after):
        walked += [one.hash for one in page]
        after = (page[-1].origin_id, page[-1].hash)

    assert sorted(walked) == sorted([GOOD, BAD, digest(b"old")])
    assert [one.hash for one in store.artifacts.outdated_maps(2, 10)] == walked
    assert store.artifacts.outdated_maps(1, 10) == []
