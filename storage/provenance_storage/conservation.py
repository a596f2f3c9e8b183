"""What must always be true of a store: what was counted is what was recorded, and what is stored is whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, case, exists, func, select

from provenance_core.events import Via
from provenance_storage.issue_counts import wrong_counts
from provenance_storage.store import Store
from provenance_storage.tables import (
    ErrorIssue,
    EventKey,
    Interaction,
    InteractionPayload,
    IssueHour,
    IssueUser,
    table,
)

_KEY = ("origin_id", "received_at", "id")


@dataclass(frozen=True, slots=True)
class Conservation:
    """How much a store holds, seen in one moment, and which of its laws are broken how often."""

    issues: int
    counted_events: int
    stored_events: int
    broken: dict[str, int]

    @property
    def holds(self) -> bool:
        """Say whether all laws hold."""
        return not self.broken


def conservation(store: Store) -> Conservation:
    """Count what a store holds in one state of it, and what should not be."""
    issues, rows = table(ErrorIssue), table(Interaction)
    totals = select(func.count(), func.coalesce(func.sum(issues.c.event_count), 0)).select_from(issues)
    stored = select(func.count()).where(rows.c.issue_id.is_not(None))
    with store.database.read() as connection:
        issue_count, counted = connection.execute(totals).one()
        events = connection.execute(stored).scalar_one()
        wrong = {law: _count(connection, violations) for law, violations in _laws().items()}
    return Conservation(issue_count, int(counted), events, {law: count for law, count in wrong.items() if count})


def _count(connection: Connection, violations: Select[Any]) -> int:
    return connection.execute(select(func.count()).select_from(violations.subquery())).scalar_one()


@cache
def _laws() -> dict[str, Select[Any]]:
    """Return what breaks each law."""
    issues, rows, payloads, keys = (table(model) for model in (ErrorIssue, Interaction, InteractionPayload, EventKey))
    hours, users = table(IssueHour), table(IssueUser)
    claimed = exists().where(
        rows.c.origin_id == keys.c.origin_id,
        rows.c.received_at == keys.c.received_at,
        rows.c.id == keys.c.interaction_id,
        rows.c.event_id == keys.c.event_id,
    )
    return {
        "issues whose stored events are not as many as their stored_count says": _differs(
            rows, func.count(), issues.c.stored_count
        ),
        "issues whose hours do not add up to their event_count": _differs(
            hours, func.sum(hours.c.event_count), issues.c.event_count
        ),
        "issues whose users are not as many as their user_count says": _differs(
            users, func.count(), issues.c.user_count
        ),
        "issues that store more events than they counted": select(issues.c.id).where(
            issues.c.stored_count > issues.c.event_count
        ),
        "issues with more events from somebody known than events": select(issues.c.id).where(
            issues.c.authenticated_count + issues.c.matched_count > issues.c.event_count
        ),
        "issues whose authenticated events are not as many as their authenticated_count says": _differs(
            rows, _number_of(rows.c.via != Via.PUBLIC.value), issues.c.authenticated_count, may_lack=True
        ),
        "issues whose matched events are not as many as their matched_count says": _differs(
            rows,
            _number_of((rows.c.via == Via.PUBLIC.value) & rows.c.matched.in_([True])),
            issues.c.matched_count,
            may_lack=True,
        ),
        "counts of issues by status, level and environment that are not so many": wrong_counts(),
        "payloads without an interaction": select(payloads.c.id).where(~_same(rows, payloads)),
        "interactions without a payload": select(rows.c.id).where(~_same(payloads, rows)),
        "event keys without an event": select(keys.c.event_id).where(~claimed),
    }


def _differs(
    of_issues: Table, amount: ColumnElement[Any], column: ColumnElement[int], *, may_lack: bool = False
) -> Select[Any]:
    """Return the issues of which a column is not the amount that rows of another table give.

    Args:
        of_issues: The other table.
        amount: Of the rows of one issue.
        column: The column.
        may_lack: Whether rows are lacking of an issue of which events were removed: the amount may be less then.
    """
    issues = table(ErrorIssue)
    amounts = (
        select(of_issues.c.origin_id, of_issues.c.issue_id, amount.label("amount"))
        .where(of_issues.c.issue_id.is_not(None))
        .group_by(of_issues.c.origin_id, of_issues.c.issue_id)
        .subquery()
    )
    same = (amounts.c.origin_id == issues.c.origin_id) & (amounts.c.issue_id == issues.c.id)
    joined = issues.join(amounts, same, isouter=True)
    found = func.coalesce(amounts.c.amount, 0)
    differs = column != found
    if may_lack:
        differs &= (issues.c.stored_count == issues.c.event_count) | (found > column)
    return select(issues.c.id).select_from(joined).where(differs)


def _number_of(kind: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((kind, 1), else_=0))


def _same(inner: Table, outer: Table) -> ColumnElement[bool]:
    return exists().where(*(inner.c[name] == outer.c[name] for name in _KEY))
