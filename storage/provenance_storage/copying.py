"""Move a store from its file to an empty PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, delete, func, literal, select

from provenance_core.errors import Conflict, InvalidInput, NotFound, ProvenanceError, Unavailable
from provenance_storage import clock
from provenance_storage.access_tables import StoreSecret
from provenance_storage.artifact_tables import SourceMapPart
from provenance_storage.columns import Flag, UuidBytes
from provenance_storage.database import Database, Lock
from provenance_storage.partitions import Month, ensure, ensure_months
from provenance_storage.prepared import POSTGRESQL
from provenance_storage.schema import HEAD, revision, upgrade
from provenance_storage.server_lock import serving
from provenance_storage.sqlite import SqliteDatabase
from provenance_storage.tables import (
    METADATA,
    Action,
    ErrorIssue,
    Interaction,
    IssueHour,
    IssueUser,
    Origin,
    ResourceType,
    table,
)

MOST_MONTHS = 240
"""Months of a store that get partitions; the newest, where its clock was so wrong that there would be more."""

PROGRESS_ROWS = 1_000

_WORDS = (table(ResourceType), table(Action))
"""Tables of which every store has the system's rows from the beginning."""

Progress = Callable[[str, int, int], None]
"""Is told of which table how many rows are copied, and of how many."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, the same on both sides: rows by table, and sums of what was counted."""

    rows: dict[str, int]
    sums: dict[str, int]


def copy_store(source: Database, target: Database, progress: Progress | None = None) -> Copied:
    """Copy all a store file holds into an empty PostgreSQL database, in one transaction, and compare.

    The source is read only, and no server may use it meanwhile; the target is as empty as before unless all went well.

    Args:
        source: The store's database: a file.
        target: A PostgreSQL database with nothing in it; its schema is made.
        progress: Is told how far it is.

    Raises:
        InvalidInput: The source is no file, or the target is no PostgreSQL database.
        NotFound: There is no store.
        Conflict: A server uses the source, its schema is not the newest, or the target holds something.
        Unavailable: One of them cannot be used, or they differ after the copy.
    """
    if not isinstance(source, SqliteDatabase):
        raise InvalidInput(f"{source.name} is in PostgreSQL already; pg_dump and pg_restore move it elsewhere.")
    if target.dialect.name != POSTGRESQL:
        raise InvalidInput("The target is no PostgreSQL database; write postgresql://user:password@host/database.")
    source.check_whole()
    if not source.exists:
        raise NotFound(f"There is no store at {source.place}.")
    if revision(source) != HEAD:
        raise Conflict(f"{source.name} has not the newest schema; run `provenance db upgrade` first.")
    upgrade(target)
    ensure(target, clock.now())
    with serving(source, "`provenance db migrate-to`"), source.read() as reading:
        ensure_months(target, _months(reading))
        try:
            with target.write() as writing:
                target.lock(writing, Lock.MIGRATION)
                _check_empty(target, writing)
                writing.execute(delete(table(StoreSecret)))  # each store is made with its own; hashes need the source's
                for one in METADATA.sorted_tables:
                    _copy_table(reading, writing, one, progress)
                copied = _compared(reading, writing)
        except Conflict:
            raise
        except ProvenanceError as error:
            raise Unavailable(f"{error.message} Nothing was copied; when that is mended, run this again.") from error
    with target.write() as writing:
        writing.exec_driver_sql("analyze")
    return copied


def _months(reading: Connection) -> list[Month]:
    """Return the months from the first interaction to the last."""
    rows = table(Interaction)
    found: set[Month] = set()
    for origin_id in reading.execute(select(table(Origin).c.id)).scalars().all():
        of_origin = select(rows.c.received_at).where(rows.c.origin_id == origin_id)
        ends = [
            reading.execute(of_origin.order_by(order).limit(1)).scalar_one_or_none()
            for order in (rows.c.received_at.asc(), rows.c.received_at.desc())
        ]
        found |= {Month.of(at) for at in ends if at is not None}
    months = sorted(found)[:1]
    while months and months[-1] < max(found):
        months.append(months[-1].next)
    return months[-MOST_MONTHS:]


def _check_empty(target: Database, writing: Connection) -> None:
    full = [
        one.name
        for one in METADATA.sorted_tables
        if one is not table(StoreSecret) and writing.execute(_own(one).limit(1)).first() is not None
    ]
    if full:
        raise Conflict(
            f"{target.name} is not empty: there is something in {', '.join(full[:3])}. Drop and create it, or name "
            "another; the target of a move must hold nothing."
        )


def _own(one: Table) -> Any:
    """Return the rows of a table that were not there from the beginning."""
    statement = select(*one.c)
    return statement.where(one.c.system == literal(value=False, type_=Flag)) if one in _WORDS else statement


def _copy_table(reading: Connection, writing: Connection, one: Table, progress: Progress | None) -> None:
    total: int = reading.execute(select(func.count()).select_from(_own(one).subquery())).scalar_one()
    names = ", ".join(column.name for column in one.c)
    only = " where system = 0" if one in _WORDS else ""
    cursor: Any = writing.connection.cursor()
    with cursor.copy(f"copy {one.name} ({names}) from stdin (format binary)") as copy:
        copy.set_types([_type(column) for column in one.c])
        for done, row in enumerate(_rows(reading, f"select {names} from {one.name}{only}", one), 1):
            copy.write_row(row)
            if progress is not None and (done % PROGRESS_ROWS == 0 or done == total):
                progress(one.name, done, total)


def _rows(reading: Connection, statement: str, one: Table) -> Iterator[list[object]]:
    """Give rows as PostgreSQL's driver takes them, one at a time: a payload may be large."""
    ids = [place for place, column in enumerate(one.c) if isinstance(column.type, UuidBytes)]
    cursor: Any = reading.connection.cursor()
    try:
        for found in cursor.execute(statement):
            row: list[Any] = list(found)
            for place in ids:
                if row[place] is not None:
                    row[place] = UUID(bytes=row[place])
            yield row
    finally:
        cursor.close()


def _type(column: Column[Any]) -> str:
    """Return PostgreSQL's name of a column's type."""
    kinds = ((UuidBytes, "uuid"), (Flag, "int2"), (BigInteger, "int8"), (LargeBinary, "bytea"))
    return next((name for kind, name in kinds if isinstance(column.type, kind)), "text")


def _compared(reading: Connection, writing: Connection) -> Copied:
    """Count both sides.

    Raises:
        Unavailable: They differ.
    """
    before, after = _measured(reading), _measured(writing)
    if before != after:
        pairs = zip((before.rows | before.sums).items(), (after.rows | after.sums).values(), strict=True)
        differing = ", ".join(f"{name} {there} and {here}" for (name, there), here in pairs if there != here)
        raise Unavailable(f"The copy differs: {differing}.")
    return after


def _measured(connection: Connection) -> Copied:
    issues, hours, parts = table(ErrorIssue), table(IssueHour), table(SourceMapPart)
    sums = {
        "events counted": func.sum(issues.c.event_count),
        "events stored": func.sum(issues.c.stored_count),
        "events in hours": func.sum(hours.c.event_count),
        "users counted": func.sum(issues.c.user_count),
        "users met": func.count(table(IssueUser).c.user_hash),
        "bytes of source maps": func.sum(func.length(parts.c.body)),
    }
    return Copied(
        rows={
            one.name: connection.execute(select(func.count()).select_from(one)).scalar_one()
            for one in METADATA.sorted_tables
        },
        sums={
            name: int(connection.execute(select(func.coalesce(amount, 0))).scalar_one())
            for name, amount in sums.items()
        },
    )
