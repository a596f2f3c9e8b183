"""Issues: find one, list many, change the status, tell the history."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, select, update

from provenance_core.access import Actor
from provenance_core.clean import quoted
from provenance_core.errors import NotFound
from provenance_core.ids import parse_short_id, parse_uuid
from provenance_core.lifecycle import State, Status, change
from provenance_storage.clock import Clock
from provenance_storage.database import Database
from provenance_storage.issue_counts import count_moves
from provenance_storage.issue_list import IssueFilters, IssueOrder, IssuePage, list_issues
from provenance_storage.issue_trends import trends
from provenance_storage.prepared import POSTGRESQL
from provenance_storage.records import IssueRecord, IssueReleaseRecord, StatusChangeRecord, TagRecord
from provenance_storage.release_rows import release_order
from provenance_storage.releases import find_release, newest_release
from provenance_storage.statements import insert_into
from provenance_storage.status_changes import NewStatusChange, write_status_changes
from provenance_storage.tables import (
    ErrorIssue,
    IssueFingerprint,
    IssueHour,
    IssueRelease,
    IssueTag,
    IssueTagKey,
    Origin,
    StatusChange,
    table,
)
from provenance_storage.tags_elsewhere import Elsewhere, TagValue, tags_elsewhere


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """A change of status that somebody asks for."""

    status: Status
    release: str | None
    note: str | None
    actor: Actor


@dataclass(frozen=True, slots=True)
class StatusOutcome:
    """The issue after a request, what its status was, and whether anything changed."""

    issue: IssueRecord
    previous: Status
    changed: bool


class Issues:
    """Read the issues of a store and change their status."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def find(self, reference: str, origin_id: UUID | None = None) -> IssueRecord:
        """Return the issue that an id or a short id names.

        Raises:
            NotFound: It names none.
        """
        with self._database.read() as connection:
            return _find(connection, reference, origin_id)

    def list(self, filters: IssueFilters, order: IssueOrder, limit: int) -> IssuePage:
        """Return one page of issues.

        The first page of a walk waits for what is being recorded: were its events to come to light later, they would
        have moments of receipt before the watermark, and their issues would be where the walk has been already.
        """
        begins = order.watermark is None
        with self._database.read_settled() if begins else self._database.read() as connection:
            return list_issues(connection, filters, order, limit)

    def change_status(self, reference: str, request: StatusRequest, origin_id: UUID | None = None) -> StatusOutcome:
        """Make a move of the lifecycle and write it into the history, in one transaction.

        Raises:
            NotFound: There is no such issue or release.
            InvalidInput: A release goes with another status than resolved.
            Conflict: The lifecycle does not allow the move.
        """
        with self._database.write() as connection:
            # Who records for the origin holds its lock before it locks rows: whoever comes the other way would wait
            # for it in a circle.
            self._database.lock(connection, _find(connection, reference, origin_id).origin_id)
            issue = _find(connection, reference, origin_id, lock=True)
            if not change(_state(connection, issue), request.status, request.release):
                return StatusOutcome(issue, issue.status, changed=False)
            release_id = _resolved_in(connection, issue, request)
            at = max(self._clock(), issue.status_changed_at + 1)
            changed = replace(issue, status=request.status, status_changed_at=at, resolved_release_id=release_id)
            _write(connection, issue, changed, request)
            return StatusOutcome(changed, issue.status, changed=True)

    def adopt(self, issue: IssueRecord, fingerprint: str, version: str, culprit: str | None) -> bool:
        """Let one more fingerprint lead to an issue, and say whether it does: it may lead to one already.

        Args:
            issue: The issue.
            fingerprint: The fingerprint.
            version: That of its algorithm.
            culprit: What the issue's culprit becomes either way; None leaves it.
        """
        issues, prints = table(ErrorIssue), table(IssueFingerprint)
        row = {"origin_id": issue.origin_id, "fingerprint": fingerprint, "version": version, "issue_id": issue.id}
        with self._database.write() as connection:
            self._database.lock(connection, issue.origin_id)
            if culprit is not None:
                one = (issues.c.origin_id == issue.origin_id) & (issues.c.id == issue.id)
                connection.execute(update(issues).where(one).values(culprit=culprit))
            added = insert_into(connection.dialect.name, prints).values(row).on_conflict_do_nothing()
            return connection.execute(added.returning(prints.c.fingerprint)).first() is not None

    def history(self, issue: IssueRecord) -> list[StatusChangeRecord]:
        """Return every change of an issue's status, oldest first."""
        changes = table(StatusChange)
        statement = (
            select(
                changes.c.id,
                changes.c.issue_id,
                changes.c.changed_at,
                changes.c.actor,
                changes.c.client,
                changes.c.from_status,
                changes.c.to_status,
                changes.c.release_id,
                changes.c.event_id,
                changes.c.note,
            )
            .where(changes.c.origin_id == issue.origin_id, changes.c.issue_id == issue.id)
            .order_by(changes.c.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [StatusChangeRecord(*row[:5], Status(row.from_status), Status(row.to_status), *row[7:]) for row in rows]

    def releases(self, issue: IssueRecord) -> list[IssueReleaseRecord]:
        """Return how often an issue was met in each release, the latest met first."""
        met = table(IssueRelease)
        statement = (
            select(met.c.release_id, met.c.event_count, met.c.first_seen, met.c.last_seen)
            .where(met.c.origin_id == issue.origin_id, met.c.issue_id == issue.id)
            .order_by(met.c.last_seen.desc())
        )
        with self._database.read() as connection:
            return [IssueReleaseRecord(*row) for row in connection.execute(statement)]

    def tags(self, issue: IssueRecord, keys: int, values: int) -> list[TagRecord]:
        """Return the most frequent tags of an issue with their most frequent values, by tag.

        Args:
            issue: The issue.
            keys: The most tags to return.
            values: The most values of each.
        """
        with self._database.read() as connection:
            return _tags(connection, issue, keys, values)

    def tags_elsewhere(self, issue: IssueRecord, wanted: Collection[TagValue], issues: int) -> Elsewhere:
        """Return how often values of tags are met in the other issues of an issue's origin.

        Args:
            issue: The issue.
            wanted: The values.
            issues: The most other issues to look at: those seen last.
        """
        with self._database.read() as connection:
            return tags_elsewhere(connection, issue, wanted, issues)

    def trends(self, issues: Sequence[IssueRecord], now_hour: int) -> dict[UUID, list[int]]:
        """Return the events of each issue in the hours up to the present one (hours since 1970), by id."""
        with self._database.read() as connection:
            return trends(connection, issues, now_hour)

    def hours(self, issue: IssueRecord, since_hour: int) -> dict[int, int]:
        """Return events per hour (hours since 1970) from an hour on; hours without events are absent."""
        hours = table(IssueHour)
        statement = (
            select(hours.c.hour, hours.c.event_count)
            .where(hours.c.origin_id == issue.origin_id, hours.c.issue_id == issue.id, hours.c.hour >= since_hour)
            .order_by(hours.c.hour)
        )
        with self._database.read() as connection:
            return {row.hour: row.event_count for row in connection.execute(statement)}


def _find(connection: Connection, reference: str, origin_id: UUID | None, *, lock: bool = False) -> IssueRecord:
    statement = _by_reference(reference)
    if statement is not None and origin_id is not None:
        statement = statement.where(table(ErrorIssue).c.origin_id == origin_id)
    if statement is not None and lock:
        statement = statement.with_for_update()
    row = connection.execute(statement).mappings().first() if statement is not None else None
    if row is None:
        raise NotFound(f"No issue {quoted(reference)}. List the issues to see valid ids and short ids.")
    return IssueRecord.from_row(dict(row))


def _by_reference(reference: str) -> Select[tuple[object, ...]] | None:
    issues, origins = table(ErrorIssue), table(Origin)
    identity = parse_uuid(reference)
    if identity is not None:
        everywhere = select(origins.c.id).scalar_subquery()
        return select(issues).where(issues.c.origin_id.in_(everywhere), issues.c.id == identity)
    short = parse_short_id(reference)
    if short is None:
        return None
    owner = select(origins.c.id).where(origins.c.mnemonic == short[0]).scalar_subquery()
    return select(issues).where(issues.c.origin_id == owner, issues.c.number == short[1])


def _state(connection: Connection, issue: IssueRecord) -> State:
    if issue.resolved_release_id is None:
        return State(issue.status)
    order = release_order(connection, issue.origin_id, issue.resolved_release_id)
    return State(issue.status, order.version if order else None)


def _resolved_in(connection: Connection, issue: IssueRecord, request: StatusRequest) -> UUID | None:
    if request.status is not Status.RESOLVED:
        return None
    if request.release is not None:
        return find_release(connection, issue.origin_id, request.release).id
    newest = newest_release(connection, issue.origin_id)
    return newest.id if newest else None


def _write(connection: Connection, before: IssueRecord, after: IssueRecord, request: StatusRequest) -> None:
    issues = table(ErrorIssue)
    connection.execute(
        update(issues)
        .where(issues.c.origin_id == before.origin_id, issues.c.id == before.id)
        .values(
            status=after.status.value,
            status_changed_at=after.status_changed_at,
            resolved_release_id=after.resolved_release_id,
        )
    )
    count_moves(connection, [(before, after)])
    write_status_changes(
        connection,
        before.origin_id,
        [
            NewStatusChange(
                before.id,
                after.status_changed_at,
                request.actor,
                before.status,
                after.status,
                after.resolved_release_id,
                note=request.note,
            )
        ],
    )


def _tags(connection: Connection, issue: IssueRecord, keys: int, values: int) -> list[TagRecord]:
    counted, tags = table(IssueTagKey), table(IssueTag)
    totals = (
        select(counted.c.key, counted.c.event_count)
        .where(counted.c.origin_id == issue.origin_id, counted.c.issue_id == issue.id)
        .order_by(counted.c.event_count.desc(), _in_code_order(connection, counted.c.key))
        .limit(keys)
    )
    found = {key: TagRecord(key, count, {}) for key, count in connection.execute(totals)}
    rank = func.row_number().over(
        partition_by=tags.c.key, order_by=(tags.c.event_count.desc(), _in_code_order(connection, tags.c.value))
    )
    ranked = (
        select(tags.c.key, tags.c.value, tags.c.event_count, rank.label("rank"))
        .where(tags.c.origin_id == issue.origin_id, tags.c.issue_id == issue.id, tags.c.key.in_(sorted(found)))
        .subquery()
    )
    shown = select(ranked.c.key, ranked.c.value, ranked.c.event_count).where(ranked.c.rank <= values)
    for key, value, count in connection.execute(shown.order_by(ranked.c.key, ranked.c.rank)):
        found[key].values[value] = count
    return [found[key] for key in sorted(found)]


def _in_code_order(connection: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    """Return a text as something to order by that no language of a database changes."""
    return column.collate("C") if connection.dialect.name == POSTGRESQL else column
