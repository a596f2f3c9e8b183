"""What recording a batch does: exact counters, one issue for one fingerprint, every event once."""

from __future__ import annotations

import threading
import traceback
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error

from provenance_core.errors import NotFound
from provenance_core.events import Level
from provenance_core.lifecycle import Regression, Status
from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_storage.counters import HOUR, STATED_TAGS, TAG_KEYS, TAG_VALUES
from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.issues import StatusRequest
from provenance_storage.records import NewInteraction, OriginRecord, TagRecord
from provenance_storage.store import Store
from provenance_storage.tables import ErrorIssue, table


def _resolve(store: Store, issue: str, release: str | None = None) -> None:
    store.issues.change_status(issue, StatusRequest(Status.RESOLVED, release, None, TESTER))


def test_events_of_one_fingerprint_are_one_issue(store: Store, origin: OriginRecord) -> None:
    recorded = store.record([new_error(origin, "a"), new_error(origin, "b"), new_error(origin, "a")])

    issue = store.issues.find("MY-APP-1")
    assert recorded[0].issue_id == recorded[2].issue_id == issue.id
    assert recorded[1].issue_id != issue.id
    assert issue.event_count == 2
    assert [event.id for event in store.interactions.of_issue(issue, 10, None)] == [recorded[2].id, recorded[0].id]


def test_counts_first_and_last_seen_are_exact(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    start = clock.now
    store.record([new_error(origin, release="1.0", user=b"u1", tags={"environment": "live"})])
    clock.now += HOUR
    store.record([new_error(origin, release="1.0", user=b"u1"), new_error(origin, release="1.1", user=b"u2")])

    issue = store.issues.find("my-app-1")
    assert (issue.event_count, issue.user_count) == (3, 2)
    assert (issue.first_seen, issue.last_seen) == (start, clock.now + 1)
    assert store.issues.hours(issue, 0) == {start // HOUR: 1, start // HOUR + 1: 2}
    assert [(met.event_count, met.first_seen, met.last_seen) for met in store.issues.releases(issue)] == [
        (1, clock.now + 1, clock.now + 1),
        (2, start, clock.now),
    ]
    assert store.issues.tags(issue, 10, 10) == [TagRecord("environment", 1, {"live": 1})]


def test_the_same_event_id_again_changes_nothing(store: Store, origin: OriginRecord) -> None:
    first, repeated = store.record([new_error(origin, event_id="e1"), new_error(origin, event_id="e1")])
    again = store.record([new_error(origin, event_id="e1", release="2.0")])[0]

    issue = store.issues.find("my-app-1")
    assert issue.event_count == 1
    assert repeated == again
    assert repeated.duplicate
    assert (repeated.id, repeated.issue_id) == (first.id, issue.id)
    assert store.releases.list(origin.id, "", 10, None)[1] == 0


def test_the_same_event_id_in_another_origin_is_another_event(store: Store, origin: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    recorded = store.record([new_error(origin, event_id="e1"), new_error(other, event_id="e1")])

    assert not any(outcome.duplicate for outcome in recorded)


def test_a_clock_that_jumps_back_keeps_the_order(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    first = store.record([new_error(origin)])[0]
    clock.now -= 3 * HOUR
    second = store.record([new_error(origin)])[0]

    assert second.received_at == first.received_at + 1
    assert second.id > first.id
    assert store.issues.find("my-app-1").last_event_id == second.id


def test_two_stores_on_one_file_keep_the_order(store: Store, origin: OriginRecord, url: str, clock: HeldClock) -> None:
    other = Store.open(url, clock)
    moments = [writer.record([new_error(origin)])[0].received_at for writer in (store, other, store, other)]
    other.close()

    assert moments == sorted(set(moments))


def test_a_resolved_issue_regresses_in_another_release_once(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, release="1.0")])
    _resolve(store, "my-app-1", "1.0")
    store.record([new_error(origin, release="1.0"), new_error(origin)])
    same = store.issues.find("my-app-1")
    recorded = store.record([new_error(origin, release="1.1"), new_error(origin, release="1.2")])

    issue = store.issues.find("my-app-1")
    last = store.issues.history(issue)[-1]
    assert same.status is Status.RESOLVED
    assert (issue.status, issue.regression_count, issue.event_count) == (Status.REGRESSED, 1, 5)
    assert (last.actor, last.from_status, last.event_id) == ("system", Status.RESOLVED, recorded[0].id)


def test_resolved_without_any_release_any_later_event_regresses(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin)])
    _resolve(store, "my-app-1")
    store.record([new_error(origin)])

    assert store.issues.find("my-app-1").status is Status.REGRESSED


def test_with_newer_only_newer_releases_regress(store: Store) -> None:
    config = OriginConfig(error_tracking=ErrorTracking(regression=Regression.NEWER))
    origin = store.origins.create("fleet", "Fleet", None, config)
    store.record([new_error(origin, release="1.0.0"), new_error(origin, release="1.1.0")])
    _resolve(store, "fleet-1", "1.1.0")
    store.record([new_error(origin, release="1.0.0"), new_error(origin, release="1.0.9")])
    old = store.issues.find("fleet-1").status
    store.record([new_error(origin, release="1.2.0")])

    assert old is Status.RESOLVED
    assert store.issues.find("fleet-1").status is Status.REGRESSED


def test_reopened_and_resolved_again_it_regresses_again(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, release="1.0")])
    for release, worse in (("1.0", "1.1"), ("1.1", "1.2")):
        _resolve(store, "my-app-1", release)
        store.record([new_error(origin, release=worse)])

    issue = store.issues.find("my-app-1")
    assert issue.regression_count == 2
    assert [change.to_status for change in store.issues.history(issue)] == [
        Status.RESOLVED,
        Status.REGRESSED,
        Status.RESOLVED,
        Status.REGRESSED,
    ]


def test_tag_values_are_bounded_and_known_ones_still_counted(store: Store, origin: OriginRecord) -> None:
    for number in range(TAG_VALUES + 20):
        store.record([new_error(origin, tags={"order": str(number)})])
    store.record([new_error(origin, tags={"order": "0"})])

    (tag,) = store.issues.tags(store.issues.find("my-app-1"), 10, TAG_VALUES + 20)
    assert tag.event_count == TAG_VALUES + 21
    assert len(tag.values) == TAG_VALUES
    assert tag.values["0"] == 2


def test_tags_are_bounded_and_those_of_every_event_are_still_counted(store: Store, origin: OriginRecord) -> None:
    for number in range(20):
        store.record([new_error(origin, tags={f"tag{number}-{n}": "x" for n in range(20)})])
    store.record([new_error(origin, tags={"environment": "live", "tag0-0": "y"})])

    tags = {tag.key: tag for tag in store.issues.tags(store.issues.find("my-app-1"), 1_000, 10)}
    assert len(tags) <= TAG_KEYS + len(STATED_TAGS) + 1
    assert tags["environment"].values == {"live": 1}
    assert tags["tag0-0"].values == {"x": 1, "y": 1}


def test_an_issue_is_found_by_an_environment_after_many_others(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, tags={"environment": f"preview-{number}"}) for number in range(TAG_VALUES + 5)])
    store.record([new_error(origin, tags={"environment": "production"})])

    page = store.issues.list(IssueFilters(environment="production"), IssueOrder(), 10)
    assert page.total == 1


def test_the_first_release_is_that_of_the_first_event(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin), new_error(origin, release="2.0")])

    issue = store.issues.find("my-app-1")
    assert issue.first_release_id is None
    assert issue.last_release_id is not None


def test_what_was_deleted_while_an_event_waited_is_told(store: Store, origin: OriginRecord) -> None:
    word = store.actions.create("ORDERED", "Ordered", None)
    waiting = replace(new_error(origin), action_id=word.id, event=None)
    store.actions.delete(word)
    with pytest.raises(NotFound, match="deleted in the meantime"):
        store.record([waiting])
    store.origins.delete(origin.id)

    with pytest.raises(NotFound, match="origin was deleted"):
        store.record([new_error(origin)])


def test_an_error_of_the_store_holds_no_text_of_an_event(store: Store, origin: OriginRecord) -> None:
    secret = new_error(replace(origin, id=origin.id), "f", title="TOP SECRET TITLE")
    store.record([secret])
    with pytest.raises((IntegrityError, RuntimeError)) as caught, store.database.write() as connection:
        connection.execute(
            table(ErrorIssue).insert().values(origin_id=origin.id, id=origin.id, title="TOP SECRET TITLE")
        )

    assert "SECRET" not in "".join(traceback.format_exception(caught.value)).replace('title="TOP SECRET TITLE"', "")


def test_an_issue_is_described_by_its_latest_event(store: Store, origin: OriginRecord) -> None:
    store.record([new_error(origin, title="first", level=Level.WARNING)])
    store.record([new_error(origin, title="second", level=Level.FATAL)])

    issue = store.issues.find("my-app-1")
    assert (issue.title, issue.level) == ("second", Level.FATAL)


def test_short_numbers_count_per_origin(store: Store, origin: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())
    store.record([new_error(origin, "a"), new_error(other, "a"), new_error(origin, "b")])

    assert store.issues.find("my-app-2").fingerprint == "b"
    assert store.issues.find("other-1").fingerprint == "a"


def test_a_failing_batch_leaves_nothing(store: Store, origin: OriginRecord) -> None:
    poison = new_error(origin, "b", title="\ud800")
    with pytest.raises(UnicodeEncodeError):
        store.record([new_error(origin, "a", event_id="e"), poison])

    assert store.interactions.find(store.record([new_error(origin, "a", event_id="e")])[0].id) is not None
    assert store.issues.find("my-app-1").event_count == 1


def test_threads_and_stores_together_count_every_event_once(store: Store, origin: OriginRecord, url: str) -> None:
    other = Store.open(url)

    def work(writer: Store, seed: int) -> None:
        for number in range(20):
            shared = f"{number:032x}"
            batch = [new_error(origin, f"f{number % 3}", event_id=shared, user=bytes([number])) for _ in range(2)]
            writer.record([*batch, new_error(origin, f"f{seed % 3}", event_id=f"{seed:016x}{number:016x}")])

    threads = [threading.Thread(target=work, args=(writer, seed)) for seed, writer in enumerate([store, other] * 2, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    other.close()

    issues = [store.issues.find(f"my-app-{number}") for number in (1, 2, 3)]
    assert sum(issue.event_count for issue in issues) == 20 + 4 * 20
    assert sum(issue.user_count for issue in issues) == 20
    for issue in issues:
        assert sum(store.issues.hours(issue, 0).values()) == issue.event_count
        assert len(store.interactions.of_issue(issue, 1000, None)) == issue.event_count


def test_an_issue_of_an_earlier_algorithm_takes_the_events_of_the_new_one(store: Store, origin: OriginRecord) -> None:
    def by_both(new: str, old: str) -> NewInteraction:
        made = new_error(origin, new)
        assert made.event is not None
        event = replace(made.event, fingerprint_version="pv2", older_fingerprints=(old,))
        return replace(made, event=event)

    (first,) = store.record([new_error(origin, "old")])
    upgraded = store.record([by_both("new", "old"), by_both("new", "old"), by_both("other", "unmet")])
    later = store.record([new_error(origin, "old"), by_both("new", "unmet"), new_error(origin, "new")])

    assert {one.issue_id for one in (*upgraded[:2], *later)} == {first.issue_id}
    assert upgraded[2].issue_id != first.issue_id
    issue = store.issues.find("my-app-1")
    assert (issue.event_count, issue.fingerprint, issue.fingerprint_version) == (6, "old", "pv1")
