"""Artifacts: published all or none, found by what a frame says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from uuid import uuid4

import pytest
from tests.storage.conftest import HeldClock
from tests.storage.uploads import DEBUG_ID, OTHER_ID, digest, put, release, rows, script, source_map

from provenance_core.errors import Conflict, NotFound
from provenance_core.origins import OriginConfig
from provenance_storage.records import OriginRecord, Published
from provenance_storage.store import Store

APP, APP_MAP, OTHER = "~/static/app.min.js", "~/static/app.min.js.map", "~/static/other.js"


def test_what_is_published_is_found(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    known = release(store, origin.id)
    put(store, origin.id, b"map")
    done = store.artifacts.publish(
        origin.id, known.id, "", [script(APP, debug_id=DEBUG_ID), source_map(APP_MAP, b"map", debug_id=DEBUG_ID)]
    )
    listed, total = store.artifacts.list(origin.id, known.id, 10, None)

    assert (done, total) == (Published(added=2, replaced=0, unchanged=0), 2)
    assert [(one.name, one.kind.value, one.size) for one in listed] == [(APP, "script", 4), (APP_MAP, "source_map", 3)]
    assert listed[0].reference == "app.min.js.map"
    assert {(one.uploaded_at, one.hash) for one in listed} == {
        (clock.now, digest(b"code")),
        (clock.now, digest(b"map")),
    }
    assert {one.id for one in store.artifacts.by_debug_ids(origin.id, [DEBUG_ID, "none"])} == {one.id for one in listed}
    assert store.artifacts.by_names(origin.id, known.id, [APP, "~/none"]) == [listed[0]]
    assert store.artifacts.names(origin.id, known.id, 1) == [APP]


def test_publishing_again_changes_what_differs(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    known = release(store, origin.id)
    store.artifacts.publish(origin.id, known.id, "", [script(APP), script(OTHER)])
    before = store.artifacts.list(origin.id, known.id, 10, None)[0]
    clock.now += 1_000_000
    done = store.artifacts.publish(origin.id, known.id, "", [script(APP, b"new"), script(OTHER), script("~/third.js")])
    after = store.artifacts.list(origin.id, known.id, 10, None)[0]

    assert done == Published(added=1, replaced=1, unchanged=1)
    assert [(one.name, one.hash) for one in after[:2]] == [(APP, digest(b"new")), (OTHER, digest(b"code"))]
    assert after[1] == before[1]
    assert after[0].uploaded_at == clock.now


def test_of_one_name_twice_the_last_counts(store: Store, origin: OriginRecord) -> None:
    known = release(store, origin.id)
    done = store.artifacts.publish(origin.id, known.id, "", [script(APP, b"one"), script(APP, b"two")])

    assert done == Published(1, 0, 0)
    assert store.artifacts.by_names(origin.id, known.id, [APP])[0].hash == digest(b"two")


def test_each_dist_and_each_release_has_files_of_its_own(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    first, second = release(store, origin.id, "1.0.0"), release(store, origin.id, "2.0.0")
    for known, dist in ((first, ""), (first, "ios"), (second, "ios")):
        clock.now += 1
        store.artifacts.publish(origin.id, known.id, dist, [script(APP, dist.encode())])

    assert [one.dist for one in store.artifacts.by_names(origin.id, first.id, [APP])] == ["ios", ""]
    assert [one.dist for one in store.artifacts.by_names(origin.id, second.id, [APP])] == ["ios"]


def test_without_a_release_debug_id_and_name_say_what_is_replaced(
    store: Store, origin: OriginRecord, clock: HeldClock
) -> None:
    for data in (b"one", b"two"):
        clock.now += 1
        put(store, origin.id, data)
        files = [script("a.js", data, debug_id=DEBUG_ID), source_map("a.js.map", data, debug_id=DEBUG_ID)]
        done = store.artifacts.publish(origin.id, None, "", files)
    store.artifacts.publish(origin.id, None, "", [script("a.js", debug_id=OTHER_ID), script("b.js")])
    again = store.artifacts.publish(origin.id, None, "", [script("a.js", b"x", debug_id=OTHER_ID), script("b.js")])
    found = store.artifacts.by_debug_ids(origin.id, [DEBUG_ID])

    assert done == Published(0, 2, 0)
    assert again == Published(0, 1, 1)
    assert sorted(one.name for one in found) == ["a.js", "a.js.map"]
    assert {one.hash for one in found} == {digest(b"two")}
    assert store.artifacts.list(origin.id, None, 10, None)[1] == 4


def test_files_of_one_debug_id_without_a_release_stay_beside_each_other(store: Store, origin: OriginRecord) -> None:
    put(store, origin.id, b"one")
    put(store, origin.id, b"two")
    files = [source_map("a.map", b"one", debug_id=DEBUG_ID), source_map("b.map", b"two", debug_id=DEBUG_ID)]
    done = store.artifacts.publish(origin.id, None, "", files)
    again = store.artifacts.publish(origin.id, None, "", [source_map("c.map", b"two", debug_id=DEBUG_ID)])
    found = store.artifacts.by_debug_ids(origin.id, [DEBUG_ID])

    assert (done, again) == (Published(2, 0, 0), Published(1, 0, 0))
    assert sorted((one.name, one.hash) for one in found) == [
        ("a.map", digest(b"one")),
        ("b.map", digest(b"two")),
        ("c.map", digest(b"two")),
    ]


def test_the_newest_of_a_debug_id_comes_first(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    made = []
    for version in ("1.0.0", "3.0.0", "2.0.0"):
        clock.now += 1
        made.append(release(store, origin.id, version).id)
        store.artifacts.publish(origin.id, made[-1], "", [script(APP, debug_id=DEBUG_ID)])

    assert [one.release_id for one in store.artifacts.by_debug_ids(origin.id, [DEBUG_ID])] == made[::-1]


def test_nothing_is_published_where_a_source_map_is_missing(store: Store, origin: OriginRecord) -> None:
    known = release(store, origin.id)
    put(store, origin.id, b"map")
    files = [script(APP), source_map(APP_MAP, b"map"), source_map(OTHER, b"not kept")]
    with pytest.raises(Conflict, match="1 source maps of the upload are not kept"):
        store.artifacts.publish(origin.id, known.id, "", files)
    with pytest.raises(Conflict, match="1 source maps"):
        store.artifacts.publish(origin.id, known.id, "", [script(APP, inline=b"nor this")])

    assert rows(store)["artifact"] == 0
    assert store.artifacts.version(origin.id) == 0


def test_an_upload_that_fails_on_the_way_leaves_nothing(store: Store, origin: OriginRecord) -> None:
    known = release(store, origin.id)
    store.artifacts.publish(origin.id, known.id, "", [script(APP)])
    refused = replace(script(OTHER), size=1 << 70)
    with pytest.raises((OverflowError, RuntimeError)):
        store.artifacts.publish(origin.id, known.id, "", [script(APP, b"new"), refused])

    assert [one.hash for one in store.artifacts.list(origin.id, known.id, 10, None)[0]] == [digest(b"code")]
    assert store.artifacts.version(origin.id) == 1


def test_what_is_gone_is_not_published_for(store: Store, origin: OriginRecord) -> None:
    with pytest.raises(NotFound, match="release was deleted"):
        store.artifacts.publish(origin.id, uuid4(), "", [script(APP)])
    with pytest.raises(NotFound, match="origin was deleted"):
        store.artifacts.publish(uuid4(), None, "", [script(APP)])


def test_the_version_grows_with_each_change(store: Store, origin: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    known = release(store, origin.id)
    seen = [store.artifacts.version(origin.id)]
    for data in (b"one", b"one", b"two"):
        store.artifacts.publish(origin.id, known.id, "", [script(APP, data)])
        seen.append(store.artifacts.version(origin.id))
    store.releases.delete(origin.id, known.id)
    seen.append(store.artifacts.version(origin.id))

    assert seen == [0, 1, 1, 2, 3]
    assert store.artifacts.version(other.id) == 0


def test_artifacts_are_listed_page_by_page_in_the_order_of_their_names(store: Store, origin: OriginRecord) -> None:
    known = release(store, origin.id)
    names = ["~/Z.js", "~/a.js", "~/_.js", "~/é.js", "~/b/c.js", "~/-.js", "~/10.js", "~/9.js"]
    for dist in ("", "ios"):
        store.artifacts.publish(origin.id, known.id, dist, [script(name) for name in names])
    walked: list[str] = []
    after = None
    while True:
        page, total = store.artifacts.list(origin.id, known.id, 3, after)
        if not page:
            break
        walked += [one.name for one in page]
        after = (page[-1].name, page[-1].id)

    assert walked == sorted(names * 2)
    assert total == 16
    assert store.artifacts.names(origin.id, known.id, 100) == sorted(names)


def test_source_maps_of_releases_are_counted(store: Store, origin: OriginRecord) -> None:
    first, second = release(store, origin.id, "1.0.0"), release(store, origin.id, "2.0.0")
    put(store, origin.id, b"map")
    files = [script(APP), source_map(APP_MAP, b"map"), script(OTHER, inline=b"map")]
    store.artifacts.publish(origin.id, first.id, "", files)

    assert store.artifacts.count(origin.id, [first.id, second.id]) == {first.id: 2, second.id: 0}
    assert store.releases.statistics(origin.id, [first.id])[first.id].source_maps == 2


def test_many_are_published_and_found_at_once(store: Store, origin: OriginRecord) -> None:
    known = release(store, origin.id)
    names = [f"~/{number}.js" for number in range(1_700)]
    first = store.artifacts.publish(origin.id, known.id, "", [script(name) for name in names])
    again = store.artifacts.publish(origin.id, known.id, "", [script(name, b"new") for name in names])

    assert (first.added, again.replaced) == (1_700, 1_700)
    assert len(store.artifacts.by_names(origin.id, known.id, names)) == 1_700


def test_two_stores_publish_for_one_release(store: Store, origin: OriginRecord, url: str) -> None:
    known = release(store, origin.id)
    put(store, origin.id, b"map")

    def publish(number: int) -> Published:
        with closing(Store.open(url)) as other:
            files = [source_map(APP_MAP, b"map"), script(APP), script(f"~/{number}.js")]
            return other.artifacts.publish(origin.id, known.id, "", files)

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(publish, range(8)))

    assert sum(one.added for one in done) == 10
    assert sum(one.unchanged for one in done) == 14
    assert store.artifacts.version(origin.id) == 8
    assert store.artifacts.list(origin.id, known.id, 1, None)[1] == 10
