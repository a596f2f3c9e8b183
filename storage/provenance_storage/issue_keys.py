"""The statements behind lists of issues; each is compiled once for what is asked of it and run for each group.

Each finds the places of issues only: value, id and origin. All issues of a group that match are a walk through an
index in the list's order, so that a page costs the same whatever the store holds. Where a tag or a release is so rare
that the walk would pass by too many issues before a page is full, those that have it are gathered instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Select, Text, func, select, text, tuple_
from sqlalchemy.types import TypeEngine

from provenance_core.events import Trust
from provenance_core.listing import Sort
from provenance_storage.columns import Micros, UuidBytes
from provenance_storage.issue_views import Today
from provenance_storage.prepared import POSTGRESQL, Given, RowQuery, constant, constant_text, limited, rows_given
from provenance_storage.tables import IS_ENVIRONMENT, MANY, IssueRelease, IssueTag, table

Place = tuple[int, UUID, UUID, str, str]
"""What a list is ordered by, the issue's id, and its group: origin, status and level."""

EVERY = 1 << 40
"""More rows than there are: a limit keeps SQLite from beginning with another table, and PostgreSQL from a join that
reads all of it."""

SHAPES = 1_024
"""Compiled statements that are kept; there is one for each combination of filters, order and size."""

_GIVEN: dict[str, TypeEngine[Any]] = {
    "origin_id": UuidBytes(),
    "status": Text(),
    "level": Text(),
    "environment": Text(),
    "release_id": UuidBytes(),
    "since": Micros,
    "until": Micros,
    "watermark": Micros,
    "watermark_hour": Micros,
    "began": Micros,
    "after_value": Micros,
    "after_id": UuidBytes(),
}


class Part(Enum):
    """Which issues are walked through, where an index has only those with many events or users."""

    ALL = auto()
    MANY = auto()
    FEW = auto()


class Trait(Enum):
    """What issues are gathered by, if they are few."""

    ENVIRONMENT = auto()
    RELEASE = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a statement is compiled for.

    Attributes:
        view: When the issues are looked at.
        statuses, levels: Which to show, where the groups do not say so.
        words: How many words are looked for.
        least: How far it must be known where an issue's events come from.
        one_origin: Where all issues are read: whether only those of one origin count.
    """

    sort: Sort
    descending: bool
    view: type[Today] = Today
    part: Part = Part.ALL
    statuses: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    environment: bool = False
    release: bool = False
    since: bool = False
    until: bool = False
    words: int = 0
    least: Trust = Trust.REPORTED
    one_origin: bool = False
    after: bool = False
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Values:
    """What the statements are given beside a group."""

    environment: str = ""
    since: int | None = None
    until: int | None = None
    watermark: int = 0
    watermark_hour: int = 0
    began: int = 0
    after: tuple[int, UUID] | None = None
    patterns: tuple[str, ...] = ()

    def row(self, origin_id: UUID, status: str, level: str, release_id: UUID | None) -> list[object]:
        """Return what a statement is given for one group, in the order of the columns."""
        moments = (self.since, self.until, self.watermark, self.watermark_hour, self.began)
        after = self.after or (None, None)
        return [origin_id, status, level, self.environment, release_id, *moments, *after, *self.patterns]


@lru_cache(maxsize=SHAPES)
def walk(dialect: str, asked: Asked) -> RowQuery:
    """Return the statement that gives the first places of a group in the list's order."""

    def build(given: Given) -> Select[Any]:
        view = asked.view(given)
        issues, value = view.issues, view.sorted_by(asked.sort)
        conditions = (*_of_group(view, given), *_matching(dialect, asked, view, given), *_part(asked, value))
        found = _places(view, value).where(*conditions)
        if asked.after:
            place, mark = tuple_(value, issues.c.id), tuple_(given["after_value"], given["after_id"])
            found = found.where(place < mark if asked.descending else place > mark)
        if not asked.rows:
            return limited(found, EVERY)
        order = [one.desc() if asked.descending else one.asc() for one in (value, issues.c.id)]
        return limited(found.order_by(*order), asked.rows)

    return RowQuery(dialect, _columns(asked), build)


@lru_cache(maxsize=SHAPES)
def count(dialect: str, asked: Asked) -> RowQuery:
    """Return the statement that counts the issues of a group that match."""

    def build(given: Given) -> Select[Any]:
        view = asked.view(given)
        conditions = (*_of_group(view, given), *_matching(dialect, asked, view, given))
        return select(func.count().label("amount")).select_from(view.issues).where(*conditions)

    return RowQuery(dialect, _columns(asked), build)


@lru_cache(maxsize=SHAPES)
def gather(dialect: str, asked: Asked, trait: Trait) -> RowQuery:
    """Return the statement that gives the places of all issues of an origin that have a trait and match."""

    def build(given: Given) -> Select[Any]:
        view = asked.view(given)
        having = _within(dialect, limited(_having(trait, given), EVERY), given)
        same = (view.issues.c.origin_id == given["origin_id"]) & (view.issues.c.id == having.c.issue_id)
        found = _places(view, view.sorted_by(asked.sort))
        return found.select_from(having.join(view.issues, same)).where(*_matching(dialect, asked, view, given))

    return RowQuery(dialect, _columns(asked), build)


@lru_cache(maxsize=SHAPES)
def scan(dialect: str, asked: Asked, most: int) -> RowQuery:
    """Return the statement that reads all issues for the places of those that match, at most so many.

    It is for words and trust, which no index knows: to read the table as it lies takes a tenth of the time of a walk.
    """

    def build(given: Given) -> Select[Any]:
        view = asked.view(given)
        return limited(_places(view, view.sorted_by(asked.sort)).where(*_anywhere(dialect, asked, view, given)), most)

    return RowQuery(dialect, _columns(asked), build)


@lru_cache(maxsize=SHAPES)
def scan_count(dialect: str, asked: Asked) -> RowQuery:
    """Return the statement that reads all issues to count those that match."""

    def build(given: Given) -> Select[Any]:
        view = asked.view(given)
        return (
            select(func.count().label("amount")).select_from(view.issues).where(*_anywhere(dialect, asked, view, given))
        )

    return RowQuery(dialect, _columns(asked), build)


@lru_cache(maxsize=SHAPES)
def number_having(dialect: str, trait: Trait, most: int | None) -> RowQuery:
    """Return the statement that counts the issues of an origin that have a trait, at most so many."""

    def build(given: Given) -> Select[Any]:
        having = _having(trait, given)
        some = limited(having, most) if most is not None else having
        return select(func.count().label("amount")).select_from(_within(dialect, some, given))

    return RowQuery(dialect, _GIVEN, build)


def _columns(asked: Asked) -> dict[str, TypeEngine[Any]]:
    return _GIVEN | {f"word{number}": Text() for number in range(asked.words)}


def _places(view: Today, value: ColumnElement[int]) -> Select[Any]:
    issues = view.issues
    return select(value.label("value"), *(issues.c[name] for name in ("id", "origin_id", "status", "level")))


def _having(trait: Trait, given: Given) -> Select[Any]:
    if trait is Trait.ENVIRONMENT:
        tags = table(IssueTag)
        return select(tags.c.issue_id).where(
            tags.c.origin_id == given["origin_id"],
            text(IS_ENVIRONMENT),
            tags.c.value == given["environment"],
        )
    met = table(IssueRelease)
    return select(met.c.issue_id).where(met.c.origin_id == given["origin_id"], met.c.release_id == given["release_id"])


def _within(dialect: str, statement: Select[Any], given: Given) -> FromClause:
    """Return a statement to select from, which may speak of what is given."""
    if dialect != POSTGRESQL:
        return statement.subquery("having")
    return statement.correlate(*rows_given(given)).lateral("having")


def _of_group(view: Today, given: Given) -> list[ColumnElement[bool]]:
    return [view.issues.c[name] == given[name] for name in ("origin_id", "status", "level")]


def _anywhere(dialect: str, asked: Asked, view: Today, given: Given) -> list[ColumnElement[bool]]:
    of_origin = [view.issues.c.origin_id == given["origin_id"]] if asked.one_origin else []
    return [*of_origin, *_matching(dialect, asked, view, given)]


def _part(asked: Asked, value: ColumnElement[int]) -> list[ColumnElement[bool]]:
    match asked.part:
        case Part.ALL:
            return []
        case Part.MANY:
            return [value >= constant(MANY)]
        case Part.FEW:
            return [value < constant(MANY)]


def _matching(dialect: str, asked: Asked, view: Today, given: Given) -> list[ColumnElement[bool]]:
    found = view.there()
    if asked.statuses:
        found.append(_one_of(view.status(), asked.statuses))
    if asked.levels:
        found.append(_one_of(view.level(), asked.levels))
    if asked.since:
        found.append(view.last_seen() >= given["since"])
    if asked.until:
        found.append(view.last_seen() <= given["until"])
    if asked.environment:
        found.append(_has(view, _having(Trait.ENVIRONMENT, given)))
    if asked.release:
        found.append(_has(view, _having(Trait.RELEASE, given)))
    if asked.least is not Trust.REPORTED:
        found.append(_known(view, asked.least))
    for number in range(asked.words):
        found.append(_says(dialect, view, given[f"word{number}"]))
    return found


def _known(view: Today, least: Trust) -> ColumnElement[bool]:
    """Say whether it is known so far where one of an issue's events comes from; such counts only grow."""
    authenticated, matched = view.issues.c.authenticated_count, view.issues.c.matched_count
    return (authenticated if least is Trust.AUTHENTICATED else authenticated + matched) > constant(0)


def _one_of(column: ColumnElement[str], values: tuple[str, ...]) -> ColumnElement[bool]:
    """Say whether a text is one of some, so that no index is chosen for it: the issues are known by then."""
    return func.coalesce(column, constant_text("")).in_([constant_text(value) for value in values])


def _has(view: Today, having: Select[Any]) -> ColumnElement[bool]:
    """Say whether the issue is among those; as a value, which PostgreSQL cannot turn into a join of all of them."""
    of_issue = having.where(having.selected_columns["issue_id"] == view.issues.c.id)
    return view.value(limited(of_issue, 1)).is_not(None)


def _says(dialect: str, view: Today, pattern: ColumnElement[str]) -> ColumnElement[bool]:
    """Say whether the title or the culprit is like a pattern; LIKE of SQLite knows no case of ASCII letters."""
    title, culprit = view.issues.c.title, view.issues.c.culprit
    if dialect == POSTGRESQL:
        return title.ilike(pattern, escape="\\") | culprit.ilike(pattern, escape="\\")
    return title.like(pattern, escape="\\") | culprit.like(pattern, escape="\\")
