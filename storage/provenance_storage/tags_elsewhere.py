"""How often values of tags are met in the other issues of an origin, from a bounded number of these."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Select, Subquery, Uuid, bindparam, column, func, select, true, tuple_

from provenance_storage.issue_counts import groups
from provenance_storage.issue_keys import EVERY
from provenance_storage.prepared import POSTGRESQL, Given, RowQuery, limited, types_of
from provenance_storage.records import IssueRecord
from provenance_storage.tables import ErrorIssue, IssueTag, table

TagValue = tuple[str, str]
"""A tag's key and one of its values."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """How many events other issues have, and how many of them carry a value of a tag; without such, it is absent."""

    events: int
    carrying: dict[TagValue, int]


def tags_elsewhere(connection: Connection, issue: IssueRecord, wanted: Collection[TagValue], issues: int) -> Elsewhere:
    """Return how often values of tags are met in the other issues of an issue's origin.

    Args:
        connection: One to read with.
        issue: The issue.
        wanted: The values.
        issues: The most other issues to look at: those seen last.
    """
    others = _others(connection, issue, issues)
    carrying = _carrying(connection, issue.origin_id, list(others), wanted) if others and wanted else {}
    return Elsewhere(sum(others.values()), carrying)


def _others(connection: Connection, issue: IssueRecord, most: int) -> dict[UUID, int]:
    """Return the events of the other issues of the origin that were seen last, by their ids."""
    rows = [group.key for group in groups(connection, issue.origin_id)]
    seen = _seen_last(connection.dialect.name, most + 1).rows(connection, rows)
    others = sorted((row for row in seen if row[1] != issue.id), reverse=True)
    return {issue_id: event_count for _, issue_id, event_count in others[:most]}


@lru_cache(maxsize=8)
def _seen_last(dialect: str, most: int) -> RowQuery:
    issues = table(ErrorIssue)
    group = (issues.c.origin_id, issues.c.status, issues.c.level)

    def build(given: Given) -> Select[Any]:
        found: Any = select(issues.c.last_seen, issues.c.id, issues.c.event_count)
        found = found.where(*(column == given[column.name] for column in group))
        return limited(found.order_by(issues.c.last_seen.desc(), issues.c.id.desc()), most)

    return RowQuery(dialect, types_of(*group), build)


def _carrying(
    connection: Connection, origin_id: UUID, issue_ids: Sequence[UUID], wanted: Collection[TagValue]
) -> dict[TagValue, int]:
    """Return how many events of issues carry each value; one that none carries is absent."""
    tags = table(IssueTag)
    one_of = (tags.c.origin_id == origin_id) & tuple_(tags.c.key, tags.c.value).in_(sorted(wanted))
    found = select(tags.c.key, tags.c.value, tags.c.event_count).where(one_of)
    if connection.dialect.name == POSTGRESQL:
        rows = _of_each(found.where(tags.c.key.in_(sorted({key for key, _ in wanted}))), issue_ids)
    else:
        rows = found.where(tags.c.issue_id.in_(issue_ids)).subquery()
    total = select(rows.c.key, rows.c.value, func.sum(rows.c.event_count)).group_by(rows.c.key, rows.c.value)
    return {(key, value): int(count) for key, value, count in connection.execute(total)}


def _of_each(found: Select[*tuple[Any, ...]], issue_ids: Sequence[UUID]) -> Subquery:
    """Return a statement's rows for each of some issues; of a list of them PostgreSQL might read all tags there are."""
    ids = func.unnest(bindparam("issue_ids", list(issue_ids), type_=ARRAY(Uuid())))
    given = ids.table_valued(column("issue_id", Uuid()), name="given").render_derived()
    each = limited(found.where(table(IssueTag).c.issue_id == given.c.issue_id), EVERY).lateral("found")
    return select(each).select_from(given.join(each, true())).subquery()
