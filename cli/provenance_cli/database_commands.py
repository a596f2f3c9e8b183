"""Commands on the local store's database."""

from __future__ import annotations

from contextlib import closing

import typer

from provenance_cli.options import Json, examples
from provenance_cli.output import print_json, print_line
from provenance_cli.session import session_of
from provenance_core.clean import clean_line

app = typer.Typer(no_args_is_help=True, help="Look after the local store's database.")


@app.command("upgrade", epilog=examples("db upgrade", "--database-url sqlite:///errors.sqlite3 db upgrade"))
def upgrade_database(context: typer.Context, as_json: Json = False) -> None:
    """Create or upgrade the local store.

    Every command that uses the store does so by itself; this one says what was done.
    """
    from provenance_storage.engine import open_database  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
    from provenance_storage.schema import revision, upgrade  # noqa: PLC0415

    with closing(open_database(session_of(context).local_settings().database_url)) as store:
        changed = upgrade(store)
        found = revision(store)
    if as_json:
        print_json({"database": store.place, "revision": found, "changed": changed})
        return
    done = "was brought to" if changed else "is already at"
    print_line(f"{clean_line(store.place, 2_000)} {done} revision {found}.")
