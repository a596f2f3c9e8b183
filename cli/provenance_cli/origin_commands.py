"""Commands on origins: list, create, get."""

from __future__ import annotations

from typing import Annotated

import typer

from provenance_cli.dsn import dsn
from provenance_cli.options import Cursor, Json, Limit, examples
from provenance_cli.output import print_line, show
from provenance_cli.session import arguments, session_of
from provenance_core.fingerprint import Strategy
from provenance_core.lifecycle import Regression
from provenance_server.answers import Origin
from provenance_server.operations import CREATE_ORIGIN, GET_ORIGIN, LIST_ORIGINS

app = typer.Typer(no_args_is_help=True, help="Manage origins: what sends errors.")


@app.command("list", epilog=examples("origins list"))
def list_origins(context: typer.Context, limit: Limit = None, cursor: Cursor = None, as_json: Json = False) -> None:
    """List the origins, oldest first."""
    with session_of(context).client() as client:
        answer = client.call(LIST_ORIGINS, arguments(limit=limit, cursor=cursor))
    show(answer, as_json=as_json)


@app.command("create", epilog=examples("origins create my-app", "origins create fleet --regression newer"))
def create_origin(
    context: typer.Context,
    *,
    mnemonic: Annotated[str, typer.Argument(metavar="MNEMONIC", help="Its unique short name, e.g. my-app.")],
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Its name for people; default the mnemonic.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is.")] = None,
    fingerprinting: Annotated[
        str | None,
        typer.Option(
            metavar="HOW", help=f"How its events are grouped: {', '.join(Strategy)}; default {Strategy.STACK}."
        ),
    ] = None,
    regression: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help=f"Releases that regress a resolved issue: {', '.join(Regression)}; default {Regression.DIFFERENT}.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create an origin and show its DSN.

    A Sentry SDK takes the DSN as it stands.
    """
    tracking = arguments(fingerprinting=fingerprinting, regression=regression)
    config = {"errorTracking": tracking} if tracking else None
    raw = arguments(mnemonic=mnemonic, name=name, description=description, config=config)
    with session_of(context).client() as client:
        answer = client.call(CREATE_ORIGIN, raw)
    _show(context, answer, as_json=as_json)


@app.command("get", epilog=examples("origins get my-app"))
def get_origin(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(metavar="ORIGIN", help="Mnemonic, number or id.")],
    as_json: Json = False,
) -> None:
    """Show one origin with its DSN."""
    with session_of(context).client() as client:
        answer = client.call(GET_ORIGIN, arguments(id=origin))
    _show(context, answer, as_json=as_json)


def _show(context: typer.Context, origin: Origin, *, as_json: bool) -> None:
    show(origin, as_json=as_json)
    if not as_json:
        print_line(f"DSN             {dsn(session_of(context).settings, origin)}")
