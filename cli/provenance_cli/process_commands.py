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
    app.command(epilog=examples("mcp", "mcp --api-url http://127.0.0.1:4000"))(mcp)
    app.command(epilog=examples("demo"))(demo)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen; default 127.0.0.1.")] = None,
    port: Annotated[str | None, typer.Option(metavar="PORT", help="The port, 0 for a free one; default 4000.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow an address that other machines reach, without a login.")
    ] = False,
) -> ServerCommand:
    """Serve the local store over HTTP."""
    return ServerCommand(session_of(context).local_settings({"host": host, "port": port}), insecure)


def mcp(context: typer.Context) -> None:
    """Serve MCP over stdin and stdout."""
    from provenance_server.mcp_server import run  # noqa: PLC0415  # loads the MCP SDK

    run(session_of(context).settings)


def demo() -> None:
    """Show the main job on real events."""
    from provenance_cli.demo import run_demo  # noqa: PLC0415  # loads everything

    run_demo()
