"""What somebody changed: written with the change, in its transaction, and listed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnClause, Connection, Select, literal_column, select, text

from provenance_core.access import Actor, ActorKind, Door
from provenance_core.clean import cut
from provenance_core.ids import uuid7
from provenance_storage.access_tables import Activity
from provenance_storage.columns import UuidBytes
from provenance_storage.database import Database
from provenance_storage.prepared import Given, RowQuery, RowStatement, inserted, limited, types_of
from provenance_storage.statements import storable
from provenance_storage.tables import table

NOWHERE = UUID(int=0)
"""Stands for the origin of what belongs to none."""

LONGEST_VALUE = 200
MOST_VALUES = 20

_LAST = UUID(int=(1 << 128) - 1)

_ORIGINS = text(
    "with recursive known(origin_id) as ("
    "select * from (select origin_id from activity order by origin_id limit 1) as first "
    "union all select (select activity.origin_id from activity where activity.origin_id > known.origin_id "
    "order by activity.origin_id limit 1) from known where known.origin_id is not null"
    ") select origin_id from known where origin_id is not null"
).columns(origin_id=UuidBytes())
"""Each origin once, from one to the next: reading all rows for them would take longer the more there are."""


class Deed(StrEnum):
    """Name what can be done that is kept."""

    ISSUE_STATUS = "issue.status"
    RELEASE_CREATE = "release.create"
    RELEASE_UPDATE = "release.update"
    RELEASE_DELETE = "release.delete"
    ORIGIN_CREATE = "origin.create"
    ORIGIN_UPDATE = "origin.update"
    ORIGIN_DELETE = "origin.delete"
    WORD_CREATE = "word.create"
    WORD_UPDATE = "word.update"
    WORD_DELETE = "word.delete"
    KEY_CREATE = "key.create"
    KEY_REVOKE = "key.revoke"
    SOURCEMAPS_UPLOAD = "sourcemaps.upload"


_OF_KEYS: list[ColumnClause[str]] = [literal_column(f"'{deed.value}'") for deed in (Deed.KEY_CREATE, Deed.KEY_REVOKE)]


@dataclass(frozen=True, slots=True)
class Entry:
    """What was changed; of an event it holds no text.

    Attributes:
        at: Microseconds since 1970.
        by: Who changed it.
        subject_id: What was changed.
        origin_id: Whose it is.
        before: What was before, a word or JSON; None where nothing was.
        after: What is now, in the same form.
        note: What the one who changed it said of it.
        id: Its id, where another row has the same.
    """

    at: int
    by: Actor
    deed: Deed
    subject_id: UUID
    origin_id: UUID = NOWHERE
    before: str | None = None
    after: str | None = None
    note: str | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """A change that is kept."""

    origin_id: UUID | None
    id: UUID
    at: int
    action: str
    subject_id: UUID
    actor: Actor
    before: str | None
    after: str | None
    note: str | None


def note(connection: Connection, *entries: Entry) -> None:
    """Keep what is changed in the same transaction."""
    if entries:
        _add(connection.dialect.name).run(connection, [_row(entry) for entry in entries])


def told(values: Mapping[str, object]) -> str:
    """Return values as JSON, short: long texts and lists are cut, and what is None is left out."""
    shown = {name: _short(value) for name, value in values.items() if value is not None}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, str] | None:
    """Return as JSON what differs, as it was and as it is; None where nothing does."""
    names = [name for name in after if before.get(name) != after[name]]
    if not names:
        return None
    return told({name: before.get(name) for name in names}), told({name: after[name] for name in names})


class ActivityLog:
    """Read what was changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(
        self, origin_id: UUID | None, subject_id: UUID | None, limit: int, after: UUID | None, *, of_keys: bool = True
    ) -> list[ActivityRecord]:
        """Return one page of what was changed, newest first.

        Args:
            origin_id: Only of this origin; None for all, and for what belongs to none.
            subject_id: Only of this subject, which is one of the origin's.
            limit: The most rows to return.
            after: The last one of the page before.
            of_keys: Whether what was done to keys is told too.
        """
        with self._database.read() as connection:
            origins = [origin_id] if origin_id is not None else connection.execute(_ORIGINS).scalars().all()
            page = _page(connection.dialect.name, limit, of_subject=subject_id is not None, of_keys=of_keys)
            rows = page.rows(connection, [(one, subject_id or NOWHERE, after or _LAST) for one in origins])
        found = [_record(row) for row in rows]
        found.sort(key=lambda record: record.id, reverse=True)
        return found[:limit]


def _row(entry: Entry) -> Sequence[object]:
    """Return the columns of an entry in their order."""
    by = entry.by
    return (
        entry.origin_id,
        entry.id or uuid7(entry.at, secrets.randbits(62)),
        entry.at,
        entry.deed.value,
        entry.subject_id,
        by.kind.value,
        storable(by.name),
        by.id,
        storable(by.client) if by.client is not None else None,
        by.door.value,
        entry.before,
        entry.after,
        entry.note,
    )


def _record(row: Sequence[Any]) -> ActivityRecord:
    origin_id, id_, at, action, subject_id, kind, name, actor_id, client, door, *rest = row
    actor = Actor(ActorKind(kind), name, client, Door(door), actor_id)
    return ActivityRecord(None if origin_id == NOWHERE else origin_id, id_, at, action, subject_id, actor, *rest)


def _short(value: object) -> object:
    if isinstance(value, str):
        return cut(value, LONGEST_VALUE)
    if isinstance(value, Mapping):
        values = cast("Mapping[str, object]", value)
        return {name: _short(one) for name, one in values.items()}
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        more = [f"… (+{len(items) - MOST_VALUES})"] if len(items) > MOST_VALUES else []
        return [*(_short(one) for one in items[:MOST_VALUES]), *more]
    return value


@cache
def _add(dialect: str) -> RowStatement:
    return inserted(dialect, table(Activity))


@cache
def _page(dialect: str, limit: int, *, of_subject: bool, of_keys: bool) -> RowQuery:
    rows = table(Activity)

    def build(given: Given) -> Select[Any]:
        of_origin = (rows.c.origin_id == given["origin_id"]) & (rows.c.id < given["id"])
        subject = (rows.c.subject_id == given["subject_id"],) if of_subject else ()
        deeds = () if of_keys else (rows.c.action.not_in(_OF_KEYS),)
        return limited(select(*rows.c).where(of_origin, *subject, *deeds).order_by(rows.c.id.desc()), limit)

    names = ("origin_id", "subject_id", "id")
    return RowQuery(dialect, types_of(*(rows.c[name] for name in names)), build)
