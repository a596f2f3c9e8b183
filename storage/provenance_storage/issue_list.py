"""Lists of issues whose pages show every issue once, even while events arrive.

A walk is pinned to the last event of the store when it began, its watermark. An issue that got no event since stands
where its columns say; one that did is put where it stood then (`issue_views`). Every event is received strictly later
than the ones before it, so what happened by the watermark never changes. Only the words that `query` looks for, and
whether an issue has events from somebody known, are today's. The first page counts; the others carry its total on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isqrt
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, func, select

from provenance_core.events import Level, Trust
from provenance_core.lifecycle import Status
from provenance_core.listing import Sort
from provenance_storage.counters import HOUR
from provenance_storage.issue_counts import Group, groups
from provenance_storage.issue_keys import (
    Asked,
    Part,
    Place,
    Trait,
    Values,
    count,
    gather,
    number_having,
    scan,
    scan_count,
    walk,
)
from provenance_storage.issue_views import Moved, Settled, Today
from provenance_storage.prepared import Given, Query, RowQuery, constant, types_of
from provenance_storage.records import IssueRecord
from provenance_storage.statements import like
from provenance_storage.tables import ErrorIssue, IssueNumber, Origin, Release, table

_COLUMNS = tuple(IssueRecord.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class IssueFilters:
    """Which issues; times in microseconds since 1970, empty means any."""

    origin_id: UUID | None = None
    statuses: Sequence[Status] = ()
    levels: Sequence[Level] = ()
    environment: str = ""
    release: str = ""
    query: str = ""
    least: Trust = Trust.REPORTED
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """In which order, from where: the walk's watermark, beginning and total, and value and id of the last row shown."""

    sort: Sort = Sort.LAST_SEEN
    descending: bool = True
    watermark: int | None = None
    began: int = 0
    total: int = 0
    after: tuple[int, UUID] | None = None


@dataclass(frozen=True, slots=True)
class IssuePage:
    """One page, with what the next one needs."""

    issues: list[IssueRecord]
    total: int
    watermark: int
    next_after: tuple[int, UUID] | None


def list_issues(connection: Connection, filters: IssueFilters, order: IssueOrder, limit: int) -> IssuePage:
    """Return one page of the issues that match, as they were ordered at the walk's watermark.

    Args:
        connection: For the first page, one of `Database.read_settled`.
        filters: Which issues.
        order: In which order, from where.
        limit: The most rows to return.
    """
    search = _Search(connection, filters, order, limit + 1)
    places, total = search.first_page() if order.watermark is None else search.later_page()
    places.sort(reverse=order.descending)
    shown = places[:limit]
    last = shown[-1][:2] if len(places) > limit else None
    return IssuePage(_records(connection, shown), total, search.watermark, last)


def latest_receipt(connection: Connection) -> int:
    """Return the moment of the last event of the store in microseconds since 1970, or 0."""
    return _latest_receipt(connection.dialect.name).rows(connection, {})[0][0]


@cache
def _latest_receipt(dialect: str) -> Query:
    latest = func.max(table(IssueNumber).c.last_seen)
    return Query(dialect, select(func.coalesce(latest, constant(0)).label("latest")))


class _Search:
    """One page's worth of places.

    Attributes:
        watermark: The moment of the last event when the walk began.
    """

    def __init__(self, connection: Connection, filters: IssueFilters, order: IssueOrder, rows: int) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._filters = filters
        self._order = order
        self._rows = rows
        self.watermark = order.watermark if order.watermark is not None else latest_receipt(connection)
        words = filters.query.split()
        self._asked = Asked(
            sort=order.sort,
            descending=order.descending,
            environment=bool(filters.environment),
            release=bool(filters.release),
            since=filters.since is not None,
            until=filters.until is not None,
            words=len(words),
            least=filters.least,
            one_origin=filters.origin_id is not None,
        )
        self._values = Values(
            environment=filters.environment,
            since=filters.since,
            until=filters.until,
            watermark=self.watermark,
            watermark_hour=self.watermark // HOUR,
            began=order.began,
            after=order.after,
            patterns=tuple(like(word) for word in words),
        )
        self._releases = _releases(connection, filters.release) if filters.release else {}
        there = groups(connection, filters.origin_id)
        self._walked_past = _size(there)
        if filters.environment:
            there = groups(connection, filters.origin_id, filters.environment)
        self._groups = [group for group in there if not filters.release or group.origin_id in self._releases]
        self._chosen = [group for group in self._groups if self._is_chosen(group)]

    def _is_chosen(self, group: Group) -> bool:
        statuses, levels = self._filters.statuses, self._filters.levels
        return (not statuses or group.status in statuses) and (not levels or group.level in levels)

    def first_page(self) -> tuple[list[Place], int]:
        """Return the first places of all, and how many there are."""
        having = self._having(None)
        trait = self._rare(having)
        places = self._gathered(trait, Today) if trait is not None else self._scanned(Today)
        if places is not None:
            return places, len(places)
        return self._walked(Today), self._total(having)

    def later_page(self) -> tuple[list[Place], int]:
        """Return the places that come after the last one shown, and how many the first page counted."""
        trait = self._rare(self._having(self._bound + 1))
        places = self._gathered(trait, Settled) if trait is not None else self._scanned(Settled)
        if places is None:
            places = self._walked(Settled)
        return self._after([*places, *self._moved()]), self._order.total

    @property
    def _bound(self) -> int:
        """Return how many issues are rather gathered than found on a walk, which passes by more the rarer they are."""
        return isqrt(self._rows * self._walked_past)

    def _having(self, most: int | None) -> dict[Trait, int]:
        """Return how many issues have each trait that is asked for, at most so many."""
        having = {Trait.ENVIRONMENT: _size(self._groups)} if self._asked.environment else {}
        if self._asked.release:
            query = number_having(self._dialect, Trait.RELEASE, most)
            having[Trait.RELEASE] = sum(amount for (amount,) in query.rows(self._connection, self._by_origin()))
        return having

    @property
    def _is_read(self) -> bool:
        """Say whether no index knows what is asked for."""
        return bool(self._asked.words) or self._asked.least is not Trust.REPORTED

    @property
    def _only_read(self) -> bool:
        """Say whether all issues are to be read, by a statement that knows no origin's release or tag."""
        return self._is_read and bool(self._chosen) and not (self._asked.environment or self._asked.release)

    def _rare(self, having: Mapping[Trait, int]) -> Trait | None:
        """Return the trait that the fewest issues have, if they are few, and no more than a walk could find."""
        rarest = min(having, key=having.__getitem__, default=None)
        few = min(self._bound, _size(self._chosen))
        return rarest if rarest is not None and having[rarest] <= few else None

    def _gathered(self, trait: Trait, view: type[Today]) -> list[Place]:
        """Return the places of all that match, in no order."""
        asked = replace(self._explicit(), view=view)
        return gather(self._dialect, asked, trait).rows(self._connection, self._by_origin())

    def _scanned(self, view: type[Today]) -> list[Place] | None:
        """Return the places of all that match where all issues are read and only few of them do, else None."""
        if not self._only_read:
            return None
        query = scan(self._dialect, replace(self._explicit(), view=view), self._bound + 1)
        places = query.rows(self._connection, [self._row(self._chosen[0])])
        return places if len(places) <= self._bound else None

    def _walked(self, view: type[Today]) -> list[Place]:
        """Return the first places of all groups, among which the page's are."""
        asked = replace(self._asked, view=view, rows=self._rows, after=self._order.after is not None)
        found: list[Place] = []
        for part in self._parts():
            found += self._walk_groups(replace(asked, part=part))
            if len(found) >= self._rows:
                break
        return found

    def _parts(self) -> list[Part]:
        """Return the parts of the list in their order; those with few events or users are in no index."""
        if self._order.sort in {Sort.LAST_SEEN, Sort.FIRST_SEEN}:
            return [Part.ALL]
        return [Part.MANY, Part.FEW] if self._order.descending else [Part.FEW, Part.MANY]

    def _walk_groups(self, asked: Asked) -> list[Place]:
        """Return the first places of all groups; of a group more than a few only where these are among the first."""
        few = replace(asked, rows=2 * asked.rows // max(len(self._chosen), 1) + 2)
        if few.rows >= asked.rows:
            return self._walk(asked, self._chosen)
        found = self._walk(few, self._chosen)
        found.sort(reverse=asked.descending)
        last = {place[2:]: place for place in found}
        full = Counter(place[2:] for place in found)
        first = set(found[: asked.rows])
        more = {group for group, place in last.items() if full[group] == few.rows and place in first}
        rest = [place for place in found if place[2:] not in more]
        return rest + self._walk(asked, [group for group in self._chosen if group.key in more])

    def _walk(self, asked: Asked, chosen: Sequence[Group]) -> list[Place]:
        return walk(self._dialect, asked).rows(self._connection, [self._row(group) for group in chosen])

    def _moved(self) -> list[Place]:
        """Return the places of the issues that match and got events since the watermark."""
        asked = replace(self._explicit(), view=Moved)
        return self._walk(asked, self._groups)

    def _explicit(self) -> Asked:
        """Return what is asked, with what the choice of groups does not see to."""
        statuses = tuple(status.value for status in self._filters.statuses)
        return replace(self._asked, statuses=statuses, levels=tuple(level.value for level in self._filters.levels))

    def _after(self, places: Iterable[Place]) -> list[Place]:
        mark = self._order.after
        if mark is None:
            return list(places)
        return [place for place in places if (place[:2] < mark if self._order.descending else place[:2] > mark)]

    def _total(self, having: Mapping[Trait, int]) -> int:
        """Return how many issues match, from what is counted already where that says it."""
        asked = self._asked
        if self._only_read:
            query = scan_count(self._dialect, self._explicit())
            return sum(amount for (amount,) in query.rows(self._connection, [self._row(self._chosen[0])]))
        if self._is_read or asked.since or asked.until or len(having) > 1:
            return self._count(self._chosen)
        if Trait.RELEASE not in having:
            return _size(self._chosen)
        others = [group for group in self._groups if not self._is_chosen(group)]
        if _size(others) < _size(self._chosen):
            return having[Trait.RELEASE] - self._count(others)
        return self._count(self._chosen)

    def _count(self, chosen: Sequence[Group]) -> int:
        rows = [self._row(group) for group in chosen]
        return sum(amount for (amount,) in count(self._dialect, self._asked).rows(self._connection, rows))

    def _row(self, group: Group) -> list[object]:
        release = self._releases.get(group.origin_id)
        return self._values.row(group.origin_id, group.status, group.level, release)

    def _by_origin(self) -> list[list[object]]:
        """Return what a statement is given for each origin, which has no use for status and level."""
        one_each = {group.origin_id: group for group in self._groups}
        return [self._row(group) for group in one_each.values()]


def _size(chosen: Sequence[Group]) -> int:
    return sum(group.issue_count for group in chosen)


def _releases(connection: Connection, version: str) -> dict[UUID, UUID]:
    """Return the release of a version that each origin has."""
    return dict(_releases_of_version(connection.dialect.name).rows(connection, {"of_version": version}))


@cache
def _releases_of_version(dialect: str) -> Query:
    releases, origins = table(Release), table(Origin)
    statement = select(releases.c.origin_id, releases.c.id).where(
        releases.c.origin_id.in_(select(origins.c.id)), releases.c.version == bindparam("of_version")
    )
    return Query(dialect, statement)


def _records(connection: Connection, places: Sequence[Place]) -> list[IssueRecord]:
    """Return the issues at places, in their order."""
    rows = [(origin_id, issue_id) for _, issue_id, origin_id, *_ in places]
    found = _by_key(connection.dialect.name).rows(connection, rows)
    records = (IssueRecord.from_row(dict(zip(_COLUMNS, row, strict=True))) for row in found)
    by_id = {record.id: record for record in records}
    return [by_id[issue_id] for _, issue_id, *_ in places]


@cache
def _by_key(dialect: str) -> RowQuery:
    issues = table(ErrorIssue)

    def build(given: Given) -> Select[Any]:
        one = (issues.c.origin_id == given["origin_id"]) & (issues.c.id == given["id"])
        return select(*(issues.c[name] for name in _COLUMNS)).where(one)

    return RowQuery(dialect, types_of(issues.c.origin_id, issues.c.id), build)
