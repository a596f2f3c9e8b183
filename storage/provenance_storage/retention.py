"""How long interactions stay: by age, and of one issue by number. What was counted stays for ever.

By age: whatever was received more than the origin's `retention_days` ago goes.

By number: an issue that has more than `max_events_per_issue` loses some. These stay: its first stored event, its newest
quarter of that number, what came within the last minutes, and the events that made it regress. The rest is thinned
where it is densest in time (`provenance_core.thinning`), so that what stays is spread over the whole of the issue's
life, however often this is done.

After them, uploads are swept: what no artifact refers to goes a day after it came (`map_removal`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select

from provenance_core.thinning import thin
from provenance_storage.partitions import drop_partitions
from provenance_storage.records import OriginRecord
from provenance_storage.removal import Removed, Stored, remove
from provenance_storage.store import Store
from provenance_storage.tables import ErrorIssue, Interaction, StatusChange, table
from provenance_storage.turns import Turns

DAY = 86_400_000_000
BATCH = 500
"""Interactions that are removed in one transaction."""

RECENT = 600_000_000
"""What is younger, in microseconds, is never thinned: a walk through a list that began since then counts back from it
(`issue_list`), and would lose its place."""

WINDOW = 20_000
"""Events of an issue that are looked at together."""

REGRESSIONS = 100
"""The newest regressions of an issue whose events stay, but never more than a quarter of the cap."""


@dataclass(slots=True)
class Pruned:
    """What was removed of one origin."""

    origin: OriginRecord
    expired: Removed = field(default_factory=Removed)
    thinned: Removed = field(default_factory=Removed)


@dataclass(slots=True)
class Pruning:
    """What was removed of a store: whole months, by name of the partition, and the rest by origin.

    Attributes:
        swept: Source maps that no artifact referred to any more, and pieces of uploads that were never finished.
        unfinished: The origin to begin with the next time, because the time was up; None where all is done.
    """

    origins: list[Pruned] = field(default_factory=list[Pruned])
    partitions: dict[str, Removed] = field(default_factory=dict[str, Removed])
    swept: int = 0
    unfinished: UUID | None = None

    @property
    def removed(self) -> Removed:
        """Return all of it together."""
        return sum(
            (*self.partitions.values(), *(part for one in self.origins for part in (one.expired, one.thinned))),
            Removed(),
        )


def prune(store: Store, now: int, turns: Turns, begin_with: UUID | None = None) -> Pruning:
    """Remove what the origins' settings no longer keep, in small transactions.

    Args:
        store: The store.
        now: Microseconds since 1970.
        turns: The turns to do it in; when they are over, what is left stays for the next time.
        begin_with: The origin to begin with: each gets its turn, whatever the others have left.
    """
    origins = store.origins.all()
    done = Pruning()
    if origins:
        longest = max(days_of(origin) for origin in origins)
        done.partitions = drop_partitions(turns, now - longest * DAY)
    first = next((place for place, origin in enumerate(origins) if origin.id == begin_with), 0)
    in_turn = [*origins[first:], *origins[:first]]
    for place, origin in enumerate(in_turn, 1):
        pruned = Pruned(origin)
        done.origins.append(pruned)
        _expire(turns, pruned, expires_before(origin, now))
        _thin(turns, pruned, now)
        if turns.over:
            done.unfinished = in_turn[place % len(in_turn)].id
            return done
    done.swept = store.artifacts.sweep(now, turns)
    return done


def days_of(origin: OriginRecord) -> int:
    """Return how many days an origin's interactions stay."""
    return origin.config.error_tracking.retention_days


def expires_before(origin: OriginRecord, now: int) -> int:
    """Return the moment before which an origin's interactions are too old."""
    return now - days_of(origin) * DAY


def crowded(connection: Connection, origin: OriginRecord, more_than: int = 1) -> Sequence[UUID]:
    """Return the issues of an origin that have more stored events than they may, so many times as many."""
    issues = table(ErrorIssue)
    cap = origin.config.error_tracking.max_events_per_issue
    statement = (
        select(issues.c.id)
        .where(issues.c.origin_id == origin.id, issues.c.stored_count > more_than * cap)
        .order_by(issues.c.id)
    )
    return connection.execute(statement).scalars().all()


def _expire(turns: Turns, pruned: Pruned, before: int) -> None:
    full = True
    while full and not turns.over:
        removed = turns.take(pruned.origin.id, partial(_expire_batch, pruned.origin.id, before))
        pruned.expired += removed
        full = removed.interactions == BATCH


def _expire_batch(origin_id: UUID, before: int, connection: Connection) -> Removed:
    rows = table(Interaction)
    oldest = (
        select(rows.c.received_at, rows.c.id, rows.c.event_id)
        .where(rows.c.origin_id == origin_id, rows.c.received_at < before)
        .order_by(rows.c.received_at, rows.c.id)
        .limit(BATCH)
    )
    found = [(at, id_, event_id) for at, id_, event_id in connection.execute(oldest)]
    return remove(connection, origin_id, found) if found else Removed()


def _thin(turns: Turns, pruned: Pruned, now: int) -> None:
    with turns.database.read() as connection:
        issues = crowded(connection, pruned.origin)
    for issue_id in issues:
        crowd = _Crowd(pruned.origin, issue_id)
        while not turns.over:
            with turns.database.read() as connection:
                surplus = crowd.surplus(connection, now)
            if not surplus:
                break
            for start in range(0, len(surplus), BATCH):
                if turns.over:
                    return
                part = surplus[start : start + BATCH]
                pruned.thinned += turns.take(pruned.origin.id, partial(crowd.remove, part))


@dataclass(frozen=True, slots=True)
class _Crowd:
    """The stored events of an issue that has too many."""

    origin: OriginRecord
    issue_id: UUID

    @property
    def cap(self) -> int:
        return self.origin.config.error_tracking.max_events_per_issue

    def surplus(self, connection: Connection, now: int) -> list[Stored]:
        """Return events to remove, the first that should go first; more may be found once they are gone."""
        there = select(func.count()).where(self._of_issue())
        excess = min(self._stored(connection), connection.execute(there).scalar_one()) - self.cap
        window = self._densest_window(connection, now) if excess > 0 else []
        if len(window) >= WINDOW:
            excess = min(excess, WINDOW * 3 // 4)  # of a part never all: the other parts may be denser by then
        protected = self._regressions(connection)
        kept = {place for place, (_, id_, _) in enumerate(window) if id_ in protected}
        return [window[place] for place in thin([at for at, _, _ in window], excess, kept)]

    def remove(self, rows: Sequence[Stored], connection: Connection) -> Removed:
        """Remove events, but none that the cap allows by now: another process may have pruned meanwhile."""
        excess = self._stored(connection) - self.cap
        return remove(connection, self.origin.id, rows[:excess]) if excess > 0 else Removed()

    def _stored(self, connection: Connection) -> int:
        issues = table(ErrorIssue)
        one = select(issues.c.stored_count).where(issues.c.origin_id == self.origin.id, issues.c.id == self.issue_id)
        return connection.execute(one).scalar_one()

    def _densest_window(self, connection: Connection, now: int) -> list[Stored]:
        """Return the events that may be thinned, oldest first; of very many, those that lie closest together."""
        events = table(Interaction)
        newest = select(events.c.received_at).where(self._of_issue()).order_by(events.c.received_at.desc())
        last = connection.execute(newest.offset(self.cap // 4).limit(1)).scalar_one_or_none()
        until = min(last, now - RECENT) if last is not None else now - RECENT
        begin, end = min(self._windows(connection, until), key=lambda pair: pair[1] - pair[0], default=(0, until))
        window = (
            select(events.c.received_at, events.c.id, events.c.event_id)
            .where(self._of_issue(), events.c.received_at.between(begin, end))
            .order_by(events.c.received_at, events.c.id)
            .limit(WINDOW)
        )
        return [(at, id_, event_id) for at, id_, event_id in connection.execute(window)]

    def _windows(self, connection: Connection, until: int) -> Iterator[tuple[int, int]]:
        """Return where each so many events begin and the next begin; nothing where all fit into one window."""
        events = table(Interaction)
        place = func.row_number().over(order_by=events.c.received_at)
        placed = (
            select(events.c.received_at, place.label("place"))
            .where(self._of_issue(), events.c.received_at <= until)
            .subquery()
        )
        marks = select(placed.c.received_at).where(placed.c.place % WINDOW == 1).order_by(placed.c.received_at)
        return pairwise(connection.execute(marks).scalars().all())

    def _regressions(self, connection: Connection) -> set[UUID]:
        changes = table(StatusChange)
        newest = (
            select(changes.c.event_id)
            .where(
                changes.c.origin_id == self.origin.id,
                changes.c.issue_id == self.issue_id,
                changes.c.event_id.is_not(None),
            )
            .order_by(changes.c.id.desc())
            .limit(min(REGRESSIONS, self.cap // 4))
        )
        return set(connection.execute(newest).scalars())

    def _of_issue(self) -> ColumnElement[bool]:
        events = table(Interaction)
        return (events.c.origin_id == self.origin.id) & (events.c.issue_id == self.issue_id)
