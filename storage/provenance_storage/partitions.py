"""Months of interactions on PostgreSQL: their partitions are made ahead, and dropped as a whole when all is too old.

What was received in a month that has no partition lies in the default one. Such a month gets none later on: its rows
would have to be moved while everybody waits. They are removed one by one when they are too old.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Connection, Row, literal, select, tuple_

from provenance_core.errors import Busy
from provenance_core.moments import EPOCH
from provenance_storage.columns import UuidBytes
from provenance_storage.database import Database, Lock
from provenance_storage.prepared import POSTGRESQL
from provenance_storage.removal import Removed, lower_stored_counts, remove_event_keys
from provenance_storage.tables import Interaction, Origin, table
from provenance_storage.turns import Turns

MONTHS_AHEAD = 2
PARTITIONED = ("interaction", "interaction_payload")
LOCK_SECONDS = 2
"""How long the tables are waited for: whoever comes later waits behind us."""

KEYS = 2_000
"""Event keys that are removed in one transaction."""

_log = logging.getLogger(__name__)
_Mark = tuple[int, UUID]
_NAME = re.compile(r"interaction_(\d{4})_(\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month, UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, at: int) -> Self:
        """Return the month of a moment in microseconds since 1970."""
        moment = datetime.fromtimestamp(at // 1_000_000, UTC)
        return cls(moment.year, moment.month)

    @property
    def next(self) -> Month:
        """Return the month after it."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def begin(self) -> int:
        """Return its first moment in microseconds since 1970."""
        return int((datetime(self.year, self.number, 1, tzinfo=UTC) - EPOCH).total_seconds()) * 1_000_000

    @property
    def end(self) -> int:
        """Return the first moment after it."""
        return self.next.begin

    def partition(self, name: str) -> str:
        """Return the name of a table's partition."""
        return f"{name}_{self.year:04}_{self.number:02}"


def ensure(database: Database, now: int) -> list[Month]:
    """Make the partitions of a moment's month and of the next ones, and return the months that were missing.

    Months of which there are rows in the default partition are left out.

    Args:
        database: The store's database; one that has no partitions needs nothing.
        now: Microseconds since 1970.

    Raises:
        Busy: Somebody reads for so long that the tables cannot be changed now.
    """
    months = [Month.of(now)]
    for _ in range(MONTHS_AHEAD):
        months.append(months[-1].next)
    return ensure_months(database, months)


def ensure_months(database: Database, months: list[Month]) -> list[Month]:
    """Make the partitions of months, as `ensure` does."""
    if database.dialect.name != POSTGRESQL:
        return []
    with database.read() as connection:
        if not set(months) - set(present(connection)):
            return []
    with database.write() as connection:
        database.lock(connection, Lock.PARTITIONS)
        database.lock(connection, Lock.RECEIPT)  # nobody records: what the default partition holds stays as it is
        missing = sorted(set(months) - set(present(connection)))
        made = [month for month in missing if not _in_default(connection, month)]
        if made:
            _lock_tables(connection)
        for month in made:
            for name in PARTITIONED:
                bounds = f"from ({month.begin}) to ({month.end})"
                _run(connection, f"create table {month.partition(name)} partition of {name} for values {bounds}")
    return made


def present(connection: Connection) -> list[Month]:
    """Return the months that have partitions, the oldest first."""
    names = _run(
        connection, "select inhrelid::regclass::text from pg_inherits where inhparent = 'interaction'::regclass"
    )
    found = (_NAME.fullmatch(name) for (name,) in names)
    return sorted(Month(int(match[1]), int(match[2])) for match in found if match)


def rows_by_default(connection: Connection) -> int:
    """Return how many interactions lie in the default partition."""
    return int(_run(connection, "select count(*) from interaction_other")[0][0])


def drop_partitions(turns: Turns, before: int) -> dict[str, Removed]:
    """Drop the partitions of months that ended before a moment, and return what each held.

    A partition that somebody reads for too long stays until the next time.

    Args:
        turns: The turns to do it in.
        before: The moment before which no origin keeps anything, in microseconds since 1970.
    """
    database = turns.database
    dropped: dict[str, Removed] = {}
    if database.dialect.name != POSTGRESQL:
        return dropped
    with database.read() as connection:
        old = [month for month in present(connection) if month.end <= before]
    for month in old:
        if _remove_event_keys(turns, month):
            try:
                dropped[month.partition(PARTITIONED[0])] = _drop(database, month)
            except Busy as error:
                _log.info("The partition of %04d-%02d stays for now. %s", month.year, month.number, error.message)
    return dropped


def _remove_event_keys(turns: Turns, month: Month) -> bool:
    """Remove the event keys of a month in small transactions, and say whether there was time for all of them."""
    with turns.database.read() as connection:
        origins = list(connection.execute(select(table(Origin).c.id)).scalars())
    for origin_id in origins:
        mark: _Mark | None = (month.begin, UUID(int=0))
        while mark is not None:
            if turns.over:
                return False
            mark = turns.take(origin_id, partial(_remove_some_keys, origin_id, month.end, mark))
    return True


def _remove_some_keys(origin_id: UUID, end: int, after: _Mark, connection: Connection) -> _Mark | None:
    """Remove the keys of the events that follow a mark, and return the mark of the last; None where it was the last."""
    rows = table(Interaction)
    following = (
        select(rows.c.received_at, rows.c.id, rows.c.event_id)
        .where(
            rows.c.origin_id == origin_id,
            rows.c.received_at.between(after[0], end - 1),
            tuple_(rows.c.received_at, rows.c.id) > tuple_(literal(after[0]), literal(after[1], UuidBytes)),
            rows.c.event_id.is_not(None),
        )
        .order_by(rows.c.received_at, rows.c.id)
        .limit(KEYS)
    )
    found = [(at, id_, event_id) for at, id_, event_id in connection.execute(following)]
    remove_event_keys(connection, origin_id, found)
    return (found[-1][0], found[-1][1]) if len(found) == KEYS else None


def _drop(database: Database, month: Month) -> Removed:
    """Drop a month and lower the numbers of stored events by what it held, in one transaction."""
    names = [month.partition(name) for name in PARTITIONED]
    with database.write() as connection:
        database.lock(connection, Lock.PARTITIONS)
        if month not in present(connection):
            return Removed()  # another process was first
        _run(connection, f"set local lock_timeout = '{LOCK_SECONDS}s'")
        _run(connection, f"lock table {names[0]} in share mode")  # what is counted now stays so
        counted = _run(connection, f"select origin_id, issue_id, count(*) as events from {names[0]} group by 1, 2")
        size = sum(int(_run(connection, f"select pg_total_relation_size('{name}')")[0][0]) for name in names)
        database.lock(connection, Lock.RECEIPT)  # nobody records: so nobody waits for us in a circle
        _lock_tables(connection)
        by_origin: defaultdict[UUID, Counter[UUID]] = defaultdict(Counter)
        for row in counted:
            if row.issue_id is not None:
                by_origin[row.origin_id][row.issue_id] = row.events
        for origin_id, removed in sorted(by_origin.items()):
            lower_stored_counts(connection, origin_id, removed)
        _run(connection, f"drop table {', '.join(names)}")
    return Removed(sum(row.events for row in counted), size)


def _in_default(connection: Connection, month: Month) -> bool:
    of_month = f"received_at >= {month.begin} and received_at < {month.end}"
    there = " or ".join(f"exists (select from {name}_other where {of_month})" for name in PARTITIONED)
    return bool(_run(connection, f"select {there}")[0][0])


def _lock_tables(connection: Connection) -> None:
    """Wait for the tables in the order in which everybody takes them."""
    _run(connection, f"set local lock_timeout = '{LOCK_SECONDS}s'")
    _run(connection, f"lock table error_issue, {', '.join(PARTITIONED)} in access exclusive mode")


def _run(connection: Connection, statement: str) -> Sequence[Row[Any]]:
    """Run a statement that is made of names and numbers of ours only, and return its rows."""
    result = connection.exec_driver_sql(statement)
    return result.all() if result.returns_rows else []
