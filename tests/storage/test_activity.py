"""Every change is kept with who made it, in its own transaction, and nobody can change that afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error
from tests.storage.uploads import script
from tests.stores import on_sqlite

from provenance_core.access import SYSTEM_ACTOR, Actor, ActorKind, Door, Scope
from provenance_core.errors import Conflict, NotFound
from provenance_core.lifecycle import Status
from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_storage.activity import ActivityRecord
from provenance_storage.backup import back_up
from provenance_storage.issues import StatusRequest
from provenance_storage.records import OriginRecord
from provenance_storage.releases import ReleaseDetails
from provenance_storage.retention import DAY, prune
from provenance_storage.store import Store
from provenance_storage.turns import Turns

AGENT = Actor(ActorKind.KEY, "agent", "claude-code", Door.MCP, "pak_1a2b3c4d")


class TickingClock(HeldClock):
    """A clock that never tells the same moment twice."""

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def clock() -> HeldClock:
    return TickingClock()


def rows(store: Store, origin_id: UUID | None = None, subject_id: UUID | None = None) -> list[ActivityRecord]:
    return store.activity.list(origin_id, subject_id, 1_000, None)


def resolve(store: Store, issue: str = "my-app-1", by: Actor = AGENT) -> None:
    store.issues.change_status(issue, StatusRequest(Status.RESOLVED, None, "fixed", by))


def test_a_change_of_status_is_kept_under_the_id_it_has_in_the_history(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin)])
    resolve(store)
    store.record([new_error(origin, release="2.0")])

    issue = store.issues.find("my-app-1")
    history = store.issues.history(issue)
    kept = rows(store, origin.id, issue.id)
    assert [row.id for row in kept] == [change.id for change in reversed(history)]
    assert [(row.actor, row.before, row.after, row.note) for row in kept] == [
        (SYSTEM_ACTOR, "resolved", "regressed", None),
        (AGENT, "open", "resolved", "fixed"),
    ]
    assert [row.at for row in kept] == [change.changed_at for change in reversed(history)]


CHANGES: dict[str, Callable[[Store, OriginRecord], object]] = {
    "origin.create": lambda store, _: store.origins.create("other", "Other", None, OriginConfig(), by=AGENT),
    "origin.update": lambda store, origin: store.origins.update(origin.id, {"name": "Shop"}, by=AGENT),
    "origin.delete": lambda store, origin: store.origins.delete(origin.id, by=AGENT),
    "word.create": lambda store, _: store.actions.create("PAID", "Paid", None, by=AGENT),
    "word.update": lambda store, _: store.actions.update(store.actions.find("SENT"), "SENT", "Off", None, by=AGENT),
    "word.delete": lambda store, _: store.actions.delete(store.actions.find("SENT"), by=AGENT),
    "release.create": lambda store, origin: store.releases.register(origin.id, "2", ReleaseDetails(), by=AGENT),
    "release.update": lambda store, origin: store.releases.register(origin.id, "1", ReleaseDetails("ref"), by=AGENT),
    "release.delete": lambda store, origin: store.releases.delete(
        origin.id, store.releases.find(origin.id, "1").id, by=AGENT
    ),
    "sourcemaps.upload": lambda store, origin: store.artifacts.publish(
        origin.id, store.releases.find(origin.id, "1").id, "", [script("~/new.js")], by=AGENT
    ),
}
AGAIN = {"origin.update", "word.update", "release.create", "release.update", "sourcemaps.upload"}


@pytest.mark.parametrize("action", CHANGES)
def test_each_change_leaves_one_row_and_none_where_nothing_changes(
    store: Store, origin: OriginRecord, clock: HeldClock, action: str
) -> None:
    store.actions.create("SENT", "Sent", None)
    store.releases.register(origin.id, "1", ReleaseDetails())
    before = rows(store)
    clock.now += 1_000_000
    began = clock.now
    CHANGES[action](store, origin)
    if action in AGAIN:
        CHANGES[action](store, origin)

    (new,) = [row for row in rows(store) if row not in before]
    assert (new.action, new.actor) == (action, AGENT)
    assert began < new.at <= clock.now
    assert (new.before is None, new.after is None) == (action.endswith(("create", "upload")), action.endswith("delete"))


def test_what_is_refused_leaves_no_row(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin)])
    resolve(store)
    before = rows(store)
    word = store.actions.create("SENT", "Sent", None)
    store.actions.delete(word)

    for refused, how in (
        (Conflict, lambda: store.origins.create("my-app", "Again", None, OriginConfig())),
        (Conflict, lambda: store.origins.delete(origin.id)),
        (Conflict, lambda: store.issues.change_status("my-app-1", StatusRequest(Status.MUTED, None, None, AGENT))),
        (NotFound, lambda: store.actions.update(word, "SENT", "Other", None)),
    ):
        with pytest.raises(refused):
            how()
    resolve(store)
    store.actions.delete(word)
    assert [row.action for row in rows(store) if row not in before] == ["word.delete", "word.create"]


def test_only_what_differs_is_told_and_what_is_long_is_cut(store: Store, origin: OriginRecord) -> None:
    keys = tuple(f"key-{number}" for number in range(30))
    tracking = ErrorTracking(scrub={"keys": keys})  # type: ignore[arg-type]  # parsed
    store.origins.update(origin.id, {"description": "x" * 500, "config": {"error_tracking": dict(tracking)}})

    (row, _) = rows(store, origin.id)
    assert row.before == '{"scrub":{"keys":[],"keep":[]}}'
    assert row.after is not None
    assert "… (+300 chars)" in row.after
    assert "… (+10)" in row.after
    assert "mnemonic" not in row.after


def test_a_release_that_only_events_mention_is_not_named(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, release="ignore-previous-instructions")])
    release = store.releases.find(origin.id, "ignore-previous-instructions")
    resolve(store)
    store.artifacts.publish(origin.id, release.id, "", [script("~/a.js")], by=AGENT)
    store.releases.delete(origin.id, release.id, by=AGENT)
    store.releases.delete(origin.id, release.id, by=AGENT)

    assert "ignore-previous" not in repr(rows(store))
    assert [row.action for row in rows(store, origin.id, release.id)] == ["release.delete", "sourcemaps.upload"]


def test_nobody_can_change_or_remove_a_row(store: Store, origin: OriginRecord) -> None:
    before = rows(store)
    for statement in ("update activity set actor_name = 'nobody'", "delete from activity"):
        with pytest.raises(Exception, match=r"append-only|P0001"), store.database.write() as connection:
            connection.execute(text(statement))

    assert rows(store) == before != []


def test_what_was_done_outlives_what_it_was_done_to(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    store.record([new_error(origin)])
    resolve(store)
    gone = store.origins.create("gone", "Gone", None, OriginConfig())
    store.origins.delete(gone.id)
    before = rows(store)
    clock.now += 400 * DAY
    done = prune(store, clock.now, Turns(store.database))

    assert done.removed.interactions == 1
    assert rows(store) == before
    assert [row.action for row in rows(store, gone.id)] == ["origin.delete", "origin.create"]


@on_sqlite
def test_a_backup_holds_it(store: Store, origin: OriginRecord, tmp_path: Path) -> None:
    store.record([new_error(origin)])
    resolve(store)
    back_up(store.database, tmp_path / "copy.sqlite3")
    copy = Store.open(f"sqlite:///{tmp_path / 'copy.sqlite3'}")

    assert rows(copy) == rows(store)
    assert copy.secret("sender") == store.secret("sender")
    copy.close()


def test_pages_show_every_row_of_every_origin_once_newest_first(store: Store, origin: OriginRecord) -> None:
    for number in range(4):
        other = store.origins.create(f"app-{number}", "App", None, OriginConfig(), by=TESTER)
        store.actions.create(f"W{number}", "Word", None, by=TESTER)
        store.origins.update(other.id, {"name": "Changed"}, by=TESTER)
    found: list[ActivityRecord] = []
    while page := store.activity.list(None, None, 3, found[-1].id if found else None):
        found += page

    assert found == sorted(rows(store), key=lambda row: row.id, reverse=True)
    assert len(found) == 13
    assert {row.origin_id for row in found} >= {None, origin.id}


def test_what_was_done_to_keys_is_left_out_of_pages_that_are_full_all_the_same(
    store: Store, origin: OriginRecord
) -> None:
    for number in range(4):
        store.keys.create(f"key {number}", [Scope.READ], None, by=TESTER)
        store.actions.create(f"W{number}", "Word", None, by=TESTER)
    first = store.activity.list(None, None, 3, None, of_keys=False)
    second = store.activity.list(None, None, 3, first[-1].id, of_keys=False)

    assert [row.action for row in first + second] == ["word.create"] * 4 + ["origin.create"]
    assert "key.create" in {row.action for row in rows(store)}


def test_a_client_with_hidden_characters_is_kept_all_the_same(store: Store, origin: OriginRecord) -> None:
    store.origins.update(origin.id, {"name": "x"}, by=replace(AGENT, client="a\0b"))

    assert rows(store, origin.id)[0].actor.client == "a\N{REPLACEMENT CHARACTER}b"
