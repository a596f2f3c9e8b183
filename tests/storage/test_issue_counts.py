"""The counts of issues by status, level and environment: exact whatever happens to an issue, and after an upgrade."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error

from provenance_core.events import Level
from provenance_core.lifecycle import Status
from provenance_core.origins import OriginConfig
from provenance_storage import schema
from provenance_storage.conservation import conservation
from provenance_storage.engine import open_database
from provenance_storage.issue_counts import Group, groups, wrong_counts
from provenance_storage.issue_list import IssueFilters, IssueOrder, latest_receipt
from provenance_storage.issues import StatusRequest
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


def _change(store: Store, issue: str, status: Status) -> None:
    store.issues.change_status(issue, StatusRequest(status, None, None, TESTER))


def _counts(store: Store, environment: str = "") -> dict[tuple[str, str], int]:
    with store.database.read() as connection:
        assert connection.execute(wrong_counts()).all() == []
        found = groups(connection, None, environment)
    return {(group.status, group.level): group.issue_count for group in found}


def test_new_issues_are_counted(store: Store, origin: OriginRecord):
    store.record([new_error(origin, "a"), new_error(origin, "b"), new_error(origin, "a", level=Level.FATAL)])
    store.record([new_error(origin, "c", level=Level.INFO)])

    assert _counts(store) == {("open", "fatal"): 1, ("open", "error"): 1, ("open", "info"): 1}


def test_an_issue_whose_level_changes_is_counted_there(store: Store, origin: OriginRecord):
    store.record([new_error(origin, tags={"environment": "live"})])
    store.record([new_error(origin, level=Level.WARNING, tags={"environment": "test"})])

    assert _counts(store) == {("open", "warning"): 1}
    assert _counts(store, "live") == _counts(store, "test") == {("open", "warning"): 1}


def test_an_issue_whose_status_changes_is_counted_there(store: Store, origin: OriginRecord):
    store.record([new_error(origin, release="1.0", tags={"environment": "live"}), new_error(origin, "b")])
    _change(store, "my-app-1", Status.RESOLVED)
    resolved = _counts(store, "live")
    store.record([new_error(origin, release="2.0")])

    assert resolved == {("resolved", "error"): 1}
    assert _counts(store) == {("regressed", "error"): 1, ("open", "error"): 1}
    assert _counts(store, "live") == {("regressed", "error"): 1}


def test_an_environment_is_counted_once_for_an_issue(store: Store, origin: OriginRecord):
    for environments in (("live", "live"), ("live", "test"), ("", "live")):
        store.record([new_error(origin, tags={"environment": name}) for name in environments])
    store.record([new_error(origin, "b", tags={"environment": "live"})])

    assert _counts(store, "live") == {("open", "error"): 2}
    assert _counts(store, "test") == {("open", "error"): 1}
    assert _counts(store) == {("open", "error"): 2}


def test_origins_are_counted_apart(store: Store, origin: OriginRecord):
    other = store.origins.create("other", "Other", None, OriginConfig())
    store.record([new_error(origin), new_error(other), new_error(other, "b")])

    with store.database.read() as connection:
        assert groups(connection, other.id) == [Group(other.id, "open", "error", 2)]


def test_an_inspection_sees_a_wrong_count(store: Store, origin: OriginRecord):
    store.record([new_error(origin, tags={"environment": "live"})])
    well = conservation(store)
    with store.database.write() as connection:
        connection.exec_driver_sql("update issue_count set issue_count = 2 where environment = 'live'")

    assert well.holds
    assert list(conservation(store).broken) == [
        "counts of issues by status, level and environment that are not so many"
    ]


def _id(number: int) -> str:
    return f"x'{number:032x}'"


_ISSUE = (
    "insert into error_issue values ({}, {}, {}, 'f', 'pv1', '{}', 5, null, 0, 'error', 1, null, '{}', null, 5, {}, "
    "{}, {}, null, null, 20, 0)"
)
_OLD_STORE = [
    f"insert into origin values ({_id(1)}, 1, 'my-app', 'My app', null, '{{}}', 1)",
    f"insert into origin_key values ({_id(1)}, 'key', 'public', 1)",
    f"insert into issue_number values ({_id(1)}, 2)",
    _ISSUE.format(_id(1), _id(10), 1, "open", "One", 9, _id(12), _id(12)),
    _ISSUE.format(_id(1), _id(11), 2, "muted", "Two", 7, _id(13), _id(13)),
    f"insert into issue_tag values ({_id(1)}, {_id(10)}, 'environment', 'live', 20)",
    f"insert into issue_tag values ({_id(1)}, {_id(11)}, 'environment', '', 20)",
    f"insert into issue_tag values ({_id(1)}, {_id(11)}, 'region', 'live', 20)",
]


def test_an_upgrade_counts_what_is_there(tmp_path: Path, clock: HeldClock):
    url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with closing(open_database(url)) as database, database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in _OLD_STORE:
            connection.exec_driver_sql(statement)

    with closing(Store.open(url, clock)) as store:
        assert _counts(store) == {("open", "error"): 1, ("muted", "error"): 1}
        assert _counts(store, "live") == {("open", "error"): 1}
        with store.database.read() as connection:
            assert latest_receipt(connection) == 9
        listed = store.issues.list(IssueFilters(), IssueOrder(), 10)
        assert [issue.title for issue in listed.issues] == ["One", "Two"]
