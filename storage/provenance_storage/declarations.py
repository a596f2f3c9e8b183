# pyright: reportIncompatibleVariableOverride=false
# (SQLModel wants a plain `metadata`, which its own types do not foresee)
"""What all tables are declared with."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, text
from sqlmodel import MetaData, SQLModel

from provenance_core.artifacts import ArtifactKind
from provenance_core.events import Level, Via
from provenance_core.lifecycle import Status

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
CLUSTERED: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}
PLAIN: dict[str, Any] = {"sqlite_strict": True}
BY_MONTH: dict[str, Any] = {"postgresql_partition_by": "RANGE (received_at)"}
"""On PostgreSQL what is dropped after a time lies in partitions of a month."""

Closed = type[Status | Level | Via | ArtifactKind]


class StoreTable(SQLModel):
    """Keep our tables in a metadata of their own."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)


def only(condition: str) -> dict[str, Any]:
    """Return what an index is declared with that has some rows only."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def among(column: str, values: Closed) -> str:
    """Return the condition that a column is one of a closed set."""
    allowed = ", ".join(f"'{value.value}'" for value in values)
    return f"{column} in ({allowed})"


def one_of(column: str, values: Closed) -> CheckConstraint:
    """Return the check that a column is one of a closed set."""
    return CheckConstraint(among(column, values), name=column)


def of_issue() -> ForeignKeyConstraint:
    """Return the reference of a row to its issue."""
    return ForeignKeyConstraint(["origin_id", "issue_id"], ["error_issue.origin_id", "error_issue.id"])


def of_release() -> ForeignKeyConstraint:
    """Return the reference of a row to its release."""
    return ForeignKeyConstraint(["origin_id", "release_id"], ["release.origin_id", "release.id"])


def of_origin() -> ForeignKeyConstraint:
    """Return the reference of a row to its origin."""
    return ForeignKeyConstraint(["origin_id"], ["origin.id"])
