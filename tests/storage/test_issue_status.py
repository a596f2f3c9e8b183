"""Changes of status in the store: every row and non-row, the history, the release."""

from __future__ import annotations

import itertools

import pytest
from tests.factory import TESTER
from tests.storage.conftest import new_error

from provenance_core.errors import Conflict, NotFound
from provenance_core.lifecycle import MOVES, Status
from provenance_storage.issues import StatusRequest
from provenance_storage.records import OriginRecord
from provenance_storage.releases import ReleaseDetails
from provenance_storage.store import Store

ISSUE = "my-app-1"


def _ask(store: Store, status: Status, release: str | None = None, note: str | None = None) -> bool:
    return store.issues.change_status(ISSUE, StatusRequest(status, release, note, TESTER)).changed


def _bring_to(store: Store, origin: OriginRecord, status: Status) -> None:
    store.record([new_error(origin, release="1.0")])
    if status is Status.REGRESSED:
        _ask(store, Status.RESOLVED)
        store.record([new_error(origin, release="1.1")])
    elif status is not Status.OPEN:
        _ask(store, status)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Status, Status)))
def test_each_pair_of_the_table(store: Store, origin: OriginRecord, before: Status, after: Status) -> None:
    _bring_to(store, origin, before)
    changes = len(store.issues.history(store.issues.find(ISSUE)))

    if after in MOVES[before]:
        changed = _ask(store, after)
    elif after is before:
        changed = _ask(store, after)
        assert not changed
    else:
        with pytest.raises(Conflict):
            _ask(store, after)
        changed = False
    issue = store.issues.find(ISSUE)
    assert issue.status is (after if changed else before)
    assert len(store.issues.history(issue)) == changes + int(changed)


def test_the_history_says_who_when_from_to_release_and_note(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, release="1.0")])
    _ask(store, Status.RESOLVED, "1.0", "fixed by hand")

    issue = store.issues.find(ISSUE)
    entry = store.issues.history(issue)[0]
    assert (entry.actor, entry.client, entry.from_status, entry.to_status, entry.note) == (
        "local:tester",
        None,
        Status.OPEN,
        Status.RESOLVED,
        "fixed by hand",
    )
    assert entry.release_id == issue.resolved_release_id
    assert entry.changed_at == issue.status_changed_at


def test_without_a_release_the_newest_is_taken(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, release="1.10.0"), new_error(origin, release="1.9.0")])
    _ask(store, Status.RESOLVED)

    release_id = store.issues.find(ISSUE).resolved_release_id
    assert release_id is not None
    assert store.releases.by_ids(origin.id, [release_id])[release_id].version == "1.10.0"


def test_without_semantic_versions_the_newest_is_the_last_created(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, release="2.0.0"), new_error(origin, release="a1b2c3d")])
    _ask(store, Status.RESOLVED)

    release_id = store.issues.find(ISSUE).resolved_release_id
    assert release_id is not None
    assert store.releases.by_ids(origin.id, [release_id])[release_id].version == "a1b2c3d"


def test_an_unknown_release_is_refused_and_alike_ones_are_named(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, release="seen-only-1.2.4")])
    store.releases.register(origin.id, "1.2.3", ReleaseDetails())

    with pytest.raises(NotFound) as caught:
        _ask(store, Status.RESOLVED, "1.2.4")
    assert "'1.2.3'" in caught.value.message
    assert "seen-only" not in caught.value.message
    assert store.issues.find(ISSUE).status is Status.OPEN


@pytest.mark.parametrize(
    "reference", ["my-app-2", "other-1", "nonsense", "01a20868-ab7c-71c2-8ff6-4418a4bbec37", "\x00"]
)
def test_an_unknown_issue_is_not_found(store: Store, origin: OriginRecord, reference: str) -> None:
    store.record([new_error(origin)])

    with pytest.raises(NotFound, match="No issue"):
        store.issues.find(reference)


def test_an_issue_is_found_by_id_and_by_short_id_in_any_case(store: Store, origin: OriginRecord) -> None:
    issue_id = store.record([new_error(origin)])[0].issue_id

    assert store.issues.find(str(issue_id)).id == issue_id
    assert store.issues.find("MY-APP-1").id == store.issues.find("my-app-1").id == issue_id
