"""A store that moves from its file to PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.factory import make_context, make_origin, payload, report
from tests.storage.uploads import DEBUG_ID, digest, noise, put, read, script, source_map
from tests.stores import Kind, new_database_url

from provenance_core.access import Scope
from provenance_core.errors import Conflict, InvalidInput, NotFound, Unavailable
from provenance_server.client import LocalClient
from provenance_server.implementations import issue_operations, release_operations
from provenance_server.operations import (
    CREATE_RELEASE,
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUE_EVENTS,
    GET_ERROR_ISSUES,
    GET_RELEASES,
    LIST_INTERACTIONS,
    RECORD_INTERACTION,
    UPDATE_ERROR_ISSUE_STATUS,
)
from provenance_storage import copying
from provenance_storage.conservation import conservation
from provenance_storage.copying import copy_store
from provenance_storage.database import Database
from provenance_storage.engine import open_database
from provenance_storage.partitions import present
from provenance_storage.records import PartKind
from provenance_storage.retention import DAY
from provenance_storage.server_lock import serving
from provenance_storage.store import Store

assert issue_operations
assert release_operations
NOW = 1_795_437_407_000_000
LARGE = noise(3_200_000)


@pytest.fixture
def store_kind() -> Kind:
    return "sqlite"


@pytest.fixture
def clock() -> list[int]:
    return [NOW]


@pytest.fixture
def store(url: str, clock: list[int]) -> Iterator[Store]:
    store = Store.open(url, lambda: clock[0])
    yield store
    store.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Database]:
    with new_database_url("postgresql", tmp_path, migrated=False) as url:
        database = open_database(url)
        yield database
        database.close()


def client(store: Store) -> LocalClient:
    return LocalClient(make_context(store))


def fill(store: Store, clock: list[int]) -> None:
    """Give a store a past: two origins, releases, all statuses, users, tags, plain interactions, discards."""
    shop, app = make_origin(store), make_origin(store, "app")
    asked = client(store)
    for number in range(6):
        clock[0] += 20 * DAY
        for origin in (shop, app):
            report(
                store,
                origin,
                *(
                    payload(
                        errorType=f"Error{one}",
                        release=f"{number}.0.0" if one % 3 else None,
                        eventId=f"{number:016x}{one:015x}{origin.number}",
                        user={"id": f"user-{one % 4}"},
                        tags={"region": "eu" if one % 2 else "us", "naïve ☃": "\U0001f600"},
                    )
                    for one in range(9)
                ),
            )
        clock[0] += 1_000_000
        asked.call(CREATE_RELEASE, {"origin": "shop", "version": f"{number}.0.0", "ref": "abc"})
        for reference, status in (("shop-2", "resolved"), ("shop-1", "ignored"), ("app-3", "muted")):
            if number in {0, 3}:
                asked.call(UPDATE_ERROR_ISSUE_STATUS, {"issueId": reference, "status": status, "note": "so"})
        asked.call(
            RECORD_INTERACTION,
            {
                "origin": "app",
                "resourceType": "ORDER",
                "action": "PLACED",
                "resourceId": f"order-{number}",
                "interaction": {"total": number},
            },
        )
    store.discard(shop.id, {("transaction", "not kept"): 7})
    upload(store, shop.id)


def upload(store: Store, origin_id: UUID) -> None:
    """Publish files of a release and without one, and begin an upload."""
    put(store, origin_id, LARGE, b"index of it")
    put(store, origin_id, b"no index", None)
    known = store.releases.find(origin_id, "5.0.0")
    files = [source_map("~/é.js.map", LARGE), script("~/é.js", inline=b"no index"), script("~/a.js")]
    store.artifacts.publish(origin_id, known.id, "ios", files)
    store.artifacts.publish(origin_id, None, "", [script("b.js", debug_id=DEBUG_ID)])
    store.chunks.put("a" * 40, b"piece")


def uploaded(store: Store, origin_id: UUID) -> dict[str, Any]:
    """Ask a store for all that was uploaded."""
    known = store.releases.find(origin_id, "5.0.0")
    hashes = [digest(LARGE), digest(b"no index")]
    return {
        "version": store.artifacts.version(origin_id),
        "of the release": store.artifacts.list(origin_id, known.id, 10, None),
        "of none": store.artifacts.list(origin_id, None, 10, None),
        "by debug id": store.artifacts.by_debug_ids(origin_id, [DEBUG_ID]),
        "maps": store.artifacts.known_maps(origin_id, hashes),
        "bytes": [read(store, origin_id, one) for one in hashes],
        "index": read(store, origin_id, hashes[0], PartKind.INDEX),
        "chunk": store.chunks.read("a" * 40),
    }


@pytest.fixture
def filled(store: Store, clock: list[int]) -> Store:
    store.resource_types.create("ORDER", "Order", None)
    store.actions.create("PLACED", "Placed", "bought")
    store.keys.create("ci", [Scope.WRITE], None)
    fill(store, clock)
    return store


def answers(store: Store) -> dict[str, Any]:
    """Ask a store everything."""
    asked = client(store)
    found: dict[str, Any] = {"issues": walk(asked, GET_ERROR_ISSUES, {"sort": "firstSeen"})}
    found["resolved"] = walk(asked, GET_ERROR_ISSUES, {"status": "resolved,regressed", "release": "4.0.0"})
    for item in found["issues"]:
        issue = item["shortId"]
        found[issue] = asked.call(GET_ERROR_ISSUE, {"issueId": issue}).model_dump(mode="json")
        found[f"{issue} first"] = asked.call(GET_ERROR_ISSUE, {"issueId": issue, "event": "first"}).model_dump()
        found[f"{issue} events"] = walk(asked, GET_ERROR_ISSUE_EVENTS, {"issueId": issue})
    found["activity"] = store.activity.list(None, None, 1_000, None)
    found["keys"] = store.keys.list(None, 10, None)
    found["secret"] = store.secret("sender")
    for origin in store.origins.all():
        found[f"{origin.mnemonic} releases"] = walk(asked, GET_RELEASES, {"origin": origin.mnemonic})
        found[f"{origin.mnemonic} discards"] = store.discarded(origin.id)
        found[f"{origin.mnemonic} files"] = uploaded(store, origin.id) if origin.mnemonic == "shop" else None
    found["interactions"] = walk(asked, LIST_INTERACTIONS, {})
    found["origins"] = store.origins.all()
    found["words"] = [*store.resource_types.all(), *store.actions.all()]
    return found


def walk(asked: LocalClient, operation: Any, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = asked.call(operation, {**arguments, **cursor, "limit": 5})
        items += [item.model_dump(mode="json", by_alias=True) for item in page.items]
        if page.next_cursor is None:
            assert len(items) == page.total
            return items
        cursor = {"cursor": page.next_cursor}


def test_both_stores_give_the_same_answers(filled: Store, clock: list[int], target: Database):
    told: list[tuple[str, int, int]] = []

    copied = copy_store(filled.database, target, lambda *progress: told.append(progress))

    moved = Store(target, lambda: clock[0])
    before, after = answers(filled), answers(moved)
    assert before.keys() == after.keys()
    for name, answer in before.items():
        assert after[name] == answer, name
    assert {item["status"] for item in before["issues"]} >= {"open", "regressed", "ignored", "muted"}
    assert conservation(moved) == conservation(filled)
    assert conservation(moved).holds
    assert copied.rows["interaction"] == 2 * 6 * 9 + 6
    assert copied.sums["events counted"] == copied.sums["events in hours"] == copied.sums["events stored"] == 108
    assert copied.rows["source_map_part"] == 6
    assert copied.sums["bytes of source maps"] > len(LARGE)
    assert told[-1][1] == told[-1][2]
    with target.read() as connection:
        assert len(present(connection)) >= 4
        assert connection.exec_driver_sql("select count(*) from interaction_other").scalar() == 0


def test_life_goes_on_in_the_copy(filled: Store, clock: list[int], target: Database):
    copy_store(filled.database, target)
    moved = Store(target, lambda: clock[0])
    shop = moved.origins.find("shop")

    again, new = report(
        moved, shop, payload(eventId=f"{0:016x}{0:015x}{shop.number}"), payload(errorType="Error1", release="9.0.0")
    )

    assert again.duplicate
    assert not new.duplicate
    assert moved.issues.find("shop-2").event_count == 7
    assert conservation(moved).holds


def test_the_source_stays_as_it_was(filled: Store, target: Database):
    before = answers(filled)

    copy_store(filled.database, target)

    assert answers(filled) == before


def test_a_target_that_holds_something_is_refused(filled: Store, target: Database):
    copy_store(filled.database, target)

    with pytest.raises(Conflict, match="not empty"):
        copy_store(filled.database, target)


def test_a_failed_move_leaves_the_target_empty(filled: Store, target: Database):
    with filled.database.write() as connection:
        connection.exec_driver_sql("update error_issue set title = 'a' || char(0) where number = 1")

    with pytest.raises(Unavailable, match="Nothing was copied"):
        copy_store(filled.database, target)
    assert Store(target).origins.all() == []
    with filled.database.write() as connection:
        connection.exec_driver_sql("update error_issue set title = 'a' where number = 1")
    assert copy_store(filled.database, target).rows["error_issue"] == 18


def test_a_served_store_does_not_move(filled: Store, target: Database):
    with serving(filled.database, "http://127.0.0.1:4000"), pytest.raises(Conflict, match="is being served"):
        copy_store(filled.database, target)


def test_only_a_file_moves_and_only_to_postgresql(store: Store, target: Database, tmp_path: Path):
    with pytest.raises(InvalidInput, match="no PostgreSQL"):
        copy_store(store.database, store.database)
    with pytest.raises(InvalidInput, match="in PostgreSQL already"):
        copy_store(target, target)
    with pytest.raises(NotFound, match="no store"):
        copy_store(open_database(f"sqlite:///{tmp_path / 'none.sqlite3'}"), target)


def test_an_older_schema_is_upgraded_first(store: Store, target: Database):
    with store.database.write() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '0001'")

    with pytest.raises(Conflict, match="db upgrade"):
        copy_store(store.database, target)


def test_years_of_a_wrong_clock_do_not_make_thousands_of_partitions(store: Store, clock: list[int], target: Database):
    origin = make_origin(store)
    clock[0] = 86_400_000_000
    report(store, origin, payload(errorType="Old"))
    clock[0] = NOW
    report(store, origin, payload(errorType="New"))

    copied = copy_store(store.database, target)

    assert copied.rows["interaction"] == 2
    with target.read() as connection:
        assert len(present(connection)) <= copying.MOST_MONTHS + 3
    assert conservation(Store(target)).holds
