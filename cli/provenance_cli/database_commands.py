"""Commands on the local store's database."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance_cli.options import Json, examples
from provenance_cli.output import print_json, print_line
from provenance_cli.progress import meter
from provenance_cli.session import session_of
from provenance_core.clean import clean_line
from provenance_storage.clock import now

if TYPE_CHECKING:
    from provenance_storage.retention import Pruning

app = typer.Typer(no_args_is_help=True, help="Look after the local store's database.")

_PLACE = 2_000


@app.command("upgrade", epilog=examples("db upgrade", "--database-url sqlite:///errors.sqlite3 db upgrade"))
def upgrade_database(context: typer.Context, as_json: Json = False) -> None:
    """Create or upgrade the local store.

    Every command that uses the store does so by itself; this one says what was done.
    """
    from provenance_storage.engine import open_database  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
    from provenance_storage.partitions import ensure  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
    from provenance_storage.schema import revision, upgrade  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none

    with closing(open_database(session_of(context).local_settings().database_url)) as database:
        changed = upgrade(database)
        ensure(database, now())
        found = revision(database)
    if as_json:
        print_json({"database": database.place, "revision": found, "changed": changed})
        return
    done = "was brought to" if changed else "is already at"
    print_line(f"{clean_line(database.place, _PLACE)} {done} revision {found}.")


@app.command("backup", epilog=examples("db backup errors-monday.sqlite3", "db backup /backups/errors.sqlite3 --force"))
def back_up_database(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy is written.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    as_json: Json = False,
) -> None:
    """Copy the local store while it is used.

    The copy is a store of its own, checked and on disk when this ends. A server may go on writing meanwhile.
    """
    from provenance_storage.backup import back_up  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
    from provenance_storage.engine import open_database  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none

    began = time.monotonic()
    with closing(open_database(session_of(context).local_settings().database_url)) as database, meter() as shown:
        size = back_up(database, file, replace=force, progress=lambda done, total: shown.tell("Pages", done, total))
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        print_json({"database": database.place, "file": str(file.absolute()), "bytes": size, "seconds": seconds})
        return
    print_line(f"{clean_line(str(file.absolute()), _PLACE)} holds a copy, {size:,} bytes, checked.")


@app.command("prune", epilog=examples("db prune", "db prune --json"))
def prune_database(context: typer.Context, as_json: Json = False) -> None:
    """Remove now what the origins' settings no longer keep.

    A server does so by itself, a little every few minutes. Counts, releases, tags and history of issues stay.
    """
    from provenance_storage.retention import prune  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
    from provenance_storage.store import Store  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
    from provenance_storage.turns import Turns  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none

    with closing(Store.open(session_of(context).local_settings().database_url)) as store:
        done = prune(store, store.clock(), Turns(store.database))
        place = store.database.place
    if as_json:
        print_json({"database": place, **_pruned(done)})
        return
    for name, removed in done.partitions.items():
        print_line(f"{name} was dropped with {removed.interactions:,} interactions.")
    for one in done.origins:
        print_line(
            f"{one.origin.mnemonic}: {one.expired.interactions:,} were too old, {one.thinned.interactions:,} too many."
        )
    print_line(f"{done.removed.interactions:,} interactions were removed, {done.removed.payload_bytes:,} bytes.")


def _pruned(done: Pruning) -> dict[str, Any]:
    return {
        "origins": [
            {
                "origin": one.origin.mnemonic,
                "expired": one.expired.interactions,
                "thinned": one.thinned.interactions,
                "bytes": one.expired.payload_bytes + one.thinned.payload_bytes,
            }
            for one in done.origins
        ],
        "partitions": [
            {"name": name, "interactions": removed.interactions, "bytes": removed.payload_bytes}
            for name, removed in done.partitions.items()
        ],
        "removed": done.removed.interactions,
        "bytes": done.removed.payload_bytes,
    }


@app.command("migrate-to", epilog=examples("db migrate-to postgresql://provenance@db.example/provenance"))
def migrate_database(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="An empty PostgreSQL database.")],
    as_json: Json = False,
) -> None:
    """Copy the local store into an empty PostgreSQL database.

    Stop the server first. The store file stays as it is; afterwards let databaseUrl name the database.
    """
    from provenance_storage.copying import copy_store  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
    from provenance_storage.engine import open_database  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none

    began = time.monotonic()
    with (
        closing(open_database(session_of(context).local_settings().database_url)) as source,
        closing(open_database(url)) as target,
        meter() as shown,
    ):
        copied = copy_store(source, target, shown.tell)
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        places = {"database": source.place, "target": target.place}
        print_json({**places, "rows": copied.rows, "sums": copied.sums, "seconds": seconds})
        return
    for name, count in (copied.rows | copied.sums).items():
        print_line(f"{count:>12,}  {name}")
    print_line(f"All of it is the same in {clean_line(target.place, _PLACE)}. Let databaseUrl name it from now on.")
