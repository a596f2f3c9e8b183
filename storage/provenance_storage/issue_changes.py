"""What a batch of events does to the issues of one origin."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Update, bindparam, select, true, update

from provenance_core.access import SYSTEM_ACTOR
from provenance_core.events import Trust
from provenance_core.ids import uuid7
from provenance_core.lifecycle import Regression, State, Status, regresses
from provenance_core.versions import ReleaseOrder
from provenance_storage.counters import Counts, add_users
from provenance_storage.issue_counts import count_environments, count_moves, count_new, same_group
from provenance_storage.prepared import Given, Query, RowStatement, among, inserted, texts, types_of
from provenance_storage.records import IssueRecord, NewEvent, Taken
from provenance_storage.release_rows import KnownRelease, release_order
from provenance_storage.statements import insert_into
from provenance_storage.status_changes import NewStatusChange, write_status_changes
from provenance_storage.tables import ErrorIssue, IssueFingerprint, IssueNumber, table

_CHANGING = (
    "handled",
    "platform",
    "title",
    "culprit",
    "last_seen",
    "last_event_id",
    "last_release_id",
    "event_count",
    "user_count",
    "stored_count",
    "authenticated_count",
    "matched_count",
)
"""What most events change of their issue, and no more: an index is written where one of its columns is named."""

_MOVING = (*_CHANGING, "status", "status_changed_at", "regression_count", "level")
"""What an event changes that puts its issue into another group."""

_COLUMNS = tuple(IssueRecord.__dataclass_fields__)

_changing = attrgetter("origin_id", "id", *_CHANGING)
_moving = attrgetter("origin_id", "id", *_MOVING)
_columns = attrgetter(*_COLUMNS)


class IssueChanges:
    """Load the issues of a batch, let each event change its issue, write the outcome.

    Args:
        connection: One in a write transaction.
        origin_id: The origin of all the events.
        policy: Which releases regress a resolved issue of the origin.
        releases: The releases the events are tagged with, by version.
    """

    def __init__(
        self, connection: Connection, origin_id: UUID, policy: Regression, releases: dict[str, KnownRelease]
    ) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._origin_id = origin_id
        self._policy = policy
        self._releases = releases
        self._issues: dict[UUID, IssueRecord] = {}
        self._loaded: dict[UUID, IssueRecord] = {}
        self._by_fingerprint: dict[str, UUID] = {}
        self._resolved_in: dict[UUID, ReleaseOrder | None] = {}
        self._new: list[UUID] = []
        self._users: dict[UUID, dict[bytes, int]] = {}
        self._prints: list[tuple[UUID, str, str, UUID]] = []
        self._history: list[NewStatusChange] = []
        self._counts = Counts()

    def load(self, items: Iterable[Taken]) -> None:
        """Read the issues that the items' fingerprints lead to and lock them until the transaction ends."""
        events = [item.new.event for item in items if item.new.event is not None]
        fingerprints = {one for event in events for one in (event.fingerprint, *event.older_fingerprints)}
        if not fingerprints:
            return
        given = {"of_origin": self._origin_id, "fingerprints": texts(self._dialect, sorted(fingerprints))}
        for found_by, *values in _issues_by_fingerprint(self._dialect).rows(self._connection, given):
            issue = IssueRecord.from_row(dict(zip(_COLUMNS, values, strict=True)))
            self._by_fingerprint[found_by] = issue.id
            self._keep(issue)

    def _keep(self, issue: IssueRecord) -> None:
        self._issues[issue.id] = self._loaded[issue.id] = issue
        if issue.status is Status.RESOLVED and issue.resolved_release_id is not None:
            self._resolved_in[issue.id] = release_order(self._connection, self._origin_id, issue.resolved_release_id)

    def apply(self, item: Taken, event: NewEvent) -> UUID:
        """Let one event change its issue, made now if there is none, and return the issue's id."""
        release = self._releases[event.release] if event.release is not None else None
        issue_id = self._by_fingerprint.get(event.fingerprint) or self._by_older_fingerprint(event)
        if issue_id is None:
            issue = _first_of(item, event, release)
            self._lead(event, issue.id)
            self._new.append(issue.id)
        else:
            issue = _one_more(self._regressed(self._issues[issue_id], item, release), item, event, release)
        self._issues[issue.id] = issue
        if event.user_hash is not None:
            self._users.setdefault(issue.id, {}).setdefault(event.user_hash, item.received_at)
        self._counts.add(issue.id.bytes, item.received_at, release.id.bytes if release else None, event.tags)
        return issue.id

    def _by_older_fingerprint(self, event: NewEvent) -> UUID | None:
        """Return the issue that an earlier algorithm put such events into; today's fingerprint leads to it as well."""
        known = (self._by_fingerprint.get(older) for older in event.older_fingerprints)
        issue_id = next((issue_id for issue_id in known if issue_id is not None), None)
        if issue_id is not None:
            self._lead(event, issue_id)
        return issue_id

    def _lead(self, event: NewEvent, issue_id: UUID) -> None:
        self._by_fingerprint[event.fingerprint] = issue_id
        self._prints.append((self._origin_id, event.fingerprint, event.fingerprint_version, issue_id))

    def _regressed(self, issue: IssueRecord, item: Taken, release: KnownRelease | None) -> IssueRecord:
        """Return the issue as the event's arrival leaves it: regressed, with its history, or as it is."""
        resolved_in = self._resolved_in.get(issue.id)
        state = State(issue.status, resolved_in.version if resolved_in else None)
        if not regresses(state, resolved_in, release.order if release else None, self._policy):
            return issue
        at = max(item.received_at, issue.status_changed_at + 1)
        release_id = release.id if release else None
        self._history.append(
            NewStatusChange(issue.id, at, SYSTEM_ACTOR, issue.status, Status.REGRESSED, release_id, item.id)
        )
        return replace(
            issue,
            status=Status.REGRESSED,
            status_changed_at=at,
            regression_count=issue.regression_count + 1,
        )

    def write_issues(self) -> None:
        """Write new and changed issues, their users and the history."""
        if not self._issues:
            return
        self._number()
        self._insert()
        for issue_id, added in add_users(self._connection, self._origin_id, self._users).items():
            issue = self._issues[issue_id]
            self._issues[issue_id] = replace(issue, user_count=issue.user_count + added)
        changed = [issue for _, issue in sorted(self._issues.items())]
        stayed = [issue for issue in changed if not self._moves(issue)]
        moved = [issue for issue in changed if self._moves(issue)]
        _update_issues(self._dialect, _CHANGING).run(self._connection, [_changing(issue) for issue in stayed])
        _update_issues(self._dialect, _MOVING).run(self._connection, [_moving(issue) for issue in moved])
        count_moves(self._connection, [(self._loaded[issue.id], issue) for issue in moved])
        count_new(self._connection, [self._issues[issue_id] for issue_id in self._new])
        _add_fingerprints(self._dialect).run(self._connection, self._prints)
        write_status_changes(self._connection, self._origin_id, self._history)

    def _moves(self, issue: IssueRecord) -> bool:
        return issue.id in self._loaded and not same_group(self._loaded[issue.id], issue)

    def _number(self) -> None:
        """Give the new issues their short numbers, and say when the origin had its last event."""
        latest = max(issue.last_seen for issue in self._issues.values())
        row = (self._origin_id, len(self._new), latest)
        ((last,),) = _next_numbers(self._dialect).run(self._connection, [row])
        for number, issue_id in enumerate(self._new, last - len(self._new) + 1):
            self._issues[issue_id] = replace(self._issues[issue_id], number=number)

    def _insert(self) -> None:
        new = [_columns(self._issues[issue_id]) for issue_id in sorted(self._new)]
        _add_issues(self._dialect).run(self._connection, new)

    def write_counters(self) -> None:
        """Write the counters that stand beside the issues."""
        met = self._counts.write(self._connection, self._origin_id.bytes)
        count_environments(self._connection, [(self._issues[issue_id], environment) for issue_id, environment in met])


def _first_of(item: Taken, event: NewEvent, release: KnownRelease | None) -> IssueRecord:
    """Return the issue that its first event makes."""
    return IssueRecord(
        origin_id=item.new.origin_id,
        id=uuid7(item.received_at, secrets.randbits(62)),
        number=0,
        fingerprint=event.fingerprint,
        fingerprint_version=event.fingerprint_version,
        status=Status.OPEN,
        status_changed_at=item.received_at,
        resolved_release_id=None,
        regression_count=0,
        level=event.level,
        handled=event.handled,
        platform=event.platform,
        title=event.title,
        culprit=event.culprit,
        first_seen=item.received_at,
        last_seen=item.received_at,
        first_event_id=item.id,
        last_event_id=item.id,
        first_release_id=release.id if release else None,
        last_release_id=release.id if release else None,
        event_count=1,
        user_count=0,
        stored_count=1,
        authenticated_count=int(item.new.trust is Trust.AUTHENTICATED),
        matched_count=int(item.new.trust is Trust.MATCHED),
    )


def _one_more(issue: IssueRecord, item: Taken, event: NewEvent, release: KnownRelease | None) -> IssueRecord:
    """Return the issue with one more event counted, described as that event describes it if it may."""
    trust = item.new.trust
    counted = replace(
        issue,
        last_seen=item.received_at,
        last_event_id=item.id,
        last_release_id=release.id if release else issue.last_release_id,
        event_count=issue.event_count + 1,
        stored_count=issue.stored_count + 1,
        authenticated_count=issue.authenticated_count + (trust is Trust.AUTHENTICATED),
        matched_count=issue.matched_count + (trust is Trust.MATCHED),
    )
    if trust < issue.trust:  # who has the public key only cannot rename what somebody known reported
        return counted
    return replace(
        counted,
        level=event.level,
        handled=event.handled,
        platform=event.platform,
        title=event.title,
        culprit=event.culprit,
    )


# Statements are made once: making one costs more than running it.


@cache
def _issues_by_fingerprint(dialect: str) -> Query:
    issues, prints = table(ErrorIssue), table(IssueFingerprint)
    same = (issues.c.origin_id == prints.c.origin_id) & (issues.c.id == prints.c.issue_id)
    statement = (
        select(prints.c.fingerprint, *(issues.c[name] for name in _COLUMNS))
        .join_from(prints, issues, same)
        .where(prints.c.origin_id == bindparam("of_origin"), among(dialect, prints.c.fingerprint, "fingerprints"))
        .order_by(issues.c.id)
        .with_for_update(of=issues)
    )
    return Query(dialect, statement)


@cache
def _add_issues(dialect: str) -> RowStatement:
    return inserted(dialect, table(ErrorIssue))


@cache
def _add_fingerprints(dialect: str) -> RowStatement:
    return inserted(dialect, table(IssueFingerprint))


@cache
def _update_issues(dialect: str, names: tuple[str, ...]) -> RowStatement:
    issues = table(ErrorIssue)

    def build(given: Given) -> Update:
        one = (issues.c.origin_id == given["origin_id"]) & (issues.c.id == given["id"])
        return update(issues).where(one).values({name: given[name] for name in names})

    return RowStatement(dialect, types_of(*(issues.c[name] for name in ("origin_id", "id", *names))), build)


@cache
def _next_numbers(dialect: str) -> RowStatement:
    numbers = table(IssueNumber)

    def build(given: Given) -> Any:
        names = [column.name for column in numbers.c]
        rows = select(*(given[name] for name in names)).where(true())
        count = insert_into(dialect, numbers).from_select(names, rows)
        more = {"last": numbers.c.last + count.excluded.last, "last_seen": count.excluded.last_seen}
        return count.on_conflict_do_update(index_elements=[numbers.c.origin_id], set_=more).returning(numbers.c.last)

    return RowStatement(dialect, types_of(*numbers.c), build)
