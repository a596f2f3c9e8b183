"""Lists of issues by a release that nobody knows: a mistake in its name is told, and looks like no empty list."""

from __future__ import annotations

import pytest
from tests.factory import make_context, make_origin, payload, report

from provenance_core.access import Access, Door, local_access
from provenance_core.errors import NotFound
from provenance_core.events import Via
from provenance_server.operations import DELETE_RELEASE, GET_ERROR_ISSUES
from provenance_storage.records import OriginRecord
from provenance_storage.releases import ReleaseDetails
from provenance_storage.store import Store

EVERYTHING = local_access("tester", Door.CLI)
LOCKED = EVERYTHING.narrowed(lockdown=True)
PINNED = EVERYTHING.narrowed(origin="shop")
SEEN = "seen@7.0.0"


@pytest.fixture
def shop(store: Store) -> OriginRecord:
    """Return an origin with a registered release that an event met, and with one that only an event mentions."""
    shop = make_origin(store, "shop")
    store.releases.register(shop.id, "shop@1.0.0", ReleaseDetails())
    report(store, shop, payload(release="shop@1.0.0"), payload(release=SEEN, fingerprint=["other"]))
    return shop


@pytest.fixture
def other(store: Store) -> OriginRecord:
    """Return an origin with a registered release that no event met."""
    other = make_origin(store, "other")
    store.releases.register(other.id, "other@2.0.0", ReleaseDetails())
    return other


def total(store: Store, access: Access = EVERYTHING, **asked: str) -> int:
    return GET_ERROR_ISSUES(make_context(store, access), asked).total


def refusal(store: Store, access: Access = EVERYTHING, **asked: str) -> str:
    with pytest.raises(NotFound) as refused:
        GET_ERROR_ISSUES(make_context(store, access), asked)
    return refused.value.message


@pytest.mark.parametrize("version", ["latest", "zzz", "shop@1.0", "SHOP@1.0.0", "%", "\x00"])
def test_an_unknown_version_is_refused_with_names_that_work(store: Store, shop: OriginRecord, version: str) -> None:
    told = [refusal(store, release=version), refusal(store, release=version, origin="shop")]

    for one, where in zip(told, ("any", "this"), strict=True):
        assert one.startswith("No release '")
        assert one.endswith(
            f"of {where} origin. Registered: 'shop@1.0.0'. List the releases to see all, or leave `release` out."
        )
        assert SEEN not in one


def test_versions_that_look_alike_are_named_first(store: Store, shop: OriginRecord, other: OriginRecord) -> None:
    for number in range(5):
        store.releases.register(shop.id, f"nightly-{number}", ReleaseDetails())

    assert "Registered: 'shop@1.0.0'. " in refusal(store, release="shop@1.0", origin="shop")
    assert "Registered: 'other@2.0.0'. " in refusal(store, release="other@2.0")


def test_a_known_version_without_issues_has_none(store: Store, shop: OriginRecord, other: OriginRecord) -> None:
    assert total(store, release="other@2.0.0") == 0
    assert total(store, release="other@2.0.0", origin="other") == 0
    assert total(store, release="shop@1.0.0", status="resolved") == 0
    assert total(store, release="shop@1.0.0") == total(store, release=SEEN) == 1


def test_each_origin_has_versions_of_its_own(store: Store, shop: OriginRecord, other: OriginRecord) -> None:
    assert "other@2.0.0" in refusal(store, release="shop@1.0.0", origin="other")
    assert total(store, PINNED, release="shop@1.0.0") == 1

    told = refusal(store, PINNED, release="other@2.0.0")

    assert "'shop@1.0.0'" in told
    assert told.count("other@2.0.0") == 1


def test_where_none_is_registered_none_is_named(store: Store) -> None:
    assert "any origin. No release is known yet; leave `release` out." in refusal(store, release="1")

    shop = make_origin(store, "shop")
    make_origin(store, "other")
    report(store, shop, payload(release=SEEN))

    assert "this origin. No release is known yet" in refusal(store, release="1", origin="other")
    assert "this origin. List the releases" in refusal(store, release="1", origin="shop")
    assert "any origin. List the releases" in refusal(store, release="1")


@pytest.mark.parametrize("via", [Via.PUBLIC, Via.SERVER])
def test_under_a_lockdown_a_version_that_only_events_mention_is_unknown(
    store: Store, shop: OriginRecord, via: Via
) -> None:
    report(store, shop, payload(release="mentioned", fingerprint=["third"]), via=via)

    mentioned, invented = (refusal(store, LOCKED, release=version) for version in ("mentioned", "invented!"))
    assert mentioned.replace("mentioned", "?") == invented.replace("invented!", "?")
    assert total(store, LOCKED, release="shop@1.0.0") == 0
    assert total(store, release="mentioned") == 1


def test_a_walk_goes_on_though_its_release_was_deleted(store: Store, shop: OriginRecord) -> None:
    context = make_context(store, LOCKED)
    report(store, shop, *(payload(release="shop@1.0.0", fingerprint=[str(n)]) for n in range(3)), via=Via.SERVER)
    asked = {"release": "shop@1.0.0", "limit": 2}
    first = GET_ERROR_ISSUES(context, asked)
    DELETE_RELEASE(make_context(store), {"origin": "shop", "release": "shop@1.0.0"})
    second = GET_ERROR_ISSUES(context, {**asked, "cursor": first.next_cursor})

    assert (first.total, len(first.items), len(second.items)) == (3, 2, 1)
    assert "shop@1.0.0" in refusal(store, LOCKED, release="shop@1.0.0")
