"""What is uploaded goes with its release or its origin, and where nobody needs it, a day later."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error
from tests.storage.uploads import DEBUG_ID, digest, noise, put, read, release, rows, script, source_map

from provenance_core.errors import Conflict, NotFound
from provenance_core.lifecycle import Status
from provenance_core.origins import OriginConfig
from provenance_storage.issues import StatusRequest
from provenance_storage.map_bodies import PART_BYTES
from provenance_storage.records import OriginRecord
from provenance_storage.release_removal import BATCH
from provenance_storage.releases import ReleaseDetails
from provenance_storage.retention import prune
from provenance_storage.store import Store
from provenance_storage.turns import Turns

DAY = 86_400_000_000
NOTHING = {"artifact": 0, "source_map": 0, "source_map_part": 0, "upload_chunk": 0}


def test_a_release_that_nothing_knows_is_removed_with_its_files(store: Store, origin: OriginRecord) -> None:
    known = release(store, origin.id)
    put(store, origin.id, b"map", noise(3 * PART_BYTES))
    put(store, origin.id, b"inline")
    files = [source_map("a.map", b"map"), script("b.js", inline=b"inline")]
    store.artifacts.publish(origin.id, known.id, "", [*files, *(script(f"{one}.js") for one in range(BATCH))])
    gone = store.releases.delete(origin.id, known.id)

    assert gone is True
    assert rows(store) == NOTHING
    assert store.releases.list(origin.id, "", 10, None)[:2] == ([], 0)
    with pytest.raises(NotFound, match="no such release"):
        store.releases.delete(origin.id, known.id)


def test_a_release_that_events_know_stays_but_is_not_registered(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, release="1.0.0")])
    known = release(store, origin.id)
    put(store, origin.id, b"map")
    store.artifacts.publish(origin.id, known.id, "", [source_map("a.map", b"map")])
    gone = store.releases.delete(origin.id, known.id)
    left = store.releases.find(origin.id, "1.0.0")

    assert gone is False
    assert rows(store) == NOTHING
    assert (left.id, left.registered) == (known.id, False)
    assert (left.ref, left.url, left.notes, left.date_released) == (None, None, None, None)
    assert store.releases.register(origin.id, "1.0.0", ReleaseDetails())[1] is True


def test_a_release_in_which_an_issue_was_resolved_stays(store: Store, origin: OriginRecord) -> None:
    known = release(store, origin.id)
    store.record([new_error(origin)])
    for status in (Status.RESOLVED, Status.OPEN):
        wanted = "1.0.0" if status is Status.RESOLVED else None
        store.issues.change_status("my-app-1", StatusRequest(status, wanted, None, TESTER))

    assert store.releases.delete(origin.id, known.id) is False


def test_what_another_release_has_too_stays(store: Store, origin: OriginRecord) -> None:
    first, second = release(store, origin.id, "1.0.0"), release(store, origin.id, "2.0.0")
    shared, inline = put(store, origin.id, b"shared"), put(store, origin.id, b"inline")
    for known in (first, second):
        files = [source_map("a.map", b"shared", debug_id=DEBUG_ID), script("b.js", inline=b"inline")]
        store.artifacts.publish(origin.id, known.id, "", files)
    store.releases.delete(origin.id, first.id)

    assert read(store, origin.id, shared) == b"shared"
    assert read(store, origin.id, inline) == b"inline"
    assert [one.release_id for one in store.artifacts.by_debug_ids(origin.id, [DEBUG_ID])] == [second.id]
    store.releases.delete(origin.id, second.id)
    assert rows(store) == NOTHING


def test_the_files_of_another_origin_are_not_touched(store: Store, origin: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    for one in (origin, other):
        put(store, one.id, b"map")
        store.artifacts.publish(one.id, release(store, one.id).id, "", [source_map("a.map", b"map")])
    store.releases.delete(origin.id, store.releases.find(origin.id, "1.0.0").id)

    assert read(store, other.id, digest(b"map")) == b"map"
    assert store.artifacts.known_maps(origin.id, [digest(b"map")]) == {}


def test_an_origin_goes_with_all_that_was_uploaded(store: Store, origin: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    for one in (origin, other):
        put(store, one.id, b"map", noise(3 * PART_BYTES))
        store.artifacts.publish(one.id, release(store, one.id).id, "", [source_map("a.map", b"map")])
        store.artifacts.publish(one.id, None, "", [script("a.js", debug_id=DEBUG_ID)])
    store.record([new_error(other)])
    store.origins.delete(origin.id)
    with pytest.raises(Conflict, match="immutable"):
        store.origins.delete(other.id)

    assert rows(store) == {"artifact": 2, "source_map": 1, "source_map_part": 5, "upload_chunk": 0}
    assert store.artifacts.version(origin.id) == 0
    assert read(store, other.id, digest(b"map")) == b"map"


def test_what_nobody_refers_to_is_swept_after_a_day(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    put(store, origin.id, b"published")
    store.artifacts.publish(origin.id, None, "", [source_map("a.map", b"published")])
    put(store, origin.id, b"replaced")
    store.chunks.put("a" * 40, b"piece")
    begun = clock.now
    clock.now += DAY // 2
    put(store, origin.id, b"fresh")
    store.chunks.put("b" * 40, b"piece")

    assert store.artifacts.sweep(begun + DAY) == 0
    assert store.artifacts.sweep(begun + DAY + 1) == 2
    assert set(
        store.artifacts.known_maps(origin.id, [digest(one) for one in (b"published", b"replaced", b"fresh")])
    ) == {
        digest(b"published"),
        digest(b"fresh"),
    }
    assert store.chunks.missing(["a" * 40, "b" * 40]) == ["a" * 40]
    assert rows(store)["source_map_part"] == 4


def test_uploading_a_map_again_keeps_it_for_another_day(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    map_hash = put(store, origin.id, b"map")
    clock.now += DAY
    put(store, origin.id, b"map")

    assert store.artifacts.sweep(clock.now + 1) == 0
    assert read(store, origin.id, map_hash) == b"map"


def test_what_is_left_of_an_origin_that_is_gone_is_swept(store: Store, clock: HeldClock) -> None:
    gone = store.origins.create("gone", "Gone", None, OriginConfig())
    put(store, gone.id, b"map")
    with store.database.write() as connection:
        connection.exec_driver_sql("delete from source_map")

    assert store.artifacts.sweep(clock.now + DAY + 2_000) == 2
    assert rows(store) == NOTHING


def test_pruning_sweeps_as_well(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    put(store, origin.id, b"map")
    clock.now += 2 * DAY
    put_off = prune(store, clock.now, Turns(store.database, 0))
    done = prune(store, clock.now, Turns(store.database))

    assert (put_off.swept, done.swept) == (0, 1)
    assert rows(store) == NOTHING


def test_a_release_that_is_unknown_is_not_deleted(store: Store, origin: OriginRecord) -> None:
    with pytest.raises(NotFound, match="no such release"):
        store.releases.delete(origin.id, uuid4())
