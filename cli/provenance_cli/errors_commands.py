"""Commands on issues: find, read, and change their status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli.options import (
    MOMENT,
    STATUSES,
    Cursor,
    IssueArgument,
    IssueArguments,
    Json,
    Limit,
    Note,
    OriginFilter,
    examples,
)
from provenance_cli.output import show, show_page
from provenance_cli.session import arguments, session_of
from provenance_cli.walk import every_issue
from provenance_core.errors import all_errors
from provenance_core.events import Level
from provenance_core.lifecycle import Status
from provenance_core.listing import Order, Sort
from provenance_server.arguments import Detail, Least, ReadIssue
from provenance_server.bulk import update_statuses
from provenance_server.operations import (
    EXPLAIN_GROUPING,
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUE_EVENTS,
    GET_ERROR_ISSUES,
    UPDATE_ERROR_ISSUE_STATUS,
)
from provenance_server.parsing import parse_arguments

if TYPE_CHECKING:
    from provenance_server.answers import IssueDetail
    from provenance_server.grouping_answers import Grouping

app = typer.Typer(no_args_is_help=True, help="Find, read, resolve, ignore, mute and reopen error issues.")

StatusFilter = Annotated[
    list[str] | None,
    typer.Option("--status", metavar="STATUS", help=f"{STATUSES}; may repeat or be a comma list. Default: all."),
]
LevelFilter = Annotated[
    list[str] | None,
    typer.Option("--level", metavar="LEVEL", help=f"{', '.join(Level)}; may repeat or be a comma list."),
]


@app.command(
    "list",
    epilog=examples(
        "errors list --origin my-app --status open,regressed",
        "errors list --since 24h --sort eventCount --json",
        "errors list --trust authenticated",
    ),
)
def list_issues(
    context: typer.Context,
    *,
    origin: OriginFilter = None,
    status: StatusFilter = None,
    level: LevelFilter = None,
    environment: Annotated[str | None, typer.Option(metavar="NAME", help="Seen in this environment.")] = None,
    release: Annotated[str | None, typer.Option(metavar="VERSION", help="Seen in this version.")] = None,
    query: Annotated[str | None, typer.Option(metavar="TEXT", help="Words in the title or the culprit.")] = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help=f"Last seen since: {MOMENT}.")] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Last seen until; the same forms.")] = None,
    trust: Annotated[
        str | None,
        typer.Option(metavar="LEAST", help=f"{', '.join(Least)}: with an event known that far. Default: all."),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="FIELD", help=f"{', '.join(Sort)}; default {Sort.LAST_SEEN}.")
    ] = None,
    order: Annotated[str | None, typer.Option(metavar="WAY", help=f"{', '.join(Order)}; default {Order.DESC}.")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
    walk: Annotated[bool, typer.Option("--all", help="Walk every page.")] = False,
    as_json: Json = False,
) -> None:
    """List error issues, newest activity first.

    TRUST is `2+1` where two events came with a secret key or from this machine, and another one's frames match uploaded
    source maps; `-` where anyone may have sent them all.
    """
    session = session_of(context)
    raw = arguments(
        origin=session.origin_filter(origin),
        status=status,
        level=level,
        environment=environment,
        release=release,
        query=query,
        since=since,
        until=until,
        trust=trust,
        sort=sort,
        order=order,
        limit=limit,
        cursor=cursor,
    )
    with session.client() as client:
        answer = every_issue(client, raw) if walk else client.call(GET_ERROR_ISSUES, raw)
    show(answer, as_json=as_json)


@app.command("get", epilog=examples("errors get my-app-12", "errors get my-app-12 --event first --detail full"))
def get_issue(
    context: typer.Context,
    issue: IssueArgument,
    event: Annotated[
        str | None, typer.Option(metavar="EVENT", help="latest, first, or an event's id; default latest.")
    ] = None,
    detail: Annotated[
        str | None, typer.Option(metavar="HOW", help=f"{', '.join(Detail)}; default {Detail.CONCISE}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show one issue with the stack trace of an event."""
    asked = arguments(issue_id=issue, event=event)
    shown = parse_arguments(ReadIssue, asked | arguments(detail=detail)).detail
    with session_of(context).client() as client:
        answer = client.call(GET_ERROR_ISSUE, asked)
    show_page(answer, lambda issue: _print_issue(issue, shown), as_json=as_json)


def _print_issue(answer: IssueDetail, detail: Detail) -> None:
    from provenance_cli.issue_page import print_issue  # noqa: PLC0415  # Rich is for people only

    print_issue(answer, detail)


@app.command("events", epilog=examples("errors events my-app-12 --limit 100"))
def list_events(
    context: typer.Context, issue: IssueArgument, limit: Limit = None, cursor: Cursor = None, as_json: Json = False
) -> None:
    """List the events of one issue, newest first."""
    with session_of(context).client() as client:
        answer = client.call(GET_ERROR_ISSUE_EVENTS, arguments(issue_id=issue, limit=limit, cursor=cursor))
    show(answer, as_json=as_json)


@app.command("explain", epilog=examples("errors explain 0193571c-02b8-7e05-b4c6-91d2a7f05e38"))
def explain(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, or its sender's own.")],
    origin: OriginFilter = None,
    as_json: Json = False,
) -> None:
    """Say why an event is in its issue: what it is grouped by, and which frames do not count and why."""
    session = session_of(context)
    with session.client() as client:
        answer = client.call(EXPLAIN_GROUPING, arguments(id=event, origin=session.origin_filter(origin)))
    show_page(answer, _print_grouping, as_json=as_json)


def _print_grouping(answer: Grouping) -> None:
    from provenance_cli.grouping_page import print_grouping  # noqa: PLC0415  # Rich is for people only

    print_grouping(answer)


@app.command(
    "resolve", epilog=examples("errors resolve my-app-12 --release 1.2.3", "errors resolve my-app-12 my-app-13")
)
def resolve(
    context: typer.Context,
    issues: IssueArguments,
    release: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The version that fixes it; default the origin's newest.")
    ] = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Resolve issues.

    One that comes back in another release becomes regressed by itself.
    """
    _change(context, issues, arguments(status=Status.RESOLVED.value, release=release, note=note), as_json=as_json)


@app.command("ignore", epilog=examples("errors ignore my-app-12 --note 'a bot, not us'"))
def ignore(context: typer.Context, issues: IssueArguments, note: Note = None, as_json: Json = False) -> None:
    """Ignore issues: count them, out of sight."""
    _change(context, issues, arguments(status=Status.IGNORED.value, note=note), as_json=as_json)


@app.command("mute", epilog=examples("errors mute my-app-12"))
def mute(context: typer.Context, issues: IssueArguments, note: Note = None, as_json: Json = False) -> None:
    """Mute issues: count and show, never notify."""
    _change(context, issues, arguments(status=Status.MUTED.value, note=note), as_json=as_json)


@app.command("reopen", epilog=examples("errors reopen my-app-12 --note 'still happens'"))
def reopen(context: typer.Context, issues: IssueArguments, note: Note = None, as_json: Json = False) -> None:
    """Open issues again."""
    _change(context, issues, arguments(status=Status.OPEN.value, note=note), as_json=as_json)


def _change(context: typer.Context, issues: list[str], change: dict[str, str], *, as_json: bool) -> None:
    """Ask for the change of one issue, or of each of several with its own outcome."""
    with session_of(context).client() as client:
        if len(issues) == 1:
            show(client.call(UPDATE_ERROR_ISSUE_STATUS, {**change, "issueId": issues[0]}), as_json=as_json)
            return
        outcomes = update_statuses(client, issues, change)
    show(outcomes, as_json=as_json)
    codes = [all_errors()[item.error.code].exit_code for item in outcomes.items if item.error is not None]
    if codes:
        raise typer.Exit(max(codes))
