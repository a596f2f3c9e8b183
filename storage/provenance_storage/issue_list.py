"""Lists of issues whose pages show every issue once, even while events arrive.

A walk is pinned to the last event of the store when it began, its watermark. An issue that got no event since stands
where its columns say; one that did is put where it stood then, with the level and status it had, by counting back from
its events. Every event is received strictly later than the ones before it, so what happened by the watermark never
changes. Only the words that `query` looks for are today's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal, select, tuple_

from provenance_core.events import Level
from provenance_core.lifecycle import Status
from provenance_core.listing import Sort
from provenance_storage.columns import UuidBytes
from provenance_storage.prepared import Query, constant
from provenance_storage.records import IssueRecord
from provenance_storage.statements import like
from provenance_storage.tables import (
    ErrorIssue,
    Interaction,
    IssueRelease,
    IssueTag,
    IssueUser,
    Release,
    StatusChange,
    table,
)
from provenance_storage.tag_names import ENVIRONMENT_TAG


@dataclass(frozen=True, slots=True)
class IssueFilters:
    """Which issues; times in microseconds since 1970, empty means any."""

    origin_id: UUID | None = None
    statuses: Sequence[Status] = ()
    levels: Sequence[Level] = ()
    environment: str = ""
    release: str = ""
    query: str = ""
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """In which order, from where: the walk's watermark and beginning, and value and id of the last row shown."""

    sort: Sort = Sort.LAST_SEEN
    descending: bool = True
    watermark: int | None = None
    began: int = 0
    after: tuple[int, UUID] | None = None


@dataclass(frozen=True, slots=True)
class IssuePage:
    """One page, with what the next one needs."""

    issues: list[IssueRecord]
    total: int
    watermark: int
    next_after: tuple[int, UUID] | None


def list_issues(connection: Connection, filters: IssueFilters, order: IssueOrder, limit: int) -> IssuePage:
    """Return one page of the issues that match, as they were ordered at the walk's watermark."""
    watermark = order.watermark if order.watermark is not None else latest_receipt(connection)
    views = [_Settled(watermark)] if order.watermark is None else [_Settled(watermark), _Moved(watermark, order.began)]
    found: list[tuple[int, IssueRecord]] = []
    total = 0
    for view in views:
        statement = _matching(view, filters)
        total += connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
        for row in connection.execute(_page(statement, view, order, limit + 1)).mappings():
            values = dict(row)
            found.append((values.pop("position"), IssueRecord.from_row(values)))
    found.sort(key=lambda pair: (pair[0], pair[1].id), reverse=order.descending)
    shown = found[:limit]
    last = (shown[-1][0], shown[-1][1].id) if len(found) > limit else None
    return IssuePage([issue for _, issue in shown], total, watermark, last)


def latest_receipt(connection: Connection) -> int:
    """Return the moment of the last event of the store in microseconds since 1970, or 0."""
    return _latest_receipt(connection.dialect.name).rows(connection, {})[0][0]


@cache
def _latest_receipt(dialect: str) -> Query:
    return Query(dialect, select(func.coalesce(func.max(table(ErrorIssue).c.last_seen), constant(0)).label("latest")))


class _Settled:
    """Issues that got no event since the watermark."""

    def __init__(self, watermark: int) -> None:
        self.issues = table(ErrorIssue)
        self.watermark = watermark

    def there(self) -> ColumnElement[bool]:
        """Return what selects the issues of this view."""
        return self.issues.c.last_seen <= self.watermark

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


class _Moved(_Settled):
    """Issues that were there by the watermark and got events since.

    Args:
        watermark: The moment of the last event when the walk began.
        began: The moment the walk began; changes of status until then count.
    """

    def __init__(self, watermark: int, began: int) -> None:
        super().__init__(watermark)
        self.began = began

    def there(self) -> ColumnElement[bool]:
        return (self.issues.c.last_seen > self.watermark) & (self.issues.c.first_seen <= self.watermark)

    def last_seen(self) -> ColumnElement[int]:
        events = table(Interaction)
        by_then = select(func.max(events.c.received_at)).where(self._of_issue(), events.c.received_at <= self.watermark)
        return by_then.scalar_subquery()

    def event_count(self) -> ColumnElement[int]:
        events = table(Interaction)
        since = select(func.count()).where(self._of_issue(), events.c.received_at > self.watermark)
        return self.issues.c.event_count - since.scalar_subquery()

    def user_count(self) -> ColumnElement[int]:
        users = table(IssueUser)
        since = select(func.count()).where(
            users.c.origin_id == self.issues.c.origin_id,
            users.c.issue_id == self.issues.c.id,
            users.c.first_seen > self.watermark,
        )
        return self.issues.c.user_count - since.scalar_subquery()

    def level(self) -> ColumnElement[str]:
        events = table(Interaction)
        last = select(events.c.level).where(self._of_issue(), events.c.received_at <= self.watermark)
        return last.order_by(events.c.received_at.desc()).limit(1).scalar_subquery()

    def status(self) -> ColumnElement[str]:
        changes = table(StatusChange)
        last = (
            select(changes.c.to_status)
            .where(
                changes.c.origin_id == self.issues.c.origin_id,
                changes.c.issue_id == self.issues.c.id,
                changes.c.changed_at <= self.began,
            )
            .order_by(changes.c.id.desc())
            .limit(1)
        )
        return func.coalesce(last.scalar_subquery(), Status.OPEN.value)

    def _of_issue(self) -> ColumnElement[bool]:
        events = table(Interaction)
        return (events.c.origin_id == self.issues.c.origin_id) & (events.c.issue_id == self.issues.c.id)


def _matching(view: _Settled, filters: IssueFilters) -> Select[tuple[object, ...]]:
    issues = view.issues
    statement = select(issues).where(view.there())
    if filters.origin_id is not None:
        statement = statement.where(issues.c.origin_id == filters.origin_id)
    if filters.statuses:
        statement = statement.where(view.status().in_([status.value for status in filters.statuses]))
    if filters.levels:
        statement = statement.where(view.level().in_([level.value for level in filters.levels]))
    if filters.since is not None:
        statement = statement.where(view.last_seen() >= filters.since)
    if filters.until is not None:
        statement = statement.where(view.last_seen() <= filters.until)
    if filters.environment:
        statement = statement.where(_seen_in_environment(view, filters.environment))
    if filters.release:
        statement = statement.where(_seen_in_release(view, filters.release))
    for word in filters.query.split():
        pattern = like(word)
        text = issues.c.title.ilike(pattern, escape="\\") | issues.c.culprit.ilike(pattern, escape="\\")
        statement = statement.where(text)
    return statement


def _seen_in_environment(view: _Settled, environment: str) -> ColumnElement[bool]:
    tags = table(IssueTag)
    return exists().where(
        tags.c.origin_id == view.issues.c.origin_id,
        tags.c.issue_id == view.issues.c.id,
        tags.c.key == ENVIRONMENT_TAG,
        tags.c.value == environment,
    )


def _seen_in_release(view: _Settled, version: str) -> ColumnElement[bool]:
    met, releases = table(IssueRelease), table(Release)
    return exists().where(
        met.c.origin_id == view.issues.c.origin_id,
        met.c.issue_id == view.issues.c.id,
        releases.c.origin_id == met.c.origin_id,
        releases.c.id == met.c.release_id,
        releases.c.version == version,
    )


def _page(
    matching: Select[tuple[object, ...]], view: _Settled, order: IssueOrder, rows: int
) -> Select[tuple[object, ...]]:
    value, identity = view.sorted_by(order.sort), view.issues.c.id
    page = matching.add_columns(value.label("position"))
    if order.after is not None:
        position, mark = (
            tuple_(value, identity),
            tuple_(literal(order.after[0]), literal(order.after[1], UuidBytes)),
        )
        page = page.where(position < mark if order.descending else position > mark)
    ordering = (value.desc(), identity.desc()) if order.descending else (value.asc(), identity.asc())
    return page.order_by(*ordering).limit(rows)
