"""Print answers: the HTTP body for scripts, tables for people."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from typing import TypeVar

from provenance_core.clean import clean_line
from provenance_core.events import Model

M = TypeVar("M", bound=Model)


def show_page(answer: M, page: Callable[[M], None], *, as_json: bool) -> None:
    """Print an answer that has a page of its own.

    Args:
        answer: The answer.
        page: Prints it for people.
        as_json: Whether a program reads it.
    """
    if as_json:
        print_json(answer.model_dump(mode="json", by_alias=True))
    else:
        page(answer)


def show(answer: Model, *, as_json: bool) -> None:
    """Print an answer, and on stderr how to see more where there is more."""
    if as_json:
        print_json(answer.model_dump(mode="json", by_alias=True))
        return
    from provenance_cli.screen import print_answer  # noqa: PLC0415  # Rich is for people only

    print_answer(answer)
    cursor = getattr(answer, "next_cursor", None)
    if isinstance(cursor, str):
        total = getattr(answer, "total", None)
        more = "More" if total is None else f"More of {total}"
        print(f"{more}: add --cursor {shlex.quote(clean_line(cursor, 1_000))}", file=sys.stderr)


def print_json(value: object) -> None:
    """Print one JSON document: on one line for a program, indented on a terminal, in ASCII for any encoding."""
    print(json.dumps(value, indent=2 if sys.stdout.isatty() else None))


def print_line(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)
