"""Remove interactions with all that is kept beside them, and keep the count of what is stored exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, update

from provenance_storage.columns import Count
from provenance_storage.prepared import POSTGRESQL, Given, RowStatement, types_of
from provenance_storage.tables import ErrorIssue, EventKey, Interaction, InteractionPayload, table

_KEY = ("origin_id", "received_at", "id")
_EVENT_KEY = ("origin_id", "event_id", "interaction_id")

Stored = tuple[int, UUID, str | None]
"""An interaction of a known origin: its moment of receipt, its id, and the sender's id of the event."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How much was removed: interactions, and bytes of their payloads."""

    interactions: int = 0
    payload_bytes: int = 0

    def __add__(self, more: Removed) -> Removed:
        """Return both together."""
        return Removed(self.interactions + more.interactions, self.payload_bytes + more.payload_bytes)


def remove(connection: Connection, origin_id: UUID, rows: Sequence[Stored]) -> Removed:
    """Remove interactions of one origin, their payloads and event keys; return how many were still there.

    The number of stored events of each issue goes down by what was removed; everything else that was counted stays.

    Args:
        connection: One in a write transaction that holds the origin's lock.
        origin_id: The origin.
        rows: The interactions.
    """
    dialect = connection.dialect.name
    remove_event_keys(connection, origin_id, rows)
    keys = [(origin_id, received_at, id_) for received_at, id_, _ in rows]
    sizes = _remove_payloads(dialect).run(connection, keys)
    issues = [issue_id for (issue_id,) in _remove_interactions(dialect).run(connection, keys)]
    lower_stored_counts(connection, origin_id, Counter(issue_id for issue_id in issues if issue_id is not None))
    return Removed(len(issues), sum(size for (size,) in sizes))


def _go_by_keys(connection: Connection) -> None:
    """Have a few rows found by their keys for the rest of the transaction.

    PostgreSQL, which cannot tell that they lie together, would read whole tables of some ten thousand rows instead.
    """
    if connection.dialect.name == POSTGRESQL:
        connection.exec_driver_sql(
            "select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
        )


def lower_stored_counts(connection: Connection, origin_id: UUID, removed: Counter[UUID]) -> None:
    """Lower the number of stored events of issues, in the order of their ids."""
    changes = [(origin_id, issue_id, count) for issue_id, count in sorted(removed.items())]
    _lower_stored_counts(connection.dialect.name).run(connection, changes)


def remove_event_keys(connection: Connection, origin_id: UUID, rows: Sequence[Stored]) -> None:
    """Remove the event keys of events, but those that a later event has taken over."""
    _go_by_keys(connection)
    claims = [(origin_id, event_id, id_) for _, id_, event_id in rows if event_id is not None]
    _remove_event_keys(connection.dialect.name).run(connection, claims)


@cache
def _remove_event_keys(dialect: str) -> RowStatement:
    keys = table(EventKey)
    return RowStatement(dialect, types_of(*(keys.c[name] for name in _EVENT_KEY)), _delete(keys, _EVENT_KEY))


@cache
def _remove_interactions(dialect: str) -> RowStatement:
    rows = table(Interaction)
    return RowStatement(dialect, types_of(*(rows.c[name] for name in _KEY)), _delete(rows, _KEY, rows.c.issue_id))


@cache
def _remove_payloads(dialect: str) -> RowStatement:
    rows = table(InteractionPayload)
    build = _delete(rows, _KEY, func.length(rows.c.body, type_=Count))
    return RowStatement(dialect, types_of(*(rows.c[name] for name in _KEY)), build)


def _delete(rows: Any, names: Sequence[str], *returned: Any) -> Any:
    def build(given: Given) -> Any:
        statement = delete(rows).where(*(rows.c[name] == given[name] for name in names))
        return statement.returning(*returned) if returned else statement

    return build


@cache
def _lower_stored_counts(dialect: str) -> RowStatement:
    issues = table(ErrorIssue)

    def build(given: Given) -> Any:
        one = (issues.c.origin_id == given["origin_id"]) & (issues.c.id == given["id"])
        return update(issues).where(one).values(stored_count=issues.c.stored_count - given["removed"])

    return RowStatement(dialect, {**types_of(issues.c.origin_id, issues.c.id), "removed": Count}, build)
