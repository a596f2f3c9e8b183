"""Operations on releases: create or update one, list them, read one, delete one."""

from __future__ import annotations

from provenance_core.moments import parse_instant
from provenance_server import answers, views
from provenance_server.arguments import CreateRelease, ListReleases
from provenance_server.context import Context
from provenance_server.cursors import read_cursor, write_cursor
from provenance_server.operation import implements
from provenance_server.operations import CREATE_RELEASE, DELETE_RELEASE, GET_RELEASE, GET_RELEASES
from provenance_server.sourcemap_answers import DeletedRelease
from provenance_server.sourcemap_arguments import ReleaseOf
from provenance_storage.records import OriginRecord, ReleasePosition, ReleaseRecord
from provenance_storage.releases import ReleaseDetails


@implements(GET_RELEASES)
def get_releases(context: Context, arguments: ListReleases) -> answers.ReleaseList:
    """List the releases of an origin, newest first, with the issues each brought, brought back and has."""
    store = context.store
    origin = context.origin(arguments.origin)
    found = read_cursor(arguments, arguments.cursor, 2)
    begin = ReleasePosition(bool(found[0][0]), found[0][1], found[1]) if found is not None else None
    query = arguments.query or ""
    registered_only = bool(query) and context.access.lockdown  # what finds a stranger's version would tell it
    shown, total, following = store.releases.list(
        origin.id, query, arguments.limit, begin, registered_only=registered_only
    )
    statistics = store.releases.statistics(origin.id, [row.id for row in shown])
    cursor = None
    if following is not None:
        cursor = write_cursor(arguments, (int(following.by_version), following.created_at), following.id)
    items = [views.release(row, origin, statistics[row.id]) for row in shown]
    return answers.ReleaseList(items=items, total=total, next_cursor=cursor)


@implements(CREATE_RELEASE)
def create_release(context: Context, arguments: CreateRelease) -> answers.CreatedRelease:
    """Register a release of an origin, or update the one of that version; asking again is safe."""
    store = context.store
    origin = context.origin(arguments.origin)
    released = parse_instant(arguments.date_released) if arguments.date_released else None
    details = ReleaseDetails(ref=arguments.ref, url=arguments.url, notes=arguments.notes, date_released=released)
    row, created = store.releases.register(origin.id, arguments.version, details, by=context.actor)
    shown = _release(context, origin, row)
    return answers.CreatedRelease(**shown.model_dump(exclude={"reported"}), created=created)


@implements(GET_RELEASE)
def get_release(context: Context, arguments: ReleaseOf) -> answers.Release:
    """Read one release, with the issues it brought, brought back and has."""
    origin = context.origin(arguments.origin)
    return _release(context, origin, context.store.releases.find(origin.id, arguments.release))


@implements(DELETE_RELEASE)
def delete_release(context: Context, arguments: ReleaseOf) -> DeletedRelease:
    """Delete a release with its source maps; one that events mention stays, as a release that nobody registered."""
    store = context.store
    origin = context.origin(arguments.origin)
    row = store.releases.find(origin.id, arguments.release)
    source_maps = store.artifacts.count(origin.id, [row.id]).get(row.id, 0)
    gone = store.releases.delete(origin.id, row.id, by=context.actor)
    return DeletedRelease(id=str(row.id), deleted=gone, source_maps=source_maps)


def _release(context: Context, origin: OriginRecord, row: ReleaseRecord) -> answers.Release:
    return views.release(row, origin, context.store.releases.statistics(origin.id, [row.id])[row.id])
