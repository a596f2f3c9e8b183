"""What was taken in politely and not kept, counted per hour."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, func, select

from provenance_core.errors import NotFound
from provenance_storage.counters import HOUR
from provenance_storage.statements import insert_into
from provenance_storage.tables import Discard, Origin, table

DiscardCounts = Mapping[tuple[str, str], int]
"""How many items of each category were discarded for each reason."""


def add_discards(connection: Connection, origin_id: UUID, at: int, counts: DiscardCounts) -> None:
    """Count discarded items of an origin in the hour of a moment.

    Raises:
        NotFound: The origin was deleted.
    """
    discards = table(Discard)
    if connection.execute(select(table(Origin).c.id).where(table(Origin).c.id == origin_id)).first() is None:
        raise NotFound("The origin was deleted in the meantime.")
    rows = [
        {
            "origin_id": origin_id,
            "hour": at // HOUR,
            "category": category,
            "reason": reason,
            "item_count": count,
        }
        for (category, reason), count in sorted(counts.items())
    ]
    statement = insert_into(connection.dialect.name, discards)
    total = discards.c.item_count + statement.excluded.item_count
    keys = ["origin_id", "hour", "category", "reason"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"item_count": total}), rows)


def read_discards(connection: Connection, origin_id: UUID) -> dict[tuple[str, str], int]:
    """Return how many items of an origin were discarded, by category and reason."""
    discards = table(Discard)
    statement = (
        select(discards.c.category, discards.c.reason, func.sum(discards.c.item_count))
        .where(discards.c.origin_id == origin_id)
        .group_by(discards.c.category, discards.c.reason)
    )
    return {(category, reason): int(count) for category, reason, count in connection.execute(statement)}
