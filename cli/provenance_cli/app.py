"""The command line as a whole: the root's options and the groups of commands."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Annotated

import typer

from provenance_cli import (
    activity_command,
    config_commands,
    database_commands,
    doctor_command,
    errors_commands,
    key_commands,
    origin_commands,
    process_commands,
    release_commands,
    sourcemap_commands,
)
from provenance_cli.options import examples
from provenance_cli.session import Session

DISTRIBUTION = "provenance-errors"

app = typer.Typer(
    help="Track the errors of your applications: on this machine's store, or on a server that --api-url, "
    "PROVENANCE_API_URL or the config names.",
    epilog="Exit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 the server or store cannot be reached."
    + "\n\n"
    + examples("errors list --status open,regressed --since 24h", "errors get my-app-12", "serve"),
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(errors_commands.app, name="errors")
app.add_typer(release_commands.app, name="releases")
app.add_typer(sourcemap_commands.app, name="sourcemaps")
app.add_typer(origin_commands.app, name="origins")
app.add_typer(key_commands.app, name="keys")
activity_command.add_to(app)
app.add_typer(config_commands.app, name="config")
app.add_typer(database_commands.app, name="db")
process_commands.add_to(app)
doctor_command.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"provenance {version_of(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    api_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask this server instead of the local store, e.g. http://127.0.0.1:4000."),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="The key for that server; PROVENANCE_API_KEY keeps it out of the process list."
        ),
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Use this local store, e.g. sqlite:///errors.sqlite3.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Keep what the root's options say for the command."""
    context.obj = Session({"apiUrl": api_url, "apiKey": api_key, "databaseUrl": database_url})
