"""The law of conservation: what was acknowledged is stored and counted once, and nothing else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select
from tests.faults.load import Load

from provenance_core.lifecycle import Status
from provenance_storage.conservation import conservation
from provenance_storage.store import Store
from provenance_storage.tables import (
    ErrorIssue,
    EventKey,
    Interaction,
    InteractionPayload,
    IssueHour,
    IssueRelease,
    StatusChange,
    table,
)


@dataclass(frozen=True)
class Books:
    """What a store holds, seen in one moment.

    Attributes:
        stored: How often each event id is stored.
        by_issue: Stored events, by issue.
        tagged: Stored events that have a release, by issue.
        counted: What each issue says it has.
        hours: What the hours of each issue add up to.
        releases: What the releases of each issue add up to.
        keys: Event ids that are taken.
        payloads: How many there are.
        regressions: What each issue says, how often it came back.
        resolved_now: Issues that are resolved.
        history: How often each issue was given each status.
    """

    stored: Counter[str]
    by_issue: Counter[Any]
    tagged: Counter[Any]
    counted: Counter[Any]
    hours: Counter[Any]
    releases: Counter[Any]
    keys: set[str]
    payloads: int
    regressions: Counter[Any]
    resolved_now: set[Any]
    history: Counter[tuple[Any, str]]

    @property
    def resolves(self) -> int:
        """Return how many changes made an issue resolved."""
        return sum(count for (_, status), count in self.history.items() if status == Status.RESOLVED)


def conserved(url: str, load: Load) -> Books:
    """Return what a store holds after a load, once it was found to be what it should be."""
    with closing(Store.open(url)) as store:
        return check(store, load.acknowledged, load.sent)


def check(store: Store, acknowledged: Collection[str], sent: Collection[str]) -> Books:
    """Find that a store holds what was acknowledged, no more than was sent, and that all its numbers agree."""
    with store.database.read() as connection:
        books = read(connection)
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("pragma foreign_key_check").all() == []

    stored = set(books.stored)
    assert set(acknowledged) - stored == set(), "acknowledged, and lost"
    assert stored - set(sent) == set(), "stored, and never sent"
    assert max(books.stored.values(), default=1) == 1, "stored twice"
    assert books.keys == stored
    assert books.payloads == sum(books.stored.values())
    assert books.counted == books.by_issue == books.hours, "counted otherwise than stored"
    assert books.releases == books.tagged
    for issue in books.counted:
        resolved = books.history[issue, Status.RESOLVED.value]
        assert books.history[issue, Status.REGRESSED.value] == books.regressions[issue]
        assert resolved == books.regressions[issue] + (issue in books.resolved_now)
    assert conservation(store).broken == {}
    return books


def read(connection: Connection) -> Books:
    """Return what a store holds, as one transaction sees it."""
    issues, rows, hours = table(ErrorIssue), table(Interaction), table(IssueHour)
    of_releases, changes = table(IssueRelease), table(StatusChange)
    events = connection.execute(
        select(rows.c.event_id, rows.c.issue_id, rows.c.release_id).where(rows.c.issue_id.is_not(None))
    ).all()
    found = connection.execute(
        select(issues.c.id, issues.c.event_count, issues.c.regression_count, issues.c.status)
    ).all()
    return Books(
        stored=Counter(event_id for event_id, _, _ in events),
        by_issue=Counter(issue for _, issue, _ in events),
        tagged=Counter(issue for _, issue, release in events if release is not None),
        counted=Counter({issue: count for issue, count, _, _ in found}),
        hours=_sums(connection, hours.c.issue_id, hours.c.event_count),
        releases=_sums(connection, of_releases.c.issue_id, of_releases.c.event_count),
        keys=set(connection.execute(select(table(EventKey).c.event_id)).scalars()),
        payloads=connection.execute(select(func.count()).select_from(table(InteractionPayload))).scalar_one(),
        regressions=Counter({issue: count for issue, _, count, _ in found}),
        resolved_now={issue for issue, _, _, status in found if status == Status.RESOLVED},
        history=Counter((row.issue_id, row.to_status) for row in connection.execute(select(changes))),
    )


def _sums(connection: Connection, by: Any, amount: Any) -> Counter[Any]:
    rows = connection.execute(select(by, func.sum(amount)).group_by(by))
    return Counter({issue: int(count) for issue, count in rows})
