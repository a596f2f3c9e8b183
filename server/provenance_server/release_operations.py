"""Operations on releases: create or update one, list them."""

from __future__ import annotations

from provenance_core.moments import parse_instant
from provenance_server import answers, views
from provenance_server.arguments import CreateRelease, ListReleases
from provenance_server.context import Context
from provenance_server.cursors import read_position, write_cursor
from provenance_server.operation import implements
from provenance_server.operations import CREATE_RELEASE, GET_RELEASES
from provenance_storage.releases import ReleaseDetails


@implements(GET_RELEASES)
def get_releases(context: Context, arguments: ListReleases) -> answers.ReleaseList:
    """List the releases of an origin, newest first, with the issues each brought, brought back and has."""
    store = context.store
    origin = store.origins.find(arguments.origin)
    after = read_position(arguments, arguments.cursor)
    rows, total = store.releases.list(origin.id, arguments.query or "", arguments.limit + 1, after)
    shown = rows[: arguments.limit]
    statistics = store.releases.statistics(origin.id, [row.id for row in shown])
    cursor = None
    if len(rows) > len(shown):
        cursor = write_cursor(arguments, (shown[-1].created_at,), shown[-1].id)
    items = [views.release(row, origin, statistics[row.id]) for row in shown]
    return answers.ReleaseList(items=items, total=total, next_cursor=cursor)


@implements(CREATE_RELEASE)
def create_release(context: Context, arguments: CreateRelease) -> answers.CreatedRelease:
    """Register a release of an origin, or update the one of that version; asking again is safe."""
    store = context.store
    origin = store.origins.find(arguments.origin)
    released = parse_instant(arguments.date_released) if arguments.date_released else None
    details = ReleaseDetails(ref=arguments.ref, url=arguments.url, notes=arguments.notes, date_released=released)
    row, created = store.releases.register(origin.id, arguments.version, details)
    shown = views.release(row, origin, store.releases.statistics(origin.id, [row.id])[row.id])
    return answers.CreatedRelease(**shown.model_dump(exclude={"reported"}), created=created)
