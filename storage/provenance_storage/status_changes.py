"""Write changes of status into an issue's history, and into what is kept of who changed what."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select

from provenance_core.access import Actor
from provenance_core.ids import microseconds_of, uuid7
from provenance_core.lifecycle import Status
from provenance_storage.activity import Deed, Entry, note
from provenance_storage.tables import StatusChange, table


@dataclass(frozen=True, slots=True)
class NewStatusChange:
    """A change of an issue's status that is made in this transaction."""

    issue_id: UUID
    at: int
    by: Actor
    before: Status
    after: Status
    release_id: UUID | None = None
    event_id: UUID | None = None
    note: str | None = None


def write_status_changes(connection: Connection, origin_id: UUID, changes: Sequence[NewStatusChange]) -> None:
    """Write changes of one origin, in their order.

    Their ids are later than all the origin has, even where the clock of another process was ahead: whoever read up to
    the last one misses none.

    Args:
        connection: One in a write transaction that holds the origin's lock.
        origin_id: The origin.
        changes: The changes.
    """
    if not changes:
        return
    rows = table(StatusChange)
    newest = select(rows.c.id).where(rows.c.origin_id == origin_id).order_by(rows.c.id.desc()).limit(1)
    last = connection.execute(newest).scalar_one_or_none()
    moment = microseconds_of(last) if last is not None else 0
    ids: list[UUID] = []
    for change in changes:
        moment = max(change.at, moment + 1)
        ids.append(uuid7(moment, secrets.randbits(62)))
    pairs = list(zip(ids, changes, strict=True))
    connection.execute(rows.insert(), [_row(origin_id, id_, change) for id_, change in pairs])
    note(connection, *(_entry(origin_id, id_, change) for id_, change in pairs))


def _row(origin_id: UUID, id_: UUID, change: NewStatusChange) -> dict[str, object]:
    return {
        "origin_id": origin_id,
        "id": id_,
        "issue_id": change.issue_id,
        "changed_at": change.at,
        "actor": str(change.by),
        "client": change.by.client,
        "from_status": change.before.value,
        "to_status": change.after.value,
        "release_id": change.release_id,
        "event_id": change.event_id,
        "note": change.note,
    }


def _entry(origin_id: UUID, id_: UUID, change: NewStatusChange) -> Entry:
    return Entry(
        change.at,
        change.by,
        Deed.ISSUE_STATUS,
        change.issue_id,
        origin_id,
        change.before.value,
        change.after.value,
        change.note,
        id_,
    )
