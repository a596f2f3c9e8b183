"""Options that several commands take, each written once."""

from __future__ import annotations

from typing import Annotated

import typer

from provenance_core.lifecycle import Status
from provenance_server.arguments import DEFAULT_LIMIT, LARGEST_LIMIT, NOW_AND_THEN

STATUSES = ", ".join(Status)
MOMENT = NOW_AND_THEN.replace("`", "")

Json = Annotated[bool, typer.Option("--json", help="Print the body that HTTP answers, as one JSON document.")]
OriginFilter = Annotated[
    str | None,
    typer.Option(
        "--origin", metavar="ORIGIN", help="Only this origin; else the setting `origin`, if any. '' means every origin."
    ),
]
OriginOf = Annotated[
    str | None,
    typer.Option("--origin", metavar="ORIGIN", help="Mnemonic, number or id; else the setting `origin`."),
]
Limit = Annotated[
    str | None,
    typer.Option(metavar="N", help=f"How many on a page: 1 to {LARGEST_LIMIT}; default {DEFAULT_LIMIT}."),
]
Cursor = Annotated[str | None, typer.Option(metavar="CURSOR", help="Go on where the page before ended.")]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept in the issue's history.")]
IssueArgument = Annotated[str, typer.Argument(metavar="ISSUE", help="Id or short id, e.g. my-app-12.")]
IssueArguments = Annotated[list[str], typer.Argument(metavar="ISSUE...", help="Ids or short ids, e.g. my-app-12.")]


def examples(*commands: str) -> str:
    """Return the examples that a command's help ends with, each on a line of its own."""
    title = "Examples:" if len(commands) > 1 else "Example:"
    return "\n".join(["\b", title, *(f"  provenance {command}" for command in commands)])
