"""Record a batch of interactions: events, their issues, counters and lifecycle in the caller's transaction.

All of a batch that concerns one origin is done with a few statements, and rows are written in the order of their keys,
so that two servers on one database cannot wait for each other in a circle.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, true

from provenance_core.errors import NotFound
from provenance_core.ids import uuid7
from provenance_core.lifecycle import Regression
from provenance_core.origins import OriginConfig
from provenance_storage import clock as wall_clock
from provenance_storage.clock import Clock
from provenance_storage.database import Database
from provenance_storage.issue_changes import IssueChanges
from provenance_storage.issue_list import latest_receipt
from provenance_storage.prepared import Given, Query, RowStatement, inserted, types_of
from provenance_storage.records import NewInteraction, Recorded, Taken
from provenance_storage.release_rows import KnownRelease, ensure_releases
from provenance_storage.statements import insert_into
from provenance_storage.tables import Action, EventKey, Interaction, InteractionPayload, Origin, ResourceType, table


class Receipt:
    """Give each interaction its moment of receipt, strictly later than the one before even if the clock jumps back.

    Args:
        clock: Returns microseconds since 1970; None where the database's own clock is used.
    """

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock
        self._now = 0
        self._last = 0

    def begin(self, latest: int, now: int | None) -> None:
        """Begin a batch.

        Args:
            latest: The latest moment the store holds.
            now: The database's clock, if it has one.
        """
        self._last = max(self._last, latest)
        self._now = self._clock() if self._clock is not None else now if now is not None else wall_clock.now()

    def next(self) -> int:
        """Return the moment of the next receipt, in microseconds since 1970."""
        self._last = max(self._now, self._last + 1)
        return self._last


def record(
    database: Database, connection: Connection, batch: Sequence[NewInteraction], receipt: Receipt
) -> list[Recorded]:
    """Record interactions and return what became of each, in their order.

    Args:
        database: The connection's database.
        connection: One in a write transaction; the caller commits.
        batch: The interactions; their order is their order of receipt.
        receipt: The source of the moments.
    """
    clock = database.lock_to_record(connection, sorted({new.origin_id for new in batch}))
    receipt.begin(latest_receipt(connection), clock)
    taken = [_take(position, new, receipt.next()) for position, new in enumerate(batch)]
    results: dict[int, Recorded] = {}
    by_origin = sorted(taken, key=lambda item: (item.new.origin_id, item.position))
    for origin_id, items in groupby(by_origin, key=lambda item: item.new.origin_id):
        results.update(_record_origin(connection, origin_id, list(items)))
    return [results[position] for position in range(len(batch))]


def _take(position: int, new: NewInteraction, received_at: int) -> Taken:
    return Taken(position, new, uuid7(received_at, secrets.randbits(62)), received_at)


def _record_origin(connection: Connection, origin_id: UUID, items: list[Taken]) -> dict[int, Recorded]:
    """Record the part of a batch that concerns one origin and return the results by position."""
    policy = _policy(connection, origin_id)
    _check_words(connection, items)
    claims = _first_of_each(items)
    won = _claim(connection, origin_id, claims)
    fresh = [
        item for item in items if item.event_id is None or (item.event_id in won and claims[item.event_id] is item)
    ]
    releases = _releases(connection, origin_id, fresh)
    changes = IssueChanges(connection, origin_id, policy, releases)
    changes.load(fresh)
    issues = {item.position: changes.apply(item, item.new.event) for item in fresh if item.new.event is not None}
    changes.write_issues()
    _write_interactions(connection, fresh, issues, releases)
    changes.write_counters()
    results = {item.position: Recorded(item.id, item.received_at, issues.get(item.position)) for item in fresh}
    return results | _duplicates(connection, origin_id, items, claims, results)


def _check_words(connection: Connection, items: list[Taken]) -> None:
    """Refuse interactions whose resource type or action was deleted while they waited; events use the system's."""
    plain = [item.new for item in items if item.new.event is None]
    for model, used in (
        (ResourceType, {new.resource_type_id for new in plain}),
        (Action, {new.action_id for new in plain}),
    ):
        words = table(model)
        known = (
            set(connection.execute(select(words.c.id).where(words.c.id.in_(sorted(used)))).scalars()) if used else used
        )
        if used - known:
            raise NotFound("The resource type or action was deleted in the meantime.")


def _first_of_each(items: list[Taken]) -> dict[str, Taken]:
    """Return the first item of each sender's event id."""
    claims: dict[str, Taken] = {}
    for item in items:
        if item.event_id is not None:
            claims.setdefault(item.event_id, item)
    return claims


def _claim(connection: Connection, origin_id: UUID, claims: dict[str, Taken]) -> set[str]:
    if not claims:
        return set()
    rows = [(origin_id, key, item.received_at, item.id) for key, item in sorted(claims.items())]
    return {key for (key,) in _claim_keys(connection.dialect.name).run(connection, rows)}


@cache
def _claim_keys(dialect: str) -> RowStatement:
    keys = table(EventKey)

    def build(given: Given) -> Any:
        names = [column.name for column in keys.c]
        rows = select(*(given[name] for name in names)).where(true())
        return insert_into(dialect, keys).from_select(names, rows).on_conflict_do_nothing().returning(keys.c.event_id)

    return RowStatement(dialect, types_of(*keys.c), build)


def _duplicates(
    connection: Connection,
    origin_id: UUID,
    items: list[Taken],
    claims: dict[str, Taken],
    written: dict[int, Recorded],
) -> dict[int, Recorded]:
    """Return, for each item that was recorded before, what was recorded then: in this batch or long ago."""
    repeated = [item for item in items if item.position not in written]
    old = {item.event_id for item in repeated if claims[str(item.event_id)].position not in written}
    stored = _first_records(connection, origin_id, sorted(str(key) for key in old))
    return {
        item.position: replace(stored.get(key) or written[claims[key].position], duplicate=True)
        for item in repeated
        for key in [str(item.event_id)]
    }


def _first_records(connection: Connection, origin_id: UUID, event_ids: list[str]) -> dict[str, Recorded]:
    """Return what was recorded under event ids the first time."""
    if not event_ids:
        return {}
    keys, interactions = table(EventKey), table(Interaction)
    same = (
        (interactions.c.origin_id == keys.c.origin_id)
        & (interactions.c.received_at == keys.c.received_at)
        & (interactions.c.id == keys.c.interaction_id)
    )
    statement = (
        select(keys.c.event_id, keys.c.interaction_id, keys.c.received_at, interactions.c.issue_id)
        .join_from(keys, interactions, same, isouter=True)
        .where(keys.c.origin_id == origin_id, keys.c.event_id.in_(event_ids))
    )
    rows = connection.execute(statement)
    return {key: Recorded(id_, at, issue, duplicate=True) for key, id_, at, issue in rows}


def _policy(connection: Connection, origin_id: UUID) -> Regression:
    found = _config_of_origin(connection.dialect.name).rows(connection, {"of_origin": origin_id})
    if not found:
        raise NotFound("The origin was deleted in the meantime.")
    return _regression(found[0][0])


@lru_cache(maxsize=256)
def _regression(config: str) -> Regression:
    return OriginConfig.model_validate_json(config).error_tracking.regression


@cache
def _config_of_origin(dialect: str) -> Query:
    origins = table(Origin)
    return Query(dialect, select(origins.c.config).where(origins.c.id == bindparam("of_origin")))


def _releases(connection: Connection, origin_id: UUID, fresh: list[Taken]) -> dict[str, KnownRelease]:
    met: dict[str, int] = {}
    for item in fresh:
        if item.new.event is not None and item.new.event.release is not None:
            met.setdefault(item.new.event.release, item.received_at)
    return ensure_releases(connection, origin_id, met)


def _write_interactions(
    connection: Connection, fresh: list[Taken], issues: dict[int, UUID], releases: dict[str, KnownRelease]
) -> None:
    if not fresh:
        return
    dialect = connection.dialect.name
    rows = [_row(item, issues.get(item.position), releases) for item in fresh]
    _add_interactions(dialect).run(connection, rows)
    payloads = [(item.new.origin_id, item.received_at, item.id, item.new.body) for item in fresh]
    _add_payloads(dialect).run(connection, payloads)


def _row(item: Taken, issue_id: UUID | None, releases: dict[str, KnownRelease]) -> tuple[object, ...]:
    """Return the columns of an interaction in their order."""
    new, event = item.new, item.new.event
    return (
        new.origin_id,
        item.received_at,
        item.id,
        new.resource_type_id,
        new.action_id,
        new.resource_id,
        issue_id,
        releases[event.release].id if event and event.release is not None else None,
        item.event_id,
        event.level.value if event else None,
        new.via.value,
        new.uow_id,
        new.user_id,
        new.span_id,
        new.parent_span_id,
        new.interaction_at,
        new.external_reference,
        new.matched,
        new.sender_hash,
    )


@cache
def _add_interactions(dialect: str) -> RowStatement:
    return inserted(dialect, table(Interaction))


@cache
def _add_payloads(dialect: str) -> RowStatement:
    return inserted(dialect, table(InteractionPayload))
