"""Commands on the settings: set, get, list, unset."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from provenance_cli.options import Json as JsonOption
from provenance_cli.options import examples
from provenance_cli.output import print_json, print_line
from provenance_cli.session import session_of
from provenance_core.clean import clean_line
from provenance_core.errors import InvalidInput, NotFound
from provenance_server.settings import (
    KEPT,
    SECRET,
    config_file,
    environment_variable,
    read_config,
    write_config,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Keep settings in the config file. Flags win over the environment, that over the file, that over defaults.",
)

SettingName = Annotated[str, typer.Argument(metavar="NAME", help=", ".join(KEPT))]
_LONGEST = 2_000
_LONG_ENOUGH = 16


@app.command(
    "set", epilog=examples("config set apiUrl http://127.0.0.1:4000", "config set apiKey -", "config set origin my-app")
)
def set_value(
    name: SettingName,
    value: Annotated[
        str,
        typer.Argument(metavar="VALUE", help="The value; - reads it from standard input, so that no history has it."),
    ],
) -> None:
    """Keep a setting in the config file."""
    told = sys.stdin.readline().strip() if value == "-" else value
    if not told:
        raise InvalidInput("A setting cannot be empty; `provenance config unset NAME` forgets one.")
    write_config(config_file(), name, told)


@app.command("unset", epilog=examples("config unset apiUrl"))
def unset_value(name: SettingName) -> None:
    """Forget a setting of the config file."""
    write_config(config_file(), name, None)


@app.command("get", epilog=examples("config get apiUrl"))
def get_value(context: typer.Context, name: SettingName, as_json: JsonOption = False) -> None:
    """Print the value in force of a setting."""
    if name not in KEPT:
        raise InvalidInput(f"There is no such setting; use one of {', '.join(KEPT)}.")
    value = _in_force(context)[name]
    if value is None:
        raise NotFound(f"{name} is not set; `provenance config set {name} VALUE` sets it.")
    if as_json:
        print_json(value)
    else:
        print_line(_text(value))


@app.command("list", epilog=examples("config list"))
def list_values(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the settings in force.

    Each with where it comes from; secrets are masked.
    """
    kept = read_config(config_file())
    flags = session_of(context).flags
    items: list[dict[str, Any]] = [
        {"name": name, "value": _masked(value) if name in SECRET else value, "source": _source(name, flags, kept)}
        for name, value in _in_force(context).items()
    ]
    if as_json:
        print_json({"items": items, "configFile": str(config_file())})
        return
    for item in items:
        value = "-" if item["value"] is None else _text(item["value"])
        print_line(f"{item['name']:<12} {value}  ({item['source']})")
    print_line(f"Config file: {clean_line(str(config_file()), _LONGEST)}")


def _in_force(context: typer.Context) -> dict[str, Any]:
    values = session_of(context).settings.model_dump(mode="json", by_alias=True)
    return {name: values[name] for name in KEPT}


def _text(value: object) -> str:
    """Return a value as `config set` takes it."""
    return str(value).lower() if isinstance(value, bool) else clean_line(str(value), _LONGEST)


def _source(name: str, flags: Any, kept: dict[str, Any]) -> str:
    if flags.get(name) is not None:
        return "flag"
    if os.environ.get(environment_variable(name)):
        return "environment"
    return "config file" if name in kept else "default"


def _masked(secret: str | None) -> str | None:
    """Return enough of a secret to tell it from another."""
    if secret is None:
        return None
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= _LONG_ENOUGH else "…"
