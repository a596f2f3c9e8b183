"""Commands on keys of the API: make, list and revoke them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli.dsn import dsn
from provenance_cli.options import Cursor, Json, Limit, examples
from provenance_cli.output import print_line, show
from provenance_cli.session import Session, arguments, session_of
from provenance_core.access import Scope
from provenance_server.access_answers import CreatedKey
from provenance_server.arguments import LARGEST_LIMIT
from provenance_server.operations import CREATE_KEY, GET_ORIGIN, LIST_KEYS, REVOKE_KEY

if TYPE_CHECKING:
    from provenance_server.client import Client

_STILL_OPEN = (
    "This key only sends events: a server that is open on its machine asks nobody for a key until one of another scope "
    "is made."
)
_SCOPES = "read; triage (reads too); write (triages too); admin (all); or ingest alone"

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke the keys that a server asks for.")


@app.command(
    "create",
    epilog=examples(
        "keys create --label me --scope admin",
        "keys create --label ci --scope write",
        "keys create --label backend --scope ingest --origin my-app",
    ),
)
def create_key(
    context: typer.Context,
    *,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What it is for; the history shows it.")],
    scope: Annotated[list[str], typer.Option(metavar="SCOPE", help=f"What it allows, may be repeated: {_SCOPES}.")],
    origin: Annotated[str | None, typer.Option(metavar="ORIGIN", help="With ingest: whose events it may send.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once.

    The store keeps a hash of it only. With the first key that is not for ingest, a server asks everybody for one.
    """
    session = session_of(context)
    with session.client() as client:
        made = client.call(CREATE_KEY, arguments(label=label, scopes=scope, origin=origin))
        show(made, as_json=as_json)
        if Scope.INGEST in made.scopes:
            _say_of_sending(session, client, made, as_json=as_json)
        elif not as_json:
            _say_how(made, first=_is_first(client, made))


def _say_of_sending(session: Session, client: Client, made: CreatedKey, *, as_json: bool) -> None:
    """Say how a key that sends events is used, and that it closes no server."""
    if not as_json:
        owner = client.call(GET_ORIGIN, arguments(id=made.origin))
        print_line(f"DSN             {dsn(session.settings, owner, made.key)}")
        print_line("A Sentry SDK of a backend takes the DSN as it stands. Keep it secret: its events count as yours.")
    if _is_first(client, made):
        print(_STILL_OPEN, file=sys.stderr)


@app.command("list", epilog=examples("keys list"))
def list_keys(context: typer.Context, limit: Limit = None, cursor: Cursor = None, as_json: Json = False) -> None:
    """List the keys, newest first, also those that are revoked."""
    with session_of(context).client() as client:
        answer = client.call(LIST_KEYS, arguments(limit=limit, cursor=cursor))
    show(answer, as_json=as_json)


@app.command("revoke", epilog=examples("keys revoke pak_1a2b3c4d"))
def revoke_key(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, or the prefix that is listed.")],
    as_json: Json = False,
) -> None:
    """Revoke a key, for ever.

    Repeating is safe. What was done with the key stays in the history, under its label.
    """
    with session_of(context).client() as client:
        answer = client.call(REVOKE_KEY, arguments(id=key))
    show(answer, as_json=as_json)


def _is_first(client: Client, made: CreatedKey) -> bool:
    """Say whether a key is the first that a server asks everybody for; keys that only send events do not count."""
    known = client.call(LIST_KEYS, arguments(limit=LARGEST_LIMIT))
    others = [item for item in known.items if item.id != made.id]
    return known.next_cursor is None and all(Scope.INGEST in item.scopes for item in others)


def _say_how(made: CreatedKey, *, first: bool) -> None:
    print_line("")
    if first:
        print_line("It is the first key: a server that was open on this machine asks everybody for one now, and")
        print_line("revoking it does not open the server again. Applications go on to send with their DSN.")
        print_line("")
    print_line("It is shown this once. A program sends it as the header `Authorization: Bearer <key>`; the commands")
    print_line(f"take it from the environment: export PROVENANCE_API_KEY={made.key}")
