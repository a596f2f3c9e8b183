"""Who sent the events of an issue, as far as keyed hashes of addresses tell: how many, never who."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from provenance_storage.access_tables import StoreSecret
from provenance_storage.records import IssueRecord
from provenance_storage.tables import Interaction, table

SENDER_SECRET = "sender"  # noqa: S105  # its name
"""The secret of the store that addresses are hashed with."""


def secret(connection: Connection, name: str) -> bytes:
    """Return a secret that was made with the store."""
    secrets = table(StoreSecret)
    return connection.execute(select(secrets.c.value).where(secrets.c.name == name)).scalar_one()


def events_by_sender(connection: Connection, issue: IssueRecord, most: int) -> list[int]:
    """Return how many of the newest stored events of an issue came from each address; most of them first.

    Events of which no address is known are not counted.

    Args:
        connection: One to read with.
        issue: The issue.
        most: How many of its newest events are looked at.
    """
    rows = table(Interaction)
    newest = (
        select(rows.c.sender_hash)
        .where(rows.c.origin_id == issue.origin_id, rows.c.issue_id == issue.id)
        .order_by(rows.c.received_at.desc(), rows.c.id.desc())
        .limit(most)
        .subquery()
    )
    amount = func.count()
    statement = select(amount).where(newest.c.sender_hash.is_not(None)).group_by(newest.c.sender_hash)
    return list(connection.execute(statement.order_by(amount.desc())).scalars())
