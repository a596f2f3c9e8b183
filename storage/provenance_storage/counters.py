"""The counters that stand beside an issue: hours, releases, tags and users."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, or_, select, true

from provenance_storage.columns import Count
from provenance_storage.prepared import POSTGRESQL, Given, RowStatement, constant, types_of
from provenance_storage.statements import insert_into
from provenance_storage.tables import IssueHour, IssueRelease, IssueTag, IssueTagKey, IssueUser, table
from provenance_storage.tag_names import ENVIRONMENT_TAG, STATED_TAGS

HOUR = 3_600_000_000
"""An hour in microseconds."""

TAG_KEYS = 50
"""How many tags of the senders' own are counted on an issue; those that every event states are counted beside."""

TAG_VALUES = 100
"""How many different values of one tag are counted on an issue; later ones are in the tag's total only."""

ENVIRONMENTS = 1_000
"""The same for environments, which lists are filtered by."""


@dataclass(slots=True)
class Counts:
    """What a batch adds to the counters of one origin; ids are their bytes, which sort faster."""

    hours: defaultdict[tuple[bytes, int], int] = field(default_factory=lambda: defaultdict[tuple[bytes, int], int](int))
    tags: defaultdict[tuple[bytes, str, str], int] = field(
        default_factory=lambda: defaultdict[tuple[bytes, str, str], int](int)
    )
    releases: dict[tuple[bytes, bytes], tuple[int, int, int]] = field(
        default_factory=dict[tuple[bytes, bytes], tuple[int, int, int]]
    )

    def add(self, issue_id: bytes, received_at: int, release_id: bytes | None, tags: Mapping[str, str]) -> None:
        """Count one event."""
        self.hours[issue_id, received_at // HOUR] += 1
        for key, value in tags.items():
            self.tags[issue_id, key, value] += 1
        if release_id is not None:
            count, first, _ = self.releases.get((issue_id, release_id), (0, received_at, received_at))
            self.releases[issue_id, release_id] = (count + 1, first, received_at)

    def write(self, connection: Connection, origin_id: bytes) -> list[tuple[UUID, str]]:
        """Add the counts to the store, in the order of their keys, and return the environments new to their issues."""
        dialect = connection.dialect.name
        _add_hours(dialect).run(connection, [(origin_id, *key, count) for key, count in sorted(self.hours.items())])
        met = [(origin_id, *key, *counted) for key, counted in sorted(self.releases.items())]
        _add_releases(dialect).run(connection, met)
        totals: Counter[tuple[bytes, str]] = Counter()
        for (issue_id, key, _), count in self.tags.items():
            totals[issue_id, key] += count
        keys = [
            (origin_id, issue_id, key, count, int(key in STATED_TAGS))
            for (issue_id, key), count in sorted(totals.items())
        ]
        _add_tag_keys(dialect).run(connection, keys)
        values = [(origin_id, *key, count) for key, count in sorted(self.tags.items()) if key[1] != ENVIRONMENT_TAG]
        _add_tags(dialect).run(connection, values)
        return self._write_environments(connection, origin_id)

    def _write_environments(self, connection: Connection, origin_id: bytes) -> list[tuple[UUID, str]]:
        tags = {key: count for key, count in sorted(self.tags.items()) if key[1] == ENVIRONMENT_TAG}
        written = _add_environments(connection.dialect.name).run(
            connection, [(origin_id, *key, count) for key, count in tags.items()]
        )
        return [
            (issue_id, value)
            for issue_id, value, total in written
            if total == tags[issue_id.bytes, ENVIRONMENT_TAG, value]
        ]


def add_users(connection: Connection, origin_id: UUID, users: Mapping[UUID, Mapping[bytes, int]]) -> dict[UUID, int]:
    """Note the users of issues and return how many of them are new, by issue.

    Args:
        connection: One in a write transaction.
        origin_id: The origin of all the issues.
        users: For each issue, each user's hash and the moment they first met it in this batch.
    """
    rows = [
        (origin_id, issue_id, user, first)
        for issue_id, met in sorted(users.items())
        for user, first in sorted(met.items())
    ]
    added: defaultdict[UUID, int] = defaultdict(int)
    for (issue_id,) in _new_users(connection.dialect.name).run(connection, rows):
        added[issue_id] += 1
    return added


# Statements are made once for each dialect: making one costs more than running it.


@cache
def _add_hours(dialect: str) -> RowStatement:
    hours = table(IssueHour)

    def build(given: Given) -> Any:
        statement = _insert(dialect, hours, given)
        total = hours.c.event_count + statement.excluded.event_count
        return statement.on_conflict_do_update(index_elements=list(hours.primary_key), set_={"event_count": total})

    return RowStatement(dialect, types_of(*hours.c), build)


@cache
def _add_releases(dialect: str) -> RowStatement:
    releases = table(IssueRelease)

    def build(given: Given) -> Any:
        statement = _insert(dialect, releases, given)
        change = {
            "event_count": releases.c.event_count + statement.excluded.event_count,
            "last_seen": statement.excluded.last_seen,
        }
        return statement.on_conflict_do_update(index_elements=list(releases.primary_key), set_=change)

    return RowStatement(dialect, types_of(*releases.c), build)


@cache
def _add_tag_keys(dialect: str) -> RowStatement:
    """Return the statement that counts a tag; one not met before only while there is room, or if every event has it."""
    tags = table(IssueTagKey)
    most = constant(TAG_KEYS + len(STATED_TAGS))

    def build(given: Given) -> Any:
        there = tags.alias("there")
        of_issue = (there.c.origin_id == given["origin_id"]) & (there.c.issue_id == given["issue_id"])
        allowed = _Room(
            known=exists().where(of_issue, there.c.key == given["key"]),
            there=select(func.count()).select_from(there).where(of_issue).scalar_subquery(),
            most=most,
            anyway=given["stated"] == constant(1),
        )
        return _add_where_room(dialect, tags, given, allowed)

    return RowStatement(dialect, {**types_of(*tags.c), "stated": Count}, build)


@cache
def _add_tags(dialect: str) -> RowStatement:
    """Return the statement that counts a value of a counted tag; one not met before only while there is room."""
    return RowStatement(dialect, types_of(*table(IssueTag).c), partial(_count_tag, dialect, TAG_VALUES))


@cache
def _add_environments(dialect: str) -> RowStatement:
    """Return the same for environments, which says how often each was met by now."""
    tags = table(IssueTag)

    def build(given: Given) -> Any:
        return _count_tag(dialect, ENVIRONMENTS, given).returning(tags.c.issue_id, tags.c.value, tags.c.event_count)

    return RowStatement(dialect, types_of(*tags.c), build)


def _count_tag(dialect: str, most: int, given: Given) -> Any:
    tags, counted = table(IssueTag), table(IssueTagKey)
    there = tags.alias("there")
    of_tag = (
        (there.c.origin_id == given["origin_id"])
        & (there.c.issue_id == given["issue_id"])
        & (there.c.key == given["key"])
    )
    kept = exists().where(
        counted.c.origin_id == given["origin_id"],
        counted.c.issue_id == given["issue_id"],
        counted.c.key == given["key"],
    )
    allowed = _Room(
        known=exists().where(of_tag, there.c.value == given["value"]),
        there=select(func.count()).select_from(there).where(of_tag).scalar_subquery(),
        most=constant(most),
        only=kept,
    )
    return _add_where_room(dialect, tags, given, allowed)


@dataclass(frozen=True, slots=True)
class _Room:
    """Which rows may be counted: known ones, and new ones as long as there are not too many."""

    known: ColumnElement[bool]
    there: ColumnElement[int]
    most: ColumnElement[int]
    anyway: ColumnElement[bool] | None = None
    only: ColumnElement[bool] | None = None


def _add_where_room(dialect: str, counts: Table, given: Given, room: _Room) -> Any:
    """Return an upsert that adds to `event_count` where there is room."""
    rows = [given[column.name] for column in counts.c]
    only = room.only if room.only is not None else true()
    anyway = [room.anyway] if room.anyway is not None else []
    if dialect == POSTGRESQL:  # all rows come at once: the new ones of a batch are counted among themselves
        named = [condition.label("anyway") for condition in anyway]
        facts = (room.known.label("known"), room.there.label("there"), room.most.label("most"))
        found = select(*rows, *facts, *named).where(only).subquery("found")
        *group, last = (found.c[column.name] for column in counts.primary_key)
        in_bytes = last.collate("C")  # the order of SQLite, whatever language the database sorts texts in
        rank = func.row_number().over(partition_by=[*group, found.c.known], order_by=in_bytes)
        ranked = select(found, rank.label("rank")).subquery("ranked")
        allowed = or_(
            ranked.c.known,
            ranked.c.there + ranked.c.rank <= ranked.c.most,
            *(ranked.c[condition.name] for condition in named),
        )
        source = select(*(ranked.c[column.name] for column in counts.c)).where(allowed)
    else:
        source = select(*rows).where(and_(only, or_(room.known, room.there < room.most, *anyway)))
    statement = insert_into(dialect, counts).from_select([column.name for column in counts.c], source)
    total = counts.c.event_count + statement.excluded.event_count
    return statement.on_conflict_do_update(index_elements=list(counts.primary_key), set_={"event_count": total})


@cache
def _new_users(dialect: str) -> RowStatement:
    users = table(IssueUser)

    def build(given: Given) -> Any:
        return _insert(dialect, users, given).on_conflict_do_nothing().returning(users.c.issue_id)

    return RowStatement(dialect, types_of(*users.c), build)


def _insert(dialect: str, into: Table, given: Given) -> Any:
    """Return the INSERT of given rows; its condition is there because SQLite could not tell ON CONFLICT from a join."""
    names = [column.name for column in into.c]
    return insert_into(dialect, into).from_select(names, select(*(given[name] for name in names)).where(true()))
