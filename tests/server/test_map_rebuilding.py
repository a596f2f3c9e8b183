"""Indexes of an earlier version are built again from the maps that are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.maps import frame, script, source_map
from tests.server.source_maps import put, reason, resolve

from provenance_core.events import Unresolved
from provenance_core.sourcemaps.index import INDEX_VERSION
from provenance_server.context import Context
from provenance_server.index_building import BUILDING, IndexBuilder, NotBuilt
from provenance_server.maintenance import Maintenance
from provenance_server.map_rebuilding import rebuild_outdated

TWO: dict[str, Any] = {
    "~/static/app.min.js": script(),
    "~/static/app.min.js.map": source_map(),
    "~/other.js.map": source_map(shift=7),
}


def change(context: Context, statement: str) -> None:
    with context.store.database.write() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def outdated(context: Context, tmp_path: Path) -> Context:
    """Keep two maps as an earlier version of this program left them."""
    put(context, tmp_path, TWO)
    change(context, "update source_map set index_version = 0")
    return context


def test_outdated_indexes_are_built_again_some_at_a_time(outdated: Context) -> None:
    before = reason(outdated, frame("checkout"))
    with IndexBuilder() as builder:
        first = rebuild_outdated(outdated.store, builder, 1)
        second = rebuild_outdated(outdated.store, builder, 1, first.after)
        third = rebuild_outdated(outdated.store, builder, 1, second.after)

    assert before is Unresolved.UNREADABLE_MAP
    assert [one.rebuilt for one in (first, second, third)] == [1, 1, 0]
    assert third.after is None
    assert resolve(outdated, frame("checkout")).reported.frames[0].file == "src/cart.ts"
    assert outdated.store.artifacts.outdated_maps(INDEX_VERSION, 10) == []


def test_a_map_that_cannot_be_read_keeps_nobody_up(outdated: Context) -> None:
    change(outdated, "delete from source_map_part where body_id = (select map_body from source_map limit 1)")
    with IndexBuilder() as builder:
        done = rebuild_outdated(outdated.store, builder, 10)

    assert (done.rebuilt, done.after) == (1, None)
    assert len(outdated.store.artifacts.outdated_maps(INDEX_VERSION, 10)) == 1


def test_a_map_that_could_not_be_built_now_stays_as_it_is(outdated: Context) -> None:
    class Slow(IndexBuilder):
        def build(self, path: Path, index: Path) -> NotBuilt:
            return NotBuilt("reading takes longer", passes=True)

    done = rebuild_outdated(outdated.store, Slow(), 10)

    assert done.rebuilt == 0
    assert len(outdated.store.artifacts.outdated_maps(INDEX_VERSION, 10)) == 2


def test_a_map_that_is_malformed_by_now_says_so(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/static/app.min.js.map": '{"version": 3}'}, lenient=True)
    change(context, "update source_map set index_version = 0, problem = 'earlier'")
    with IndexBuilder() as builder:
        done = rebuild_outdated(context.store, builder, 10)

    assert done.rebuilt == 1
    assert reason(context, frame("checkout")) is Unresolved.MALFORMED_MAP


def test_maintenance_builds_one_in_each_run(outdated: Context) -> None:
    maintenance = Maintenance(outdated.store)
    with BUILDING:
        busy = maintenance.run_once(outdated.store.clock())
    runs = [maintenance.run_once(outdated.store.clock()) for _ in range(4)]

    assert busy.reindexed == 0
    assert [one.reindexed for one in runs] == [1, 1, 0, 0]
    assert [one.finished for one in runs] == [False, False, True, True]
    assert reason(outdated, frame("checkout")) is None
