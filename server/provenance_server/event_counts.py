"""How many events an issue had per hour and per day: from the first that had any to the present one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import dropwhile

from provenance_server.answers import IssueDetail

HOURS = 24
DAYS = 7
_HOUR = timedelta(hours=1)


def per_hour(answer: IssueDetail) -> list[int]:
    """Return the events of each hour of the last 24, from the first that had any; the present one is last."""
    return _shown(_hours(answer)[-HOURS:])


def per_day(answer: IssueDetail) -> list[int]:
    """Return the events of each 24 hours of the last 7 days, from the first that had any; the latest is last.

    Where only the latest had any, the hours tell more, and this is empty.
    """
    hours = _hours(answer)
    days = _shown([sum(hours[start : start + HOURS]) for start in range(0, DAYS * HOURS, HOURS)])
    return days if len(days) > 1 else []


def _shown(counts: list[int]) -> list[int]:
    return list(dropwhile(lambda count: not count, counts))


def _hours(answer: IssueDetail) -> list[int]:
    """Return the events of each hour of a week, the present one last."""
    counts = {datetime.fromisoformat(entry.hour): entry.event_count for entry in answer.counts_per_hour}
    present = _present_hour(answer, max(counts, default=None))
    return [counts.get(present - _HOUR * ago, 0) for ago in reversed(range(DAYS * HOURS))]


def _present_hour(answer: IssueDetail, latest: datetime | None) -> datetime:
    """Return the hour at which the answer was made, by the clock of who made it where the trend tells it."""
    quiet = next((ago for ago, count in enumerate(reversed(answer.trend)) if count), None)
    if latest is not None and quiet is not None:
        return latest + _HOUR * quiet
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
