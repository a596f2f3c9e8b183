"""What a person sees: the console, and texts that cannot act on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from provenance_cli.ages import age
from provenance_core.clean import clean_line
from provenance_core.events import Level, Model
from provenance_core.lifecycle import Status

UNBOUND_WIDTH = 200
"""The width of what is no terminal."""

TITLE = 160
LINE = 400

_STATUS_STYLES = {
    Status.OPEN: "yellow",
    Status.REGRESSED: "bold red",
    Status.RESOLVED: "green",
    Status.IGNORED: "dim",
    Status.MUTED: "dim",
}
_LEVEL_STYLES = {Level.FATAL: "bold red", Level.ERROR: "red", Level.WARNING: "yellow"}


def make_console() -> Console:
    """Return a console that reads no markup in what it prints, and is wide where nobody looks at it."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = UNBOUND_WIDTH
    return console


def print_answer(answer: Model) -> None:
    """Print an answer for a person."""
    from provenance_cli.tables import draw  # noqa: PLC0415  # tables are made of what stands here

    console = make_console()
    put(console, draw(answer, console.width))


def put(console: Console, *parts: RenderableType) -> None:
    """Print the parts of a page; what is no terminal gets no spaces at the ends of lines."""
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def safe(text: str | None, limit: int = LINE, style: str = "") -> Text:
    """Return a text that anybody may have written as one visible line; a dash where there is none."""
    return Text(clean_line(text, limit), style) if text else Text("-", "dim")


def status_text(status: Status) -> Text:
    """Return a status in its colour."""
    return Text(status.value, _STATUS_STYLES[status])


def level_text(level: Level | None) -> Text:
    """Return a level in its colour; a dash where there is none."""
    return Text("-", "dim") if level is None else Text(level.value, _LEVEL_STYLES.get(level, ""))


def moment_text(moment: str) -> Text:
    """Return a moment with how long ago it was."""
    return Text(f"{moment} ({age_of(moment)})")


def age_of(moment: str) -> str:
    """Return how long ago a moment was."""
    return age(moment, datetime.now(UTC))


def counted(number: int, noun: str) -> str:
    """Return how many of a thing there are."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def version_span(first: str | None, last: str | None) -> str | None:
    """Return the first and the last release as one text, or None where there is neither."""
    if first and last and first != last:
        return f"{first} → {last}"
    return first or last


def table(*headers: str, numbers: frozenset[str] = frozenset()) -> Table:
    """Return an empty table; what `numbers` names stands to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in headers:
        made.add_column(header, justify="right" if header in numbers else "left", overflow="fold")
    return made


def facts(rows: Sequence[tuple[str, RenderableType | None]]) -> Table:
    """Return names and values as two columns; a row without a value is left out."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="bold", no_wrap=True, min_width=14)
    made.add_column(overflow="fold")
    for name, value in rows:
        if value is not None:
            made.add_row(Text(name), value)
    return made


def section(title: str, body: RenderableType) -> Group:
    """Return a part of a page under its title."""
    return Group(Text(""), Text(title, "bold underline"), body)
