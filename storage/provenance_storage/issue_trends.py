"""How many events issues had lately, hour by hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select

from provenance_storage.prepared import Given, RowQuery, types_of
from provenance_storage.records import IssueRecord
from provenance_storage.tables import IssueHour, table

HOURS = 24
"""The hours of a trend. Ours: a day shows what is new and what comes and goes with the hour."""


def trends(connection: Connection, issues: Sequence[IssueRecord], now_hour: int) -> dict[UUID, list[int]]:
    """Return the trend of each issue, by id.

    Args:
        connection: One to read with.
        issues: The issues, of any origins.
        now_hour: The present hour (hours since 1970), which is the last of a trend.
    """
    since = now_hour - HOURS + 1
    counts: dict[UUID, dict[int, int]] = {issue.id: {} for issue in issues}
    rows = [(issue.origin_id, issue.id, since) for issue in issues]
    for issue_id, hour, count in _hours_since(connection.dialect.name).rows(connection, rows):
        counts[issue_id][hour] = count
    return {issue_id: trend(found, now_hour) for issue_id, found in counts.items()}


def trend(counts: Mapping[int, int], now_hour: int) -> list[int]:
    """Return a trend, the oldest hour first, from counts by hour; what the database's clock has still to come is now.

    Args:
        counts: How many events there were in an hour (hours since 1970).
        now_hour: The present hour.
    """
    found = [0] * HOURS
    for hour, count in counts.items():
        place = HOURS - 1 - max(now_hour - hour, 0)
        if place >= 0:
            found[place] += count
    return found


@cache
def _hours_since(dialect: str) -> RowQuery:
    hours = table(IssueHour)

    def build(given: Given) -> Select[Any]:
        of_issue = (hours.c.origin_id == given["origin_id"]) & (hours.c.issue_id == given["issue_id"])
        found: Any = select(hours.c.issue_id, hours.c.hour, hours.c.event_count)
        return found.where(of_issue, hours.c.hour >= given["hour"])

    return RowQuery(dialect, types_of(hours.c.origin_id, hours.c.issue_id, hours.c.hour), build)
