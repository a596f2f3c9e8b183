"""What happened to issues after a position: new issues, more events, other statuses.

Of one origin, what is committed later has a later moment: who records holds the origin's lock, and receives strictly
later than all that is there; a change of status takes its id likewise. How far an origin was read is therefore one
moment for its events and one for its statuses, and nothing is read or told again. Of several origins that does not
hold on a database server, so that the moments a position has for all of them stay behind the newest ones, and the
origins in which something happened since then stand in it with their own. Events are not read for this: an issue knows
when it was first and last met, and is found by that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, select

from provenance_core.events import Level
from provenance_core.ids import microseconds_of, uuid7
from provenance_core.lifecycle import ChangeKind, Status
from provenance_storage.columns import Micros, UuidBytes
from provenance_storage.database import Database
from provenance_storage.prepared import Given, Query, RowQuery, constant_text, limited
from provenance_storage.statements import portions
from provenance_storage.tables import ErrorIssue, IssueNumber, Origin, StatusChange, table

OVERLAP = 60_000_000
"""How far, in microseconds, the moments for all origins stay behind: longer than clocks differ and commits take."""

MOST_AHEAD = 250
"""Origins that a position names; with more it would be too long to be sent."""

TOGETHER = 20
"""Origins that are read at once."""

LAST = (1 << 48) * 1000 - 2
"""The last moment that an id can carry."""

_BEFORE = -1
_PARTS = ("event", "status")


@dataclass(frozen=True, slots=True)
class Mark:
    """How far something was read: the moments of the last event and of the last change of status."""

    event: int
    status: int

    def later(self, other: Mark) -> Mark:
        """Return the later of both."""
        return Mark(max(self.event, other.event), max(self.status, other.status))


@dataclass(frozen=True, slots=True)
class ChangesPosition:
    """How far the changes were read: of all origins, and of some, by their numbers, further."""

    all: Mark
    ahead: Mapping[int, Mark] = field(default_factory=dict[int, Mark])

    def of(self, origin: _Origin) -> Mark:
        """Return how far an origin was read."""
        return self.ahead.get(origin.number, self.all).later(self.all)


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """What happened to an issue; of new events of one issue the last one is told."""

    id: UUID
    mnemonic: str
    issue_id: UUID
    number: int
    kind: ChangeKind
    status: Status
    at: int


@dataclass(frozen=True, slots=True)
class _Origin:
    """An origin in which something happened, and when the last did."""

    id: UUID
    number: int
    mnemonic: str
    last: Mark


@dataclass(frozen=True, slots=True)
class _Page:
    """What one look found, and how far each origin is read now; `whole` says that nothing is left."""

    found: list[ChangeRecord]
    marks: dict[int, Mark]
    whole: bool


class Changes:
    """Read what happened to the issues of a store.

    Args:
        database: The store's database.
        most_ahead: The most origins that a position names where nothing is left to be told.
    """

    def __init__(self, database: Database, most_ahead: int = MOST_AHEAD) -> None:
        self._database = database
        self._most_ahead = most_ahead

    def after(
        self, position: ChangesPosition | None, origin_id: UUID | None, most: int
    ) -> tuple[list[ChangeRecord], ChangesPosition]:
        """Return what happened after a position, oldest first, and where to go on; without a position nothing did yet.

        Args:
            position: What was returned before.
            origin_id: Only of this origin; None for all.
            most: The most changes to return; where there may be more, going on at once returns them.
        """
        with self._database.read() as connection:
            page = _look(connection, position, origin_id, most)
        following = _following(position, page, OVERLAP)
        if len(following.ahead) > self._most_ahead and page.whole:
            with self._database.read_settled() as connection:  # what is recorded from here on is later than all of it
                page = _look(connection, position, origin_id, most)
            following = _following(position, page, 0 if page.whole else OVERLAP)
        return sorted(page.found, key=lambda change: (change.at, change.id)), following


def _look(connection: Connection, position: ChangesPosition | None, origin_id: UUID | None, most: int) -> _Page:
    begun = position or ChangesPosition(Mark(_BEFORE, _BEFORE))
    origins = _active(connection, begun.all, origin_id)
    if position is None:
        return _Page([], {origin.number: origin.last for origin in origins}, whole=True)
    marks = {origin.number: begun.of(origin) for origin in origins}
    news = [origin for origin in origins if origin.last.later(marks[origin.number]) != marks[origin.number]]
    news.sort(key=lambda origin: (marks[origin.number].event, origin.number))
    found: list[ChangeRecord] = []
    for some in portions(news, TOGETHER):
        for origin, rows in zip(some, _rows_of(connection, some, marks, most), strict=True):
            shown = rows.first(most - len(found))
            found += shown.changes
            marks[origin.number] = shown.reach(origin.last, marks[origin.number])
            if not shown.whole:
                return _Page(found, marks, whole=False)
    return _Page(found, marks, whole=True)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What happened in one origin, each part by its moments; `whole` says that nothing is left."""

    statuses: Sequence[ChangeRecord]
    events: Sequence[ChangeRecord]
    whole: bool

    @property
    def changes(self) -> list[ChangeRecord]:
        """Return all of it, but events of an issue that is told to be new."""
        new = {change.issue_id for change in self.events if change.kind is ChangeKind.NEW}
        events = (one for one in self.events if one.kind is ChangeKind.NEW or one.issue_id not in new)
        return [*self.statuses, *events]

    def first(self, most: int) -> _Rows:
        """Return as much as there is room for."""
        statuses = self.statuses[:most]
        events = self.events[: most - len(statuses)]
        whole = self.whole and len(statuses) + len(events) == len(self.statuses) + len(self.events)
        return _Rows(statuses, events, whole)

    def reach(self, last: Mark, mark: Mark) -> Mark:
        """Return how far an origin was read with these rows."""
        if self.whole:
            return last.later(mark)
        event = self.events[-1].at if self.events else mark.event
        status = microseconds_of(self.statuses[-1].id) if self.statuses else mark.status
        return Mark(event, status)


def _rows_of(connection: Connection, origins: Sequence[_Origin], marks: Mapping[int, Mark], most: int) -> list[_Rows]:
    """Return what happened in each origin after its mark; of each part as much as a page takes."""
    dialect = connection.dialect.name
    by_id = {origin.id: origin for origin in origins}
    events: dict[UUID, list[ChangeRecord]] = {origin.id: [] for origin in origins}
    statuses: dict[UUID, list[ChangeRecord]] = {origin.id: [] for origin in origins}
    after = [(origin.id, marks[origin.number].event) for origin in origins]
    full: set[UUID] = set()
    for kind in (ChangeKind.NEW, ChangeKind.EVENT):
        for origin_id, rows in _by_origin(_met(dialect, kind, most).rows(connection, after)):
            events[origin_id] += [_change(by_id[origin_id], kind, row) for row in rows]
            full |= {origin_id} if len(rows) == most else set()
    changed = [(origin.id, _first_id_after(marks[origin.number].status)) for origin in origins]
    for origin_id, rows in _by_origin(_changed(dialect, most).rows(connection, changed)):
        statuses[origin_id] += [_change(by_id[origin_id], ChangeKind.STATUS, row) for row in rows]
        full |= {origin_id} if len(rows) == most else set()
    for found in events.values():
        found.sort(key=lambda change: change.at)
    return [_Rows(statuses[origin.id], events[origin.id], origin.id not in full) for origin in origins]


def _by_origin(rows: Sequence[tuple[Any, ...]]) -> list[tuple[UUID, list[tuple[Any, ...]]]]:
    found: dict[UUID, list[tuple[Any, ...]]] = {}
    for origin_id, *row in rows:
        found.setdefault(origin_id, []).append(tuple(row))
    return list(found.items())


def _change(origin: _Origin, kind: ChangeKind, row: tuple[Any, ...]) -> ChangeRecord:
    id_, issue_id, number, status, at = row
    return ChangeRecord(id_, origin.mnemonic, issue_id, number, kind, Status(status), at)


def _following(position: ChangesPosition | None, page: _Page, overlap: int) -> ChangesPosition:
    """Return where to go on: while something is left, the moments for all origins stay where they are."""
    begun = position.all if position is not None else Mark(_BEFORE, _BEFORE)
    common = begun
    if page.whole:
        event, status = (max((getattr(mark, name) for mark in page.marks.values()), default=_BEFORE) for name in _PARTS)
        common = Mark(max(event - overlap, _BEFORE), max(status - OVERLAP, _BEFORE)).later(begun)
    ahead = {number: mark for number, mark in page.marks.items() if mark.later(common) != common}
    return ChangesPosition(common, ahead)


def _active(connection: Connection, after: Mark, origin_id: UUID | None) -> list[_Origin]:
    """Return the origins in which something happened after a moment."""
    query = _origins(connection.dialect.name, one=origin_id is not None)
    given = {"of_origin": origin_id, "event": after.event, "status": _first_id_after(after.status)}
    return [
        _Origin(id_, number, mnemonic, Mark(event, microseconds_of(status) if status is not None else _BEFORE))
        for id_, number, mnemonic, event, status in query.rows(connection, given)
    ]


def _first_id_after(at: int) -> UUID:
    """Return the first id that a later moment has."""
    return uuid7(min(max(at, _BEFORE), LAST) + 1, 0)


@cache
def _origins(dialect: str, *, one: bool) -> Query:
    origins, numbers, changes = table(Origin), table(IssueNumber), table(StatusChange)
    of_same = select(changes.c.id).where(changes.c.origin_id == numbers.c.origin_id)
    newest = limited(of_same.order_by(changes.c.id.desc()), 1).scalar_subquery()
    of_origin = (numbers.c.origin_id == bindparam("of_origin"),) if one else ()
    known = select(numbers.c.origin_id, numbers.c.last_seen, newest.label("newest")).where(*of_origin).subquery()
    moved = (known.c.last_seen > bindparam("event")) | (known.c.newest >= bindparam("status", type_=UuidBytes))
    columns = (origins.c.id, origins.c.number, origins.c.mnemonic, known.c.last_seen, known.c.newest)
    return Query(dialect, select(*columns).join_from(known, origins, origins.c.id == known.c.origin_id).where(moved))


@cache
def _met(dialect: str, kind: ChangeKind, most: int) -> RowQuery:
    """Return the query for issues that were first, or again, met after a moment, in that order."""
    issues = table(ErrorIssue)
    new = kind is ChangeKind.NEW
    at, event_id = (
        (issues.c.first_seen, issues.c.first_event_id) if new else (issues.c.last_seen, issues.c.last_event_id)
    )
    in_groups = (
        issues.c.status.in_([constant_text(status.value) for status in Status]),
        issues.c.level.in_([constant_text(level.value) for level in Level]),
    )  # the indexes begin with them
    again = () if new else (issues.c.last_event_id != issues.c.first_event_id,)

    def build(given: Given) -> Select[Any]:
        columns = (issues.c.origin_id, event_id, issues.c.id.label("issue_id"), issues.c.number, issues.c.status, at)
        wanted = select(*columns).where(issues.c.origin_id == given["origin_id"], *in_groups, at > given["at"], *again)
        return limited(wanted.order_by(at), most)

    return RowQuery(dialect, {"origin_id": UuidBytes(), "at": Micros}, build)


@cache
def _changed(dialect: str, most: int) -> RowQuery:
    """Return the query for changes of status from an id on, in their order."""
    changes, issues = table(StatusChange), table(ErrorIssue)
    same = (issues.c.origin_id == changes.c.origin_id) & (issues.c.id == changes.c.issue_id)

    def build(given: Given) -> Select[Any]:
        columns = (changes.c.origin_id, changes.c.id, changes.c.issue_id, issues.c.number)
        wanted = select(*columns, changes.c.to_status, changes.c.changed_at).join_from(changes, issues, same)
        of_origin = (changes.c.origin_id == given["origin_id"]) & (changes.c.id >= given["id"])
        return limited(wanted.where(of_origin).order_by(changes.c.id), most)

    return RowQuery(dialect, {"origin_id": UuidBytes(), "id": UuidBytes()}, build)
