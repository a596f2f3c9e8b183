"""Interactions, of which events are the ERROR kind: lists without payloads, and one with its payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, literal, select, tuple_

from provenance_core.errors import NotFound
from provenance_core.events import Level, Trust, Via
from provenance_core.ids import milliseconds_of
from provenance_storage.columns import UuidBytes
from provenance_storage.database import Database
from provenance_storage.payloads import decompress
from provenance_storage.records import InteractionRecord, IssueRecord
from provenance_storage.senders import events_by_sender
from provenance_storage.tables import EventKey, Interaction, InteractionPayload, Origin, table

Position = tuple[int, UUID]
"""Moment of receipt and id: where a page ended."""

_COLUMNS = tuple(InteractionRecord.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class InteractionFilters:
    """Which interactions; times in microseconds since 1970, None means any."""

    origin_id: UUID | None = None
    resource_type_id: UUID | None = None
    action_id: UUID | None = None
    resource_id: str | None = None
    since: int | None = None
    until: int | None = None


class Interactions:
    """Read the interactions of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self, filters: InteractionFilters, limit: int, after: Position | None
    ) -> tuple[list[InteractionRecord], int]:
        """Return one page of the interactions that match, newest first, and how many match.

        Each origin's part is a walk along its key, so that no page depends on how much other origins hold.
        """
        with self._database.read() as connection:
            origins = [filters.origin_id] if filters.origin_id else _origin_ids(connection)
            found: list[InteractionRecord] = []
            total = 0
            for origin_id in origins:
                matching = _matching(origin_id, filters)
                total += connection.execute(select(func.count()).select_from(matching.subquery())).scalar_one()
                found += _page(connection, matching, limit, after)
        found.sort(key=lambda record: (record.received_at, record.id), reverse=True)
        return found[:limit], total

    def of_issue(self, issue: IssueRecord, limit: int, after: Position | None) -> list[InteractionRecord]:
        """Return one page of an issue's events, newest first."""
        with self._database.read() as connection:
            return _page(connection, _events_of(issue), limit, after)

    def oldest_of_issue(self, issue: IssueRecord, least: Trust = Trust.REPORTED) -> InteractionRecord | None:
        """Return the first event of an issue that is still stored and so far trusted, or None where none is."""
        return self._outermost(issue, least, newest=False)

    def newest_of_issue(self, issue: IssueRecord, least: Trust = Trust.REPORTED) -> InteractionRecord | None:
        """Return the last event of an issue that is still stored and so far trusted, or None where none is."""
        return self._outermost(issue, least, newest=True)

    def _outermost(self, issue: IssueRecord, least: Trust, *, newest: bool) -> InteractionRecord | None:
        rows = table(Interaction)
        order = rows.c.received_at.desc() if newest else rows.c.received_at
        events = _events_of(issue)
        if least is not Trust.REPORTED:
            known = rows.c.via != Via.PUBLIC.value
            events = events.where(known | rows.c.matched.in_([True]) if least is Trust.MATCHED else known)
        with self._database.read() as connection:
            row = connection.execute(events.order_by(order).limit(1)).first()
        return _record(row) if row else None

    def by_sender(self, issue: IssueRecord, most: int) -> Sequence[int]:
        """Return how many of the newest stored events of an issue came from each address, most of them first.

        Args:
            issue: The issue.
            most: How many of its newest events are looked at.
        """
        with self._database.read() as connection:
            return events_by_sender(connection, issue, most)

    def find(self, interaction_id: UUID, origin_ids: Sequence[UUID] | None = None) -> InteractionRecord | None:
        """Return an interaction by id; the id carries the millisecond of receipt, which is in the key."""
        rows = table(Interaction)
        start = milliseconds_of(interaction_id) * 1000
        statement = select(*(rows.c[name] for name in _COLUMNS)).where(
            rows.c.received_at.between(start, start + 999), rows.c.id == interaction_id
        )
        with self._database.read() as connection:
            origins = _origin_ids(connection) if origin_ids is None else origin_ids
            row = connection.execute(statement.where(rows.c.origin_id.in_(origins))).first()
        return _record(row) if row else None

    def by_event_id(self, origin_id: UUID, event_id: str) -> InteractionRecord | None:
        """Return the event that its sender calls by an id."""
        keys = table(EventKey)
        statement = select(keys.c.interaction_id).where(keys.c.origin_id == origin_id, keys.c.event_id == event_id)
        with self._database.read() as connection:
            identity = connection.execute(statement).scalar_one_or_none()
        return self.find(identity, [origin_id]) if identity is not None else None

    def payload(self, record: InteractionRecord) -> bytes:
        """Return what an interaction carried, as JSON.

        Raises:
            NotFound: The interaction was removed since it was found.
        """
        payloads = table(InteractionPayload)
        statement = select(payloads.c.body).where(
            payloads.c.origin_id == record.origin_id,
            payloads.c.received_at == record.received_at,
            payloads.c.id == record.id,
        )
        with self._database.read() as connection:
            body: bytes | None = connection.execute(statement).scalar_one_or_none()
        if body is None:
            raise NotFound("The interaction was removed a moment ago, because of its age or number; ask again.")
        return decompress(body)


def _origin_ids(connection: Connection) -> list[UUID]:
    return list(connection.execute(select(table(Origin).c.id)).scalars())


def _events_of(issue: IssueRecord) -> Select[tuple[object, ...]]:
    rows = table(Interaction)
    return select(*(rows.c[name] for name in _COLUMNS)).where(
        rows.c.origin_id == issue.origin_id, rows.c.issue_id == issue.id
    )


def _matching(origin_id: UUID, filters: InteractionFilters) -> Select[tuple[object, ...]]:
    rows = table(Interaction)
    statement = select(*(rows.c[name] for name in _COLUMNS)).where(rows.c.origin_id == origin_id)
    for column, value in (
        (rows.c.resource_type_id, filters.resource_type_id),
        (rows.c.action_id, filters.action_id),
        (rows.c.resource_id, filters.resource_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if filters.since is not None:
        statement = statement.where(rows.c.received_at >= filters.since)
    if filters.until is not None:
        statement = statement.where(rows.c.received_at <= filters.until)
    return statement


def _page(
    connection: Connection, matching: Select[tuple[object, ...]], limit: int, after: Position | None
) -> list[InteractionRecord]:
    rows = table(Interaction)
    if after is not None:
        mark = tuple_(literal(after[0]), literal(after[1], UuidBytes))
        matching = matching.where(tuple_(rows.c.received_at, rows.c.id) < mark)
    ordered = matching.order_by(rows.c.received_at.desc(), rows.c.id.desc()).limit(limit)
    return [_record(row) for row in connection.execute(ordered)]


def _record(row: Sequence[object]) -> InteractionRecord:
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    values |= {"via": Via(values["via"]), "level": Level(values["level"]) if values["level"] else None}
    return InteractionRecord(**values)
