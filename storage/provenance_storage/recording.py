"""Record a batch of interactions: events, their issues, counters and lifecycle in the caller's transaction.

All of a batch that concerns one origin is done with a few statements, and rows are written in the order of their keys,
so that two servers on one database cannot wait for each other in a circle.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, select

from provenance_core.errors import NotFound
from provenance_core.ids import uuid7
from provenance_core.lifecycle import Regression
from provenance_core.origins import OriginConfig
from provenance_storage.issue_changes import IssueChanges
from provenance_storage.records import NewInteraction, Recorded, Taken
from provenance_storage.release_rows import KnownRelease, ensure_releases
from provenance_storage.statements import insert_into
from provenance_storage.tables import Action, EventKey, Interaction, InteractionPayload, Origin, ResourceType, table


class Receipt:
    """Give each interaction its moment of receipt, strictly later than the one before even if the clock jumps back.

    Args:
        clock: Returns microseconds since 1970.
        last: The latest moment the store already holds.
    """

    def __init__(self, clock: Callable[[], int], last: int = 0) -> None:
        self._clock = clock
        self.last = last

    def next(self) -> int:
        """Return the moment of the next receipt, in microseconds since 1970."""
        self.last = max(self._clock(), self.last + 1)
        return self.last


def record(connection: Connection, batch: Sequence[NewInteraction], receipt: Receipt) -> list[Recorded]:
    """Record interactions and return what became of each, in their order.

    Args:
        connection: One in a write transaction; the caller commits.
        batch: The interactions; their order is their order of receipt.
        receipt: The source of the moments.
    """
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
    rows = [
        {"origin_id": origin_id, "event_id": key, "received_at": item.received_at, "interaction_id": item.id}
        for key, item in sorted(claims.items())
    ]
    return set(connection.execute(_claim_keys(connection.dialect.name), rows).scalars())


@cache
def _claim_keys(dialect: str) -> Any:
    keys = table(EventKey)
    return insert_into(dialect, keys).on_conflict_do_nothing().returning(keys.c.event_id)


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
    config = connection.execute(_config_of_origin(), {"of_origin": origin_id}).scalar_one_or_none()
    if config is None:
        raise NotFound("The origin was deleted in the meantime.")
    return OriginConfig.model_validate_json(config).error_tracking.regression


@cache
def _config_of_origin() -> Select[str]:
    origins = table(Origin)
    return select(origins.c.config).where(origins.c.id == bindparam("of_origin"))


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
    rows = [_key(item) | _columns(item, issues.get(item.position), releases) for item in fresh]
    connection.execute(table(Interaction).insert(), rows)
    connection.execute(table(InteractionPayload).insert(), [_key(item) | {"body": item.new.body} for item in fresh])


def _key(item: Taken) -> dict[str, object]:
    return {"origin_id": item.new.origin_id, "received_at": item.received_at, "id": item.id}


def _columns(item: Taken, issue_id: UUID | None, releases: dict[str, KnownRelease]) -> dict[str, object]:
    new, event = item.new, item.new.event
    return {
        "resource_type_id": new.resource_type_id,
        "action_id": new.action_id,
        "resource_id": new.resource_id,
        "issue_id": issue_id,
        "release_id": releases[event.release].id if event and event.release is not None else None,
        "event_id": item.event_id,
        "level": event.level.value if event else None,
        "via": new.via.value,
        "uow_id": new.uow_id,
        "user_id": new.user_id,
        "span_id": new.span_id,
        "parent_span_id": new.parent_span_id,
        "interaction_at": new.interaction_at,
        "external_reference": new.external_reference,
    }
