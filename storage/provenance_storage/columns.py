"""Column types that mean the same on SQLite (STRICT tables) and PostgreSQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, LargeBinary, SmallInteger, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class UuidBytes(TypeDecorator[UUID]):
    """Keep a UUID as 16 bytes on SQLite and as `uuid` elsewhere; it may be given as its bytes."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the native type of the database."""
        return dialect.type_descriptor(LargeBinary(16) if dialect.name == "sqlite" else Uuid())

    def process_bind_param(self, value: UUID | bytes | None, dialect: Dialect) -> Any:
        """Turn a UUID into what the driver takes."""
        if dialect.name == "sqlite":
            return value.bytes if isinstance(value, UUID) else value
        return UUID(bytes=value) if isinstance(value, bytes) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        """Turn what the driver gives into a UUID."""
        return UUID(bytes=value) if isinstance(value, bytes) else value


class Flag(TypeDecorator[bool]):
    """Keep a truth value as 0 or 1: STRICT tables know no BOOLEAN."""

    impl = SmallInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the native type of the database."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else SmallInteger())

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        """Turn a truth value into 0 or 1."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> bool | None:
        """Turn 0 or 1 into a truth value."""
        return None if value is None else bool(value)


Count = BigInteger().with_variant(Integer(), "sqlite")
"""A number of things."""

Micros = BigInteger().with_variant(Integer(), "sqlite")
"""A moment: microseconds since 1970, UTC."""

Blob = LargeBinary
