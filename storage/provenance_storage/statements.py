"""The few statements that the dialects spell differently."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

VALUES = 500
"""How many values a statement is given at the most: databases have limits of their own."""

Value = TypeVar("Value")


def portions(values: Collection[Value], size: int = VALUES) -> Iterator[Sequence[Value]]:
    """Give values in portions that a statement takes."""
    listed = list(values)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


def insert_into(dialect: str, table: Table) -> Any:
    """Return the INSERT of a dialect, by its name: the one that knows `on_conflict_do_update`."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # takes memory that SQLite does not need

        return postgresql.insert(table)
    return sqlite.insert(table)


def like(text: str) -> str:
    r"""Return the LIKE pattern that finds a text anywhere, to be used with `escape="\\"`."""
    escaped = storable(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def storable(text: str) -> str:
    """Return a text to compare with stored ones as a database takes it; none that is stored has a NUL."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
