"""How many issues there are of each kind: a group is the issues of one origin that have the same status and level.

They are counted as a whole, and apart for each environment that they were met in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, func, literal, select, text, true, union_all

from provenance_storage.prepared import Given, Query, RowQuery, RowStatement, constant_text, types_of
from provenance_storage.records import IssueRecord
from provenance_storage.statements import insert_into
from provenance_storage.tables import IS_ENVIRONMENT, ErrorIssue, IssueCount, IssueTag, Origin, table

EVERYWHERE = ""
"""The environment under which issues are counted as a whole; one that is named so is not counted apart."""

Key = tuple[UUID, str, str, str]
"""Origin, environment, status and level."""


@dataclass(frozen=True, slots=True)
class Group:
    """The issues of one origin that have the same status and level, and how many they are."""

    origin_id: UUID
    status: str
    level: str
    issue_count: int

    @property
    def key(self) -> tuple[UUID, str, str]:
        """Return what tells it from the others."""
        return self.origin_id, self.status, self.level


def groups(connection: Connection, origin_id: UUID | None, environment: str = EVERYWHERE) -> list[Group]:
    """Return the groups there are, of one origin or of all, with the issues met in an environment."""
    query = _groups(connection.dialect.name, of_all=origin_id is None)
    rows = query.rows(connection, {"of_origin": origin_id, "of_environment": environment})
    return [Group(*row) for row in rows if row[3] > 0]


def count_new(connection: Connection, issues: Iterable[IssueRecord]) -> None:
    """Count issues that were just made; called, as the others are, after the issues themselves were locked."""
    _add(connection, Counter(_key(issue, EVERYWHERE) for issue in issues))


def count_environments(connection: Connection, met: Iterable[tuple[IssueRecord, str]]) -> None:
    """Count environments that issues were met in for the first time."""
    _add(connection, Counter(_key(issue, environment) for issue, environment in met if environment != EVERYWHERE))


def count_moves(connection: Connection, changes: Sequence[tuple[IssueRecord, IssueRecord]]) -> None:
    """Count issues out of the group they were in and into the one they are in, before and after a change."""
    moved = {after.id: (before, after) for before, after in changes if not same_group(before, after)}
    if not moved:
        return
    keys = [(after.origin_id, after.id) for _, after in moved.values()]
    environments = _environments(connection.dialect.name).rows(connection, keys)
    counts: Counter[Key] = Counter()
    for issue_id, environment in [*((issue_id, EVERYWHERE) for issue_id in moved), *environments]:
        before, after = moved[issue_id]
        counts[_key(before, environment)] -= 1
        counts[_key(after, environment)] += 1
    _add(connection, counts)


def same_group(one: IssueRecord, other: IssueRecord) -> bool:
    """Say whether two states of an issue are in the same group."""
    return (one.status, one.level) == (other.status, other.level)


def wrong_counts() -> Select[Any]:
    """Return the groups of which the count is not the number of their issues, for those who inspect a store."""
    issues, tags, counts = table(ErrorIssue), table(IssueTag), table(IssueCount)
    kind = [issues.c.status, issues.c.level]
    as_a_whole = select(issues.c.origin_id, literal(EVERYWHERE).label("environment"), *kind, func.count())
    same = (issues.c.origin_id == tags.c.origin_id) & (issues.c.id == tags.c.issue_id)
    apart = select(tags.c.origin_id, tags.c.value, *kind, func.count()).join_from(tags, issues, same)
    real = union_all(
        as_a_whole.group_by(issues.c.origin_id, *kind),
        apart.where(text(IS_ENVIRONMENT), tags.c.value != EVERYWHERE).group_by(tags.c.origin_id, tags.c.value, *kind),
    ).subquery()
    said = select(*counts.c).where(counts.c.issue_count != 0)
    differences = (said.except_(select(real)), select(real).except_(said))
    return select(union_all(*(select(one.subquery()) for one in differences)).subquery())


def _key(issue: IssueRecord, environment: str) -> Key:
    return issue.origin_id, environment, issue.status.value, issue.level.value


def _add(connection: Connection, changes: Mapping[Key, int]) -> None:
    """Add to counts, in the order of their keys, so that no two can wait for each other."""
    _add_counts(connection.dialect.name).run(
        connection, [(*key, more) for key, more in sorted(changes.items()) if more]
    )


@cache
def _groups(dialect: str, *, of_all: bool) -> Query:
    counts, origins = table(IssueCount), table(Origin)
    found = select(counts.c.origin_id, counts.c.status, counts.c.level, counts.c.issue_count)
    found = found.where(counts.c.environment == bindparam("of_environment"))
    if of_all:
        return Query(dialect, found.where(counts.c.origin_id.in_(select(origins.c.id))))
    return Query(dialect, found.where(counts.c.origin_id == bindparam("of_origin")))


@cache
def _environments(dialect: str) -> RowQuery:
    tags, issues = table(IssueTag), table(ErrorIssue)

    def build(given: Given) -> Select[Any]:
        of_issue = (tags.c.origin_id == given["origin_id"]) & (tags.c.issue_id == given["id"])
        found: Any = select(tags.c.issue_id, tags.c.value)
        return found.where(of_issue, text(IS_ENVIRONMENT), tags.c.value != constant_text(EVERYWHERE))

    return RowQuery(dialect, types_of(issues.c.origin_id, issues.c.id), build)


@cache
def _add_counts(dialect: str) -> RowStatement:
    counts = table(IssueCount)

    def build(given: Given) -> Any:
        names = [column.name for column in counts.c]
        rows = select(*(given[name] for name in names)).where(true())
        added = insert_into(dialect, counts).from_select(names, rows)
        total = counts.c.issue_count + added.excluded.issue_count
        return added.on_conflict_do_update(index_elements=list(counts.primary_key), set_={"issue_count": total})

    return RowStatement(dialect, types_of(*counts.c), build)
