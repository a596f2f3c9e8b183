"""The operation on what happens to issues."""

from __future__ import annotations

from provenance_core.moments import format_moment
from provenance_server.access_answers import ChangeList, IssueChange
from provenance_server.access_arguments import MOST_CHANGES, ListChanges
from provenance_server.change_cursors import read_changes_cursor, write_changes_cursor
from provenance_server.context import Context
from provenance_server.operation import implements
from provenance_server.operations import LIST_CHANGES
from provenance_storage.changes import ChangeRecord


@implements(LIST_CHANGES)
def list_changes(context: Context, arguments: ListChanges) -> ChangeList:
    """Say what happened to issues since: new ones, more events, other statuses; asked again and again, it follows."""
    origin_id = context.origin_id(arguments.origin)
    position = read_changes_cursor(arguments)
    found, following = context.store.changes.after(position, origin_id, MOST_CHANGES)
    items = [_change(one) for one in found]
    return ChangeList(items=items, next_cursor=write_changes_cursor(arguments, following))


def _change(one: ChangeRecord) -> IssueChange:
    return IssueChange(
        id=str(one.id),
        issue_id=str(one.issue_id),
        short_id=f"{one.mnemonic}-{one.number}".upper(),
        origin=one.mnemonic,
        change=one.kind,
        status=one.status,
        at=format_moment(one.at),
    )
