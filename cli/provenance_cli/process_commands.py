"""Commands that start something: the server, the MCP server, the demonstration."""

from __future__ import annotations

from typing import Annotated

import typer

from provenance_cli.options import examples
from provenance_cli.server_program import ServerCommand
from provenance_cli.session import session_of


def add_to(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(epilog=examples("serve", "serve --port 8080"))(serve)
    app.command(epilog=examples("mcp", "mcp --read-only --origin my-app", "mcp --api-url http://127.0.0.1:4000"))(mcp)
    app.command(epilog=examples("demo"))(demo)


def serve(  # noqa: PLR0917  # typer calls it, by name
    context: typer.Context,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen; default 127.0.0.1.")] = None,
    port: Annotated[str | None, typer.Option(metavar="PORT", help="The port, 0 for a free one; default 4000.")] = None,
    public_url: Annotated[
        str | None, typer.Option("--public-url", metavar="URL", help="Where others reach it, through a proxy.")
    ] = None,
    oauth_issuer: Annotated[
        str | None, typer.Option("--oauth-issuer", metavar="URL", help="Take access tokens of this issuer for keys.")
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Take in nothing but events, whatever a key allows.")
    ] = False,
    lockdown: Annotated[
        bool, typer.Option("--lockdown", help="Withhold reported text that comes from nobody known.")
    ] = False,
) -> ServerCommand:
    """Serve the local store over HTTP, to agents at /mcp."""
    told = {"host": host, "port": port, "publicUrl": public_url, "oauthIssuer": oauth_issuer}
    bounds = {"readOnly": "true" if read_only else None, "lockdown": "true" if lockdown else None}
    return ServerCommand(session_of(context).local_settings(told | bounds))


def mcp(
    context: typer.Context,
    read_only: Annotated[bool, typer.Option("--read-only", help="Offer only tools that read.")] = False,
    lockdown: Annotated[
        bool, typer.Option("--lockdown", help="Withhold reported text that comes from nobody known.")
    ] = False,
    origin: Annotated[
        str | None, typer.Option("--origin", metavar="ORIGIN", help="Let there be this origin only, and no other.")
    ] = None,
) -> None:
    """Serve MCP over stdin and stdout."""
    from provenance_cli.mcp_command import serve_mcp  # noqa: PLC0415  # loads the MCP SDK

    bounds = {"readOnly": "true" if read_only else None, "lockdown": "true" if lockdown else None, "origin": origin}
    serve_mcp({**session_of(context).flags, **bounds})


def demo() -> None:
    """Show the main job on real events."""
    from provenance_cli.demo import run_demo  # noqa: PLC0415  # loads everything

    run_demo()
