"""Commands on releases: register, list, read and delete them."""

from __future__ import annotations

from typing import Annotated

import typer

from provenance_cli.options import MOMENT, Cursor, Json, Limit, OriginOf, examples
from provenance_cli.output import show
from provenance_cli.session import arguments, session_of
from provenance_server.operations import CREATE_RELEASE, DELETE_RELEASE, GET_RELEASE, GET_RELEASES

ReleaseArgument = Annotated[str, typer.Argument(metavar="RELEASE", help="The version, or the release's id.")]

app = typer.Typer(no_args_is_help=True, help="Register, list, read and delete the releases of an origin.")


@app.command("create", epilog=examples('releases create --origin my-app --version 1.2.3 --ref "$(git rev-parse HEAD)"'))
def create_release(
    context: typer.Context,
    *,
    version: Annotated[str, typer.Option(metavar="VERSION", help="The version, as events carry it.")],
    origin: OriginOf = None,
    ref: Annotated[str | None, typer.Option(metavar="REF", help="Commit or tag.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where people read about it.")] = None,
    date_released: Annotated[str | None, typer.Option(metavar="WHEN", help=f"When it was released: {MOMENT}.")] = None,
    notes: Annotated[str | None, typer.Option(metavar="TEXT", help="What is new.")] = None,
    as_json: Json = False,
) -> None:
    """Register a release.

    Where it is registered already, it is updated; repeating is safe.
    """
    session = session_of(context)
    raw = arguments(
        origin=session.origin(origin), version=version, ref=ref, url=url, date_released=date_released, notes=notes
    )
    with session.client() as client:
        answer = client.call(CREATE_RELEASE, raw)
    show(answer, as_json=as_json)


@app.command(
    "list", epilog=examples("releases list --origin my-app", "releases list --origin my-app --query 1.2 --json")
)
def list_releases(
    context: typer.Context,
    *,
    origin: OriginOf = None,
    query: Annotated[str | None, typer.Option(metavar="TEXT", help="Part of the version.")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List an origin's releases, newest first.

    Each with the issues it brought, brought back and has.
    """
    session = session_of(context)
    raw = arguments(origin=session.origin(origin), query=query, limit=limit, cursor=cursor)
    with session.client() as client:
        answer = client.call(GET_RELEASES, raw)
    show(answer, as_json=as_json)


@app.command("get", epilog=examples("releases get 1.2.3 --origin my-app"))
def get_release(
    context: typer.Context, release: ReleaseArgument, origin: OriginOf = None, as_json: Json = False
) -> None:
    """Show one release."""
    session = session_of(context)
    with session.client() as client:
        answer = client.call(GET_RELEASE, arguments(origin=session.origin(origin), release=release))
    show(answer, as_json=as_json)


@app.command("delete", epilog=examples("releases delete 1.2.3 --origin my-app"))
def delete_release(
    context: typer.Context, release: ReleaseArgument, origin: OriginOf = None, as_json: Json = False
) -> None:
    """Delete a release with its source maps.

    One that events or issues mention stays as they mention it, registered by nobody.
    """
    session = session_of(context)
    with session.client() as client:
        answer = client.call(DELETE_RELEASE, arguments(origin=session.origin(origin), release=release))
    show(answer, as_json=as_json)
