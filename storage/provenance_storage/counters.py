"""The counters that stand beside an issue: hours, releases, tags and users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, literal, or_, select

from provenance_storage.statements import insert_into
from provenance_storage.tables import IssueHour, IssueRelease, IssueTag, IssueUser, table

HOUR = 3_600_000_000
"""An hour in microseconds."""

TAG_VALUES = 100
"""How many different values of one tag are counted on an issue; later ones are in the total only."""


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
    rows: list[dict[str, object]] = [
        {"o": origin_id, "i": issue_id, "k": key, "v": value, "c": count}
        for (issue_id, key, value), count in sorted(tags.items())
    ]
    connection.execute(_add_tags(connection.dialect.name), rows)


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
def _add_tags(dialect: str) -> Any:
    """Return the statement that counts a tag value; one not met before is counted only while its tag has room."""
    tags, there = table(IssueTag), table(IssueTag).alias("there")
    of_tag = (
        (there.c.origin_id == bindparam("o")) & (there.c.issue_id == bindparam("i")) & (there.c.key == bindparam("k"))
    )
    room = select(func.count()).select_from(there).where(of_tag).scalar_subquery() < TAG_VALUES
    known = select(literal(1)).where(of_tag, there.c.value == bindparam("v")).exists()
    columns = [bindparam(name, type_=tags.c[column].type) for name, column in zip("oikvc", tags.c.keys(), strict=True)]
    statement = insert_into(dialect, tags).from_select(tags.c.keys(), select(*columns).where(or_(known, room)))
    total = tags.c.event_count + statement.excluded.event_count
    keys = ["origin_id", "issue_id", "key", "value"]
    return statement.on_conflict_do_update(index_elements=keys, set_={"event_count": total})


@cache
def _new_users(dialect: str) -> Any:
    users = table(IssueUser)
    return insert_into(dialect, users).on_conflict_do_nothing().returning(users.c.issue_id)
