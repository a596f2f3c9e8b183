"""The command that lists what was changed, and by whom."""

from __future__ import annotations

from typing import Annotated

import typer

from provenance_cli.options import Cursor, Json, Limit, OriginFilter, examples
from provenance_cli.output import show
from provenance_cli.session import arguments, session_of
from provenance_server.operations import LIST_ACTIVITY


def add_to(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(epilog=examples("activity --origin my-app", "activity --issue my-app-12"))(activity)


def activity(
    context: typer.Context,
    *,
    origin: OriginFilter = None,
    issue: Annotated[str | None, typer.Option(metavar="ISSUE", help="Only of this issue: id or short id.")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List what was changed, newest first: when, by whom, and what it became.

    What stands behind a person or key is the program it used, in that program's own word.
    """
    session = session_of(context)
    of = session.origin_filter(origin) if issue is None else origin
    with session.client() as client:
        answer = client.call(LIST_ACTIVITY, arguments(origin=of, issue_id=issue, limit=limit, cursor=cursor))
    show(answer, as_json=as_json)
