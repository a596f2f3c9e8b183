"""What an issue was like at a walk's watermark, as parts of statements.

An issue that got no event since stands where its columns say; one that did is put where it stood then, with the level
and status it had, by counting back from its events.

Retention leaves the newest events alone (`retention.RECENT`), so that there is something to count back from. An issue
that lay still until all its events were too old, and gets one during a walk, is put at the hour of the last of them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, or_, select

from provenance_core.lifecycle import Status
from provenance_core.listing import Sort
from provenance_storage.counters import HOUR
from provenance_storage.prepared import Given, constant, constant_text, limited, rows_given
from provenance_storage.tables import ErrorIssue, Interaction, IssueHour, IssueUser, StatusChange, table


class Today:
    """Issues as their columns say.

    Args:
        given: `watermark`, `watermark_hour` and `began`, where the view has a use for them.

    Attributes:
        issues: The table they are selected from.
    """

    def __init__(self, given: Given) -> None:
        self.issues: FromClause = table(ErrorIssue).alias("issue")
        self.given = given

    def there(self) -> list[ColumnElement[bool]]:
        """Return what selects the issues of this view."""
        return []

    def value(self, statement: Select[Any]) -> ColumnElement[Any]:
        """Return the one value that a statement about an issue gives."""
        return statement.correlate(self.issues, *rows_given(self.given)).scalar_subquery()

    def last_seen(self) -> ColumnElement[int]:
        """Return when the issue was last seen by the watermark."""
        return self.issues.c.last_seen

    def event_count(self) -> ColumnElement[int]:
        """Return how many events it had by then."""
        return self.issues.c.event_count

    def user_count(self) -> ColumnElement[int]:
        """Return how many users it had by then."""
        return self.issues.c.user_count

    def level(self) -> ColumnElement[str]:
        """Return its level by then."""
        return self.issues.c.level

    def status(self) -> ColumnElement[str]:
        """Return its status, but for what events did to it since."""
        return self.issues.c.status

    def sorted_by(self, sort: Sort) -> ColumnElement[int]:
        """Return the value the list is ordered by."""
        match sort:
            case Sort.LAST_SEEN:
                return self.last_seen()
            case Sort.FIRST_SEEN:
                return self.issues.c.first_seen
            case Sort.EVENT_COUNT:
                return self.event_count()
            case Sort.USER_COUNT:
                return self.user_count()


class Settled(Today):
    """Issues that got no event since the watermark."""

    def there(self) -> list[ColumnElement[bool]]:
        """Return what selects the issues of this view."""
        return [self.issues.c.last_seen <= self.given["watermark"]]


class Moved(Today):
    """Issues that were there by the watermark and got events since; changes of status until the walk began count."""

    def there(self) -> list[ColumnElement[bool]]:
        """Return what selects the issues of this view."""
        seen = self.issues.c.last_seen > self.given["watermark"]
        there_by_then = self.issues.c.first_seen + constant(0) <= self.given["watermark"]  # not by its index
        return [seen, there_by_then]

    def last_seen(self) -> ColumnElement[int]:
        """Return the moment of its last event by the watermark, as far as it is known."""
        events = table(Interaction)
        by_then = select(func.max(events.c.received_at)).where(
            self._of_issue(events), events.c.received_at <= self.given["watermark"]
        )
        return func.coalesce(self.value(by_then), self._last_hour(), self.issues.c.first_seen)

    def _last_hour(self) -> ColumnElement[int]:
        hours = table(IssueHour)
        by_then = select(func.max(hours.c.hour) * constant(HOUR)).where(
            self._of_issue(hours), hours.c.hour <= self.given["watermark_hour"]
        )
        return self.value(by_then)

    def event_count(self) -> ColumnElement[int]:
        """Return how many events it has now, less those since."""
        events = table(Interaction)
        since = select(func.count()).where(self._of_issue(events), events.c.received_at > self.given["watermark"])
        return self.issues.c.event_count - self.value(since)

    def user_count(self) -> ColumnElement[int]:
        """Return how many users it has now, less those who met it first since."""
        users = table(IssueUser)
        since = select(func.count()).where(self._of_issue(users), users.c.first_seen > self.given["watermark"])
        return self.issues.c.user_count - self.value(since)

    def level(self) -> ColumnElement[str]:
        """Return the level of its last event by the watermark."""
        events = table(Interaction)
        last = select(events.c.level).where(self._of_issue(events), events.c.received_at <= self.given["watermark"])
        newest = limited(last.order_by(events.c.received_at.desc()), 1)
        return func.coalesce(self.value(newest), self.issues.c.level)

    def status(self) -> ColumnElement[str]:
        """Return its status when the walk began."""
        changes = table(StatusChange)
        by_people = changes.c.event_id.is_(None) & (changes.c.changed_at <= self.given["began"])
        by_events = changes.c.event_id.is_not(None) & (changes.c.changed_at <= self.given["watermark"])
        last = (
            select(changes.c.to_status)
            .where(self._of_issue(changes), or_(by_people, by_events))
            .order_by(changes.c.id.desc())
        )
        return func.coalesce(self.value(limited(last, 1)), constant_text(Status.OPEN.value))

    def _of_issue(self, rows: FromClause) -> ColumnElement[bool]:
        return (rows.c.origin_id == self.issues.c.origin_id) & (rows.c.issue_id == self.issues.c.id)
