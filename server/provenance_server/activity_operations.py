"""The operation on what was changed."""

from __future__ import annotations

from uuid import UUID

from provenance_core.access import Scope
from provenance_core.errors import NotFound
from provenance_core.moments import format_moment
from provenance_server import views
from provenance_server.access_answers import ActivityEntry, ActivityList
from provenance_server.access_arguments import ListActivity
from provenance_server.context import Context
from provenance_server.cursors import read_cursor, write_cursor
from provenance_server.operation import implements
from provenance_server.operations import LIST_ACTIVITY
from provenance_storage.activity import ActivityRecord


@implements(LIST_ACTIVITY)
def list_activity(context: Context, arguments: ListActivity) -> ActivityList:
    """List what was changed, newest first: who, when, what it was and what it became."""
    origin_id, subject_id = _of(context, arguments)
    after = read_cursor(arguments, arguments.cursor, 0)
    wanted = arguments.limit + 1
    last = after[1] if after is not None else None
    of_keys = context.access.may(Scope.ADMIN)  # as the list of keys
    rows = context.store.activity.list(origin_id, subject_id, wanted, last, of_keys=of_keys)
    shown = rows[: arguments.limit]
    cursor = write_cursor(arguments, (), shown[-1].id) if len(rows) > len(shown) else None
    ids = (row.origin_id for row in shown if row.origin_id is not None)
    names = {id_: origin.mnemonic for id_, origin in views.origins_by_id(context.store, ids).items()}
    return ActivityList(items=[_entry(row, names) for row in shown], next_cursor=cursor)


def _of(context: Context, arguments: ListActivity) -> tuple[UUID | None, UUID | None]:
    """Return the origin and the issue that narrow the list.

    Raises:
        NotFound: There is none such, or the issue is of another origin.
    """
    origin_id = context.origin_id(arguments.origin)
    if arguments.issue_id is None:
        return origin_id, None
    issue = context.issue(arguments.issue_id)
    if origin_id not in {None, issue.origin_id}:
        raise NotFound("The issue is of another origin; leave `origin` out.")
    return issue.origin_id, issue.id


def _entry(row: ActivityRecord, names: dict[UUID, str]) -> ActivityEntry:
    return ActivityEntry(
        id=str(row.id),
        at=format_moment(row.at),
        action=row.action,
        subject_id=str(row.subject_id),
        origin=names.get(row.origin_id) if row.origin_id is not None else None,
        actor=str(row.actor),
        actor_id=row.actor.id,
        client=row.actor.client,
        door=row.actor.door.value,
        before=row.before,
        after=row.after,
        note=row.note,
    )
