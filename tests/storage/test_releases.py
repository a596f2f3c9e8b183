"""Releases: found by what names them, listed newest first however they are versioned."""

from __future__ import annotations

import pytest
from tests.storage.conftest import HeldClock, new_error
from tests.storage.uploads import release

from provenance_core.errors import InvalidInput, NotFound
from provenance_core.origins import OriginConfig
from provenance_storage.records import OriginRecord, ReleasePosition, ReleaseRecord
from provenance_storage.store import Store

SEMANTIC = ["shop@1.10.0+7", "1.2.0", "v1.2.1-rc.2", "shop@1.2.1", "1.2.1-rc.10", "2.0.0.1", "2.0"]
IN_ORDER = ["2.0.0.1", "2.0", "shop@1.10.0+7", "shop@1.2.1", "1.2.1-rc.10", "v1.2.1-rc.2", "1.2.0"]


def make(store: Store, origin: OriginRecord, clock: HeldClock, versions: list[str]) -> list[ReleaseRecord]:
    made: list[ReleaseRecord] = []
    for version in versions:
        clock.now += 1_000
        made.append(release(store, origin.id, version))
    return made


def page(
    store: Store, origin: OriginRecord, begin: ReleasePosition | None = None, *, limit: int = 2
) -> tuple[list[str], ReleasePosition | None]:
    found, _, following = store.releases.list(origin.id, "", limit, begin)
    return [one.version for one in found], following


def walk(store: Store, origin: OriginRecord, query: str = "", limit: int = 2) -> list[str]:
    found: list[str] = []
    begin: ReleasePosition | None = None
    while True:
        rows, total, begin = store.releases.list(origin.id, query, limit, begin)
        found += [one.version for one in rows]
        if begin is None:
            assert len(found) == total
            return found


def test_semantic_versions_are_listed_in_their_order(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    make(store, origin, clock, SEMANTIC)

    for limit in (1, 2, 3, 7, 50):
        assert walk(store, origin, limit=limit) == IN_ORDER
    assert walk(store, origin, "1.2.1") == ["shop@1.2.1", "1.2.1-rc.10", "v1.2.1-rc.2"]


def test_one_version_that_is_not_semantic_puts_all_in_the_order_of_creation(
    store: Store, origin: OriginRecord, clock: HeldClock
) -> None:
    versions = [*SEMANTIC[:3], "nightly", *SEMANTIC[3:]]
    other = store.origins.create("other", "Other", None, OriginConfig())
    make(store, other, clock, SEMANTIC)
    make(store, origin, clock, versions)

    assert walk(store, origin) == versions[::-1]
    assert walk(store, origin, "1.2.1") == ["1.2.1-rc.10", "shop@1.2.1", "v1.2.1-rc.2"]
    assert walk(store, other) == IN_ORDER


def test_of_versions_alike_the_newest_comes_first(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    versions = ["1.0.0", "1.0.0+2", "shop@1.0.0+1", "v1.0", "1.0.0.0"]
    make(store, origin, clock, versions)

    for limit in (1, 2, 10):
        assert walk(store, origin, limit=limit) == versions[::-1]


def test_a_walk_keeps_its_order_while_releases_arrive(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    make(store, origin, clock, ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"])
    first, begin = page(store, origin)
    make(store, origin, clock, ["nightly", "9.0.0", "0.9.0"])
    second, begin = page(store, origin, begin)
    third, begin = page(store, origin, begin)

    assert (first, second, third) == (["1.4.0", "1.3.0"], ["1.2.0", "1.1.0"], ["1.0.0", "0.9.0"])
    assert begin is None
    assert page(store, origin)[0] == ["0.9.0", "9.0.0"]


def test_a_walk_by_creation_goes_on_when_all_are_semantic_again(
    store: Store, origin: OriginRecord, clock: HeldClock
) -> None:
    made = make(store, origin, clock, ["3.0.0", "1.0.0", "nightly", "2.0.0"])
    first, begin = page(store, origin)
    store.releases.delete(origin.id, made[2].id)

    assert first == ["2.0.0", "nightly"]
    assert page(store, origin, begin) == (["1.0.0", "3.0.0"], None)


def test_deleting_each_page_reaches_the_end(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    make(store, origin, clock, SEMANTIC)
    begin, seen = None, []
    while True:
        rows, _, begin = store.releases.list(origin.id, "", 2, begin)
        for one in rows:
            store.releases.delete(origin.id, one.id)
        seen += [one.version for one in rows]
        if begin is None:
            break

    assert seen == IN_ORDER
    assert store.releases.list(origin.id, "", 2, None) == ([], 0, None)


def test_a_page_that_begins_at_a_deleted_release_is_refused(
    store: Store, origin: OriginRecord, clock: HeldClock
) -> None:
    made = make(store, origin, clock, ["1.0.0", "2.0.0", "3.0.0"])
    _, begin = page(store, origin)
    store.releases.delete(origin.id, made[0].id)

    with pytest.raises(InvalidInput, match="begin again"):
        page(store, origin, begin)


def test_a_release_is_found_by_id_or_version(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    commit = "0123456789abcdef0123456789abcdef"
    plain, hashed, named = make(store, origin, clock, ["1.0.0", commit, "shop@2.0.0"])
    odd = release(store, origin.id, str(plain.id))

    assert store.releases.find(origin.id, "shop@2.0.0") == named
    assert store.releases.find(origin.id, commit) == hashed
    assert store.releases.find(origin.id, str(named.id)) == named
    assert store.releases.find(origin.id, str(plain.id)) == plain
    assert store.releases.find(origin.id, str(odd.id)) == odd
    with pytest.raises(NotFound, match=r"shop@2\.0\.0"):
        store.releases.find(origin.id, "shop@2.0.1\x00")


def test_a_release_of_another_origin_is_not_found(store: Store, origin: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    known = release(store, other.id)

    with pytest.raises(NotFound):
        store.releases.find(origin.id, str(known.id))


def test_an_issue_adopts_a_fingerprint(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, "minified"), new_error(origin, "other")])
    issue = store.issues.find("my-app-1")
    adopted = store.issues.adopt(issue, "original", "pv1", "src/cart.ts in total")
    store.record([new_error(origin, "original"), new_error(origin, "minified")])

    assert adopted is True
    assert store.issues.find("my-app-1").event_count == 3
    assert store.issues.adopt(issue, "original", "pv1", None) is False
    assert store.issues.find("my-app-1").fingerprint == "minified"


def test_a_fingerprint_of_another_issue_is_not_adopted(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, "one"), new_error(origin, "two")])
    issue = store.issues.find("my-app-1")

    assert store.issues.adopt(issue, "two", "pv1", "src/cart.ts in total") is False
    assert store.issues.find("my-app-1").culprit == "src/cart.ts in total"
    assert store.issues.find("my-app-2").culprit is None
    store.record([new_error(origin, "two")])
    assert store.issues.find("my-app-2").event_count == 2
