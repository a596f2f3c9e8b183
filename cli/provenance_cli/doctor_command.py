"""The command that looks at everything and says what to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import typer

from provenance_cli.options import Json, examples
from provenance_cli.output import print_json, print_line
from provenance_cli.session import Session, session_of
from provenance_core.clean import clean_line
from provenance_core.errors import InvalidInput, Unavailable
from provenance_server.settings import Settings, config_file, read_config
from provenance_storage.findings import Finding, State, problem, warning, well

_LONGEST = 2_000
_SERVER_SECONDS = 10
_READY = 200
_UNREACHABLE = frozenset({"store", "server"})
"""Findings that mean, where they are problems, that there was nothing to look at."""


def add_to(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(epilog=examples("doctor", "doctor --json"))(doctor)


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Look at the local store, or the server that is named, and say what is not well.

    Exit codes: 0 no problem, 1 a problem, 3 the store or server cannot be reached. The whole store is read, which
    takes a while where it is large.
    """
    found: list[Finding] = []
    for finding in _findings(session_of(context)):
        found.append(finding)
        if not as_json:
            _tell(finding)
    problems = [finding for finding in found if finding.state is State.PROBLEM]
    if as_json:
        print_json({"items": [_written(finding) for finding in found], "problems": len(problems)})
    if problems:
        unreachable = any(finding.name in _UNREACHABLE for finding in problems)
        raise typer.Exit(Unavailable.exit_code if unreachable else 1)


def _findings(session: Session) -> Iterator[Finding]:
    try:
        settings = session.settings
        yield _config()
    except InvalidInput as error:
        yield problem("config", error.message, "Nothing else was looked at.")
        return
    if settings.api_url is not None:
        yield _server(settings.api_url)
    else:
        yield from _store(settings)


def _config() -> Finding:
    path = config_file()
    count = len(read_config(path))
    if count and os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        found = f"Other users of this machine may read {path}, which may hold a key."
        return warning("config", found, f"chmod 600 {path}")
    there = f"{path} holds {count} setting{'' if count == 1 else 's'}."
    return well("config", there if path.exists() else "There is no config file.")


def _server(url: str) -> Finding:
    import httpx  # noqa: PLC0415  # needed where a server is named only

    try:
        answer = httpx.get(f"{url.rstrip('/')}/readyz", timeout=_SERVER_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL):
        return problem("server", f"The server {url} cannot be reached.", "Check apiUrl, and whether the server runs.")
    if answer.status_code != _READY:
        said = f"The server {url} answers, but is not ready: status {answer.status_code}."
        return problem("server", said, "Run `provenance doctor --database-url …` where its store is.")
    return well("server", f"The server {url} reads and writes. Its store is looked at where it is.")


def _store(settings: Settings) -> Iterator[Finding]:
    from provenance_storage.engine import open_database  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
    from provenance_storage.inspection import inspect  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none

    with closing(open_database(settings.database_url)) as database:
        yield from inspect(database)


def _tell(finding: Finding) -> None:
    print_line(f"{finding.state.value:<8} {finding.name:<12} {clean_line(finding.message, _LONGEST)}")
    if finding.advice:
        print_line(f"{'':<21} → {clean_line(finding.advice, _LONGEST)}")


def _written(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "state": finding.state.value,
        "message": finding.message,
        "advice": finding.advice,
    }
