"""The counters that stand beside an issue: hours, releases, tags and users."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, Text, and_, bindparam, case, func, literal, or_, select

from provenance_storage.columns import Count
from provenance_storage.statements import insert_into
from provenance_storage.tables import IssueHour, IssueRelease, IssueTag, IssueTagKey, IssueUser, table

HOUR = 3_600_000_000
"""An hour in microseconds."""

TAG_KEYS = 50
"""How many tags of the senders' own are counted on an issue; those that every event states are counted beside."""

TAG_VALUES = 100
"""How many different values of one tag are counted on an issue; later ones are in the tag's total only."""

ENVIRONMENTS = 1_000
"""The same for environments, which lists are filtered by."""

ENVIRONMENT_TAG = "environment"
STATED_TAGS = frozenset(
    {
        ENVIRONMENT_TAG,
        "browser",
        "handled",
        "level",
        "os",
        "runtime",
        "server_name",
        "transaction",
        "url",
    }
)
"""The tags that are counted of every event, from what it states elsewhere."""


@dataclass(slots=True)
class Counts:
    """What a batch adds to the counters of one origin."""

    hours: defaultdict[tuple[UUID, int], int] = field(default_factory=lambda: defaultdict[tuple[UUID, int], int](int))
    tags: defaultdict[tuple[UUID, str, str], int] = field(
        default_factory=lambda: defaultdict[tuple[UUID, str, str], int](int)
    )
    releases: dict[tuple[UUID, UUID], tuple[int, int, int]] = field(
        default_factory=dict[tuple[UUID, UUID], tuple[int, int, int]]
    )

    def add(self, issue_id: UUID, received_at: int, release_id: UUID | None, tags: Mapping[str, str]) -> None:
        """Count one event."""
        self.hours[issue_id, received_at // HOUR] += 1
        for key, value in tags.items():
            self.tags[issue_id, key, value] += 1
        if release_id is not None:
            count, first, _ = self.releases.get((issue_id, release_id), (0, received_at, received_at))
            self.releases[issue_id, release_id] = (count + 1, first, received_at)

    def write(self, connection: Connection, origin_id: UUID) -> None:
        """Add the counts to the store, in the order of their keys."""
        if self.hours:
            _write_hours(connection, origin_id, self.hours)
        if self.releases:
            _write_releases(connection, origin_id, self.releases)
        if self.tags:
            _write_tags(connection, origin_id, self.tags)


def _write_hours(connection: Connection, origin_id: UUID, hours: Mapping[tuple[UUID, int], int]) -> None:
    rows: list[dict[str, object]] = [
        {"origin_id": origin_id, "issue_id": issue_id, "hour": hour, "event_count": count}
        for (issue_id, hour), count in sorted(hours.items())
    ]
    connection.execute(_add_hours(connection.dialect.name), rows)


def _write_releases(
    connection: Connection, origin_id: UUID, releases: Mapping[tuple[UUID, UUID], tuple[int, int, int]]
) -> None:
    rows: list[dict[str, object]] = [
        {
            "origin_id": origin_id,
            "issue_id": issue_id,
            "release_id": release_id,
            "event_count": count,
            "first_seen": first,
            "last_seen": last,
        }
        for (issue_id, release_id), (count, first, last) in sorted(releases.items())
    ]
    connection.execute(_add_releases(connection.dialect.name), rows)


def _write_tags(connection: Connection, origin_id: UUID, tags: Mapping[tuple[UUID, str, str], int]) -> None:
    totals: Counter[tuple[UUID, str]] = Counter()
    for (issue_id, key, _), count in tags.items():
        totals[issue_id, key] += count
    keys: list[dict[str, object]] = [
        {"o": origin_id, "i": issue_id, "k": key, "c": count, "s": int(key in STATED_TAGS)}
        for (issue_id, key), count in sorted(totals.items())
    ]
    connection.execute(_add_tag_keys(connection.dialect.name), keys)
    values: list[dict[str, object]] = [
        {"o": origin_id, "i": issue_id, "k": key, "v": value, "c": count}
        for (issue_id, key, value), count in sorted(tags.items())
    ]
    connection.execute(_add_tags(connection.dialect.name), values)


def add_users(connection: Connection, origin_id: UUID, users: Mapping[UUID, Mapping[bytes, int]]) -> dict[UUID, int]:
    """Note the users of issues and return how many of them are new, by issue.

    Args:
        connection: One in a write transaction.
        origin_id: The origin of all the issues.
        users: For each issue, each user's hash and the moment they first met it in this batch.
    """
    rows: list[dict[str, object]] = [
        {"origin_id": origin_id, "issue_id": issue_id, "user_hash": user, "first_seen": first}
        for issue_id, met in sorted(users.items())
        for user, first in sorted(met.items())
    ]
    added: defaultdict[UUID, int] = defaultdict(int)
    if rows:
        for issue_id in connection.execute(_new_users(connection.dialect.name), rows).scalars():
            added[issue_id] += 1
    return added


# Statements are made once for each dialect: making one costs more than running it.


@cache
def _add_hours(dialect: str) -> Any:
    hours = table(IssueHour)
    statement = insert_into(dialect, hours)
    total = hours.c.event_count + statement.excluded.event_count
    keys = ["origin_id", "issue_id", "hour"]
    return statement.on_conflict_do_update(index_elements=keys, set_={"event_count": total})


@cache
def _add_releases(dialect: str) -> Any:
    releases = table(IssueRelease)
    statement = insert_into(dialect, releases)
    change = {
        "event_count": releases.c.event_count + statement.excluded.event_count,
        "last_seen": statement.excluded.last_seen,
    }
    return statement.on_conflict_do_update(index_elements=["origin_id", "issue_id", "release_id"], set_=change)


@cache
def _add_tag_keys(dialect: str) -> Any:
    """Return the statement that counts a tag; one not met before only while there is room, or if every event has it."""
    tags, there = table(IssueTagKey), table(IssueTagKey).alias("there")
    of_issue = (there.c.origin_id == bindparam("o")) & (there.c.issue_id == bindparam("i"))
    room = select(func.count()).select_from(there).where(of_issue).scalar_subquery() < TAG_KEYS + len(STATED_TAGS)
    known = select(literal(1)).where(of_issue, there.c.key == bindparam("k")).exists()
    allowed = or_(known, room, bindparam("s", type_=Count) == 1)
    return _add_where(dialect, tags, "oikc", allowed)


@cache
def _add_tags(dialect: str) -> Any:
    """Return the statement that counts a value of a counted tag; one not met before only while there is room."""
    tags, there, counted = table(IssueTag), table(IssueTag).alias("there"), table(IssueTagKey)
    of_tag = (
        (there.c.origin_id == bindparam("o")) & (there.c.issue_id == bindparam("i")) & (there.c.key == bindparam("k"))
    )
    most = case((bindparam("k", type_=Text) == ENVIRONMENT_TAG, ENVIRONMENTS), else_=TAG_VALUES)
    room = select(func.count()).select_from(there).where(of_tag).scalar_subquery() < most
    known = select(literal(1)).where(of_tag, there.c.value == bindparam("v")).exists()
    kept = select(literal(1)).where(
        counted.c.origin_id == bindparam("o"), counted.c.issue_id == bindparam("i"), counted.c.key == bindparam("k")
    )
    return _add_where(dialect, tags, "oikvc", and_(kept.exists(), or_(known, room)))


def _add_where(dialect: str, counts: Table, names: str, allowed: ColumnElement[bool]) -> Any:
    """Return an upsert that adds to `event_count`, of rows given under one-letter names, where it is allowed."""
    columns = [bindparam(name, type_=column.type) for name, column in zip(names, counts.c, strict=True)]
    statement = insert_into(dialect, counts).from_select(counts.c.keys(), select(*columns).where(allowed))
    total = counts.c.event_count + statement.excluded.event_count
    return statement.on_conflict_do_update(index_elements=list(counts.primary_key), set_={"event_count": total})


@cache
def _new_users(dialect: str) -> Any:
    users = table(IssueUser)
    return insert_into(dialect, users).on_conflict_do_nothing().returning(users.c.issue_id)
