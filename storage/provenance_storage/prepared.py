"""Statements compiled once and run on the driver's own cursor: for the way of an event.

SQLAlchemy makes the text of a statement and knows how a type is told to a driver; both are asked once. What it does at
each execution costs several times what SQLite takes for the statement itself, and a batch of events runs a dozen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Select,
    Table,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from provenance_storage.columns import UuidBytes

Given = Mapping[str, ColumnElement[Any]]
"""The columns of the rows that a statement is run for, by name."""

Row = Sequence[object]
_Convert = Callable[[Any], Any]

POSTGRESQL = "postgresql"


class Query:
    """A SELECT with parameters, compiled for one dialect."""

    def __init__(self, dialect: str, statement: Select[*tuple[Any, ...]]) -> None:
        self._compiled = _Compiled(dialect, statement, statement.column_descriptions)
        self._names = self._compiled.names

    def rows(self, connection: Connection, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run the query and return its rows."""
        return self._compiled.rows(connection, self._compiled.bound([parameters[name] for name in self._names]))


class RowStatement:
    """A statement that is run for many rows, compiled for one dialect.

    On PostgreSQL it runs once and takes all rows, as an array of each column; on SQLite once for each row.

    Args:
        dialect: The dialect's name.
        columns: The names and types of the rows it is run for, in their order.
        build: Returns the statement, which selects from the given columns.
    """

    def __init__(self, dialect: str, columns: Mapping[str, TypeEngine[Any]], build: Callable[[Given], Any]) -> None:
        statement = build(_given(dialect, columns))
        returned: list[Any] = statement.returning_column_descriptions
        self._at_once = dialect == POSTGRESQL
        self._returns = bool(returned)
        self._compiled = _Compiled(dialect, statement, returned)
        names = [f"given_{name}" for name in columns]
        self._order = [names.index(name) for name in self._compiled.names]
        self._as_given = self._order == list(range(len(names)))

    def run(self, connection: Connection, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Run the statement for rows and return what it returns, for all of them."""
        if not rows:
            return []
        if self._at_once:
            arrays = [list(values) for values in zip(*rows, strict=True)]
            return self._compiled.rows(connection, self._compiled.bound([arrays[index] for index in self._order]))
        if not self._as_given:
            rows = [[row[index] for index in self._order] for row in rows]
        bound = [self._compiled.bound(row) for row in rows]
        if self._returns:
            return [found for one in bound for found in self._compiled.rows(connection, one)]
        self._compiled.many(connection, bound)
        return []


class RowQuery:
    """A SELECT that is run for many rows, compiled for one dialect; what it finds for each comes after the other's.

    On PostgreSQL it runs once, beside an array of each column; on SQLite once for each row.

    Args:
        dialect: The dialect's name.
        columns: The names and types of the rows it is run for, in their order.
        build: Returns the statement for one row, whose columns it is given.
    """

    def __init__(
        self, dialect: str, columns: Mapping[str, TypeEngine[Any]], build: Callable[[Given], Select[*tuple[Any, ...]]]
    ) -> None:
        given = _given(dialect, columns)
        statement = build(given)
        results = statement.column_descriptions
        self._at_once = dialect == POSTGRESQL
        if self._at_once:
            (rows,) = rows_given(given)
            found = statement.lateral("found")
            statement = select(found).select_from(rows.join(found, true()))
        self._compiled = _Compiled(dialect, statement, results)
        names = [f"given_{name}" for name in columns]
        self._order = [names.index(name) for name in self._compiled.names]

    def rows(self, connection: Connection, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Run the query for rows and return what it finds, for all of them."""
        if not rows:
            return []
        if self._at_once:
            rows = [[list(values) for values in zip(*rows, strict=True)]]
        bound = [self._compiled.bound([row[index] for index in self._order]) for row in rows]
        return [found for one in bound for found in self._compiled.rows(connection, one)]


def rows_given(given: Given) -> list[FromClause]:
    """Return what the given columns are selected from, for a part of a statement that speaks of them to correlate to.

    Without, PostgreSQL would be told to join that part with all rows; on SQLite they are parameters.
    """
    tables: set[Any] = {getattr(column, "table", None) for column in given.values()}
    return [one for one in tables if one is not None]


def inserted(dialect: str, table: Table) -> RowStatement:
    """Return the statement that inserts whole rows into a table."""

    def build(given: Given) -> Insert:
        names = [column.name for column in table.c]
        return table.insert().from_select(names, select(*(given[name] for name in names)))

    return RowStatement(dialect, types_of(*table.c), build)


def types_of(*columns: Column[Any]) -> dict[str, TypeEngine[Any]]:
    """Return the types of columns by their names."""
    return {column.name: column.type for column in columns}


def among(dialect: str, column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Say whether a text is one of those a parameter names, which takes what `texts` returns."""
    if dialect == POSTGRESQL:
        return column == func.any(bindparam(name, type_=ARRAY(Text)))
    values = func.json_each(bindparam(name, type_=Text)).table_valued("value")
    return column.in_(select(values.c.value))


def texts(dialect: str, values: Sequence[str]) -> object:
    """Return texts as one parameter."""
    return list(values) if dialect == POSTGRESQL else json.dumps(values)


def _given(dialect: str, columns: Mapping[str, TypeEngine[Any]]) -> Given:
    if dialect != POSTGRESQL:
        return {name: bindparam(f"given_{name}", type_=type_) for name, type_ in columns.items()}
    arrays = (bindparam(f"given_{name}", type_=ARRAY(type_)) for name, type_ in columns.items())
    listed = (column(name, type_) for name, type_ in columns.items())
    rows = func.unnest(*arrays).table_valued(*listed, name="given").render_derived()
    return {name: rows.c[name] for name in columns}


@cache
def _dialect(name: str) -> Dialect:
    if name == POSTGRESQL:
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # takes memory that SQLite does not need

        return postgresql.psycopg.dialect(paramstyle="format")
    return sqlite.dialect(paramstyle="qmark")


def _to_driver(type_: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    if isinstance(type_, UuidBytes) and dialect.name != POSTGRESQL:
        return _id_bytes
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _id_bytes(value: UUID | bytes | None) -> bytes | None:
    """Return the bytes of an id, which may be given as such; an event has a dozen ids."""
    return value.int.to_bytes(16, "big") if isinstance(value, UUID) else value


class _Compiled:
    """The text of a statement, with what its parameters and its results need."""

    def __init__(self, dialect_name: str, statement: Any, results: Sequence[Any]) -> None:
        dialect = _dialect(dialect_name)
        compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": False})
        self._text: str = compiled.string
        self.names: list[str] = list(compiled.positiontup or ())
        converts = [_to_driver(compiled.binds[name].type, dialect) for name in self.names]
        self._binds: list[tuple[int, _Convert]] = [
            (index, convert) for index, convert in enumerate(converts) if convert is not None
        ]
        found = [result["type"].dialect_impl(dialect).result_processor(dialect, None) for result in results]
        self._results: list[tuple[int, _Convert]] = [
            (index, convert) for index, convert in enumerate(found) if convert is not None
        ]
        self._returns = bool(results)

    def bound(self, row: Row) -> list[object]:
        """Return a row of parameters as the driver takes them."""
        values = list(row)
        for index, convert in self._binds:
            values[index] = convert(values[index])
        return values

    def rows(self, connection: Connection, bound: list[object]) -> list[tuple[Any, ...]]:
        """Run the statement once and return its rows, of which there are none where it returns nothing."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._text, bound)
            found: list[tuple[Any, ...]] = list(cursor.fetchall()) if self._returns else []
        finally:
            cursor.close()
        return [self._converted(row) for row in found] if self._results else found

    def many(self, connection: Connection, bound: Sequence[list[object]]) -> None:
        """Run the statement for each row of parameters."""
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(self._text, bound)
        finally:
            cursor.close()

    def _converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for index, convert in self._results:
            values[index] = convert(values[index])
        return tuple(values)


def constant(value: int) -> ColumnElement[int]:
    """Return a number as a part of a statement's text, which is then compiled without a parameter."""
    return literal_column(str(int(value)))


def constant_text(value: str) -> ColumnElement[str]:
    """Return a text of ours as a part of a statement's text; it has no quote in it."""
    if "'" in value:
        raise ValueError("a constant may have no quote")
    return literal_column(f"'{value}'", Text)


def limited(statement: Select[*tuple[Any, ...]], rows: int) -> Select[*tuple[Any, ...]]:
    """Return a statement for so many rows at most, without a parameter; SQLite would be told OFFSET 0 by one."""
    return statement.limit(constant(rows)).offset(constant(0))
