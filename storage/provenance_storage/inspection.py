"""Look at a store and say what is well and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sqlalchemy import func, select

from provenance_core.errors import Unavailable
from provenance_core.moments import format_moment
from provenance_core.wording import counted
from provenance_storage import clock, partitions
from provenance_storage.conservation import conservation
from provenance_storage.database import Database
from provenance_storage.file_inspection import inspect_content, inspect_surroundings
from provenance_storage.findings import Finding, looked_at, problem, warning, well
from provenance_storage.issue_list import latest_receipt
from provenance_storage.map_inspection import inspect_maps
from provenance_storage.prepared import POSTGRESQL
from provenance_storage.retention import DAY, crowded, expires_before
from provenance_storage.schema import HEAD, check_version, revision
from provenance_storage.sqlite import SqliteDatabase
from provenance_storage.store import Store
from provenance_storage.tables import Interaction, table

SKEW = 60_000_000
"""A difference of clocks in microseconds that nobody need know of."""


def inspect(database: Database) -> Iterator[Finding]:
    """Look at a store; nothing of it is changed, not even brought to the newest schema.

    The first finding says whether the store can be reached: where it is a problem, nothing else is looked at.
    """
    try:
        database.check_whole()
    except Unavailable as error:
        yield problem("store", error.message, "Nothing else was looked at: SQLite would throw the log away.")
        return
    found, newest = _reached(database)
    yield found
    if isinstance(database, SqliteDatabase) and database.exists:
        yield from looked_at("file", partial(inspect_surroundings, database))
        yield from looked_at("integrity", partial(inspect_content, database))
    if newest:
        store = Store(database)
        for name, look in (
            ("counts", _counts),
            ("clock", _clock),
            ("retention", _retention),
            ("partitions", _partitions),
            ("source maps", _source_maps),
        ):
            yield from looked_at(name, partial(look, store))


def _reached(database: Database) -> tuple[Finding, bool]:
    """Say whether there is a store, and whether its schema is the newest."""
    if not database.exists:
        missing = f"There is no store at {database.place} yet."
        return warning("store", missing, "The first command or server that uses it makes it."), False
    try:
        check_version(database)
        found = revision(database)
    except Unavailable as error:
        return problem("store", error.message, "Nothing else could be looked at."), False
    if found == HEAD:
        return well("store", f"{database.name} has the newest schema, {HEAD}."), True
    if found is not None and found > HEAD:
        newer = f"{database.name} has schema {found}, this program knows {HEAD}."
        return problem("store", newer, "Upgrade the program."), False
    older = f"{database.name} has {'schema ' + found if found else 'no schema'}; the newest is {HEAD}."
    return warning("store", older, "`provenance db upgrade` brings it there, as does any command that uses it."), False


def _counts(store: Store) -> Iterator[Finding]:
    law = conservation(store)
    if law.holds:
        events = f"{law.stored_events} of {counted(law.counted_events, 'event')} stored"
        yield well("counts", f"All counts are exact: {counted(law.issues, 'issue')}, {events}.")
    for wrong, count in law.broken.items():
        yield problem("counts", f"{count} {wrong}.", "Report this with the version of provenance; a backup has it not.")


def _clock(store: Store) -> Iterator[Finding]:
    with store.database.read() as connection:
        latest = latest_receipt(connection)
        if connection.dialect.name == POSTGRESQL:
            asked = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"
            ahead = int(connection.exec_driver_sql(asked).scalar_one()) - clock.now()
            if abs(ahead) > SKEW:
                differs = f"The database's clock is {abs(ahead) // 1_000_000} s {'ahead of' if ahead > 0 else 'behind'}"
                yield warning("clock", f"{differs} this machine's.", "Let both follow NTP.")
    if latest > clock.now() + SKEW:
        ahead_of = f"The newest event was received at {format_moment(latest)}, which is still to come."
        yield warning("clock", ahead_of, "Set the clock right; until then events are one microsecond apart.")
    else:
        yield well("clock", "No event was received in the future.")


def _retention(store: Store) -> Iterator[Finding]:
    rows = table(Interaction)
    old = many = 0
    with store.database.read() as connection:
        for origin in store.origins.all():
            before = expires_before(origin, clock.now()) - DAY
            of_origin = (rows.c.origin_id == origin.id) & (rows.c.received_at < before)
            old += connection.execute(select(func.count()).select_from(rows).where(of_origin)).scalar_one()
            many += len(crowded(connection, origin, more_than=2))
    if old or many:
        found = f"{old} interactions are kept for longer than they should be; {many} issues have twice their events."
        yield warning("retention", found, "A running server removes them in time, `provenance db prune` at once.")
    else:
        yield well("retention", "Nothing is kept for longer than it should be.")


def _source_maps(store: Store) -> Iterator[Finding]:
    return inspect_maps(store.database)


def _partitions(store: Store) -> Iterator[Finding]:
    if store.database.dialect.name != POSTGRESQL:
        return
    month = partitions.Month.of(clock.now())
    with store.database.read() as connection:
        there = partitions.present(connection)
        others = partitions.rows_by_default(connection)
    lacking = [one for one in (month, month.next) if one not in there]
    names = ", ".join(one.partition("interaction") for one in lacking)
    if lacking and not others:
        yield warning(
            "partitions", f"There is no {names} yet.", "A running server makes it, or `provenance db upgrade`."
        )
    elif others:
        found = f"{others} interactions lie in the default partition, which cannot be dropped as a whole."
        yield warning("partitions", found, "Nothing need be done: they are removed one by one when they are too old.")
    else:
        yield well("partitions", f"{len(there)} months have partitions of their own.")
