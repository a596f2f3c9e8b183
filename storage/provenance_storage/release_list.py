"""Walk through the releases of an origin, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, literal, select, tuple_

from provenance_core.errors import InvalidInput
from provenance_storage.columns import UuidBytes
from provenance_storage.records import ReleasePosition, ReleaseRecord
from provenance_storage.statements import like
from provenance_storage.tables import Release, table

_COLUMNS = tuple(ReleaseRecord.__dataclass_fields__)


def list_releases(
    connection: Connection,
    origin_id: UUID,
    query: str,
    limit: int,
    begin: ReleasePosition | None,
    *,
    registered_only: bool = False,
) -> tuple[list[ReleaseRecord], int, ReleasePosition | None]:
    """Return a page, how many releases match, and where the next page begins; see `Releases.list`."""
    releases = table(Release)
    of_origin = releases.c.origin_id == origin_id
    found = select(*(releases.c[name] for name in _COLUMNS)).where(of_origin)
    if query:
        found = found.where(releases.c.version.ilike(like(query), escape="\\"))
    if registered_only:
        found = found.where(releases.c.registered == True)  # noqa: E712  # SQL expression
    by_version = begin.by_version if begin is not None else _all_semantic(connection, origin_id)
    order = _Order(by_version)
    page = found.where(*order.conditions(connection, origin_id, begin)).order_by(*order.descending).limit(limit + 1)
    total: int = connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()
    rows = [ReleaseRecord(*row) for row in connection.execute(page)]
    more = rows[limit:]
    following = ReleasePosition(by_version, more[0].created_at, more[0].id) if more else None
    return rows[:limit], total, following


@dataclass(frozen=True, slots=True)
class _Order:
    """The order of a walk; which of two alike comes first, their creation says."""

    by_version: bool

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        releases = table(Release)
        first = [releases.c.version_order] if self.by_version else []
        return [*first, releases.c.created_at, releases.c.id]

    @property
    def descending(self) -> list[ColumnElement[Any]]:
        return [column.desc() for column in self.columns]

    def conditions(
        self, connection: Connection, origin_id: UUID, begin: ReleasePosition | None
    ) -> list[ColumnElement[bool]]:
        """Return what holds for the rows from a position on."""
        releases = table(Release)
        semantic: list[ColumnElement[bool]] = [releases.c.version_order.is_not(None)] if self.by_version else []
        if begin is None:
            return semantic
        mark: list[ColumnElement[Any]] = [literal(begin.created_at), literal(begin.id, UuidBytes)]
        if self.by_version:
            mark.insert(0, literal(_version_order(connection, origin_id, begin.id)))
        return [*semantic, tuple_(*self.columns) <= tuple_(*mark)]


def _all_semantic(connection: Connection, origin_id: UUID) -> bool:
    releases = table(Release)
    plain = select(releases.c.id).where(releases.c.origin_id == origin_id, releases.c.version_order.is_(None)).limit(1)
    return connection.execute(plain).first() is None


def _version_order(connection: Connection, origin_id: UUID, release_id: UUID) -> str:
    releases = table(Release)
    statement = select(releases.c.version_order).where(
        releases.c.origin_id == origin_id, releases.c.id == release_id, releases.c.version_order.is_not(None)
    )
    found = connection.execute(statement).scalar_one_or_none()
    if found is None:
        raise InvalidInput("The release at which this page begins was deleted; leave the cursor out to begin again.")
    return found
