"""Keys of the API: made, found by what a caller presents, revoked. Only a hash of a key is kept."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Update, bindparam, exists, func, select, update

from provenance_core.access import SYSTEM_ACTOR, Actor, Scope
from provenance_core.clean import quoted
from provenance_core.errors import Conflict, NotFound
from provenance_core.ids import parse_uuid, uuid7
from provenance_storage.access_tables import ApiKey
from provenance_storage.activity import NOWHERE, Deed, Entry, note, told
from provenance_storage.clock import Clock
from provenance_storage.database import Database, Lock
from provenance_storage.map_bodies import check_origin
from provenance_storage.prepared import Given, Query, RowStatement, types_of
from provenance_storage.records import KeyRecord
from provenance_storage.statements import storable
from provenance_storage.tables import table

MARK = "pak_"
PREFIX_LENGTH = len(MARK) + 8

_FORM = re.compile(MARK + "[0-9a-f]{64}")
_NOBODYS = MARK + "0" * 64
"""Looked for in the place of what is no key, so that this takes as long as a key that is none of ours."""

_COLUMNS = tuple(KeyRecord.__dataclass_fields__)
_DUMMY = bytes(32)


class Keys:
    """Read and change the keys of a store."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self, label: str, scopes: Sequence[Scope], origin_id: UUID | None, *, by: Actor = SYSTEM_ACTOR
    ) -> tuple[KeyRecord, str]:
        """Make a key and return it with its text, which nobody can read later.

        Args:
            label: What people know it by.
            scopes: What it allows.
            origin_id: The only origin it is good for.
            by: Who makes it.

        Raises:
            NotFound: The origin was deleted.
            Conflict: A key that is not revoked has the label: nobody could tell who of the two did something.
        """
        now = self._clock()
        secret = MARK + secrets.token_hex(32)
        allowed = tuple(scope for scope in Scope if scope in scopes)
        key = KeyRecord(
            uuid7(now, secrets.randbits(62)), secret[:PREFIX_LENGTH], label, allowed, origin_id, now, None, None
        )
        values = {name: getattr(key, name) for name in _COLUMNS}
        with self._database.write() as connection:
            self._database.lock(connection, Lock.DIRECTORY)
            if origin_id is not None:
                check_origin(connection, origin_id)
            _check_label(connection, label)
            row = values | {"hash": _hash(secret), "scopes": _joined(allowed)}
            connection.execute(table(ApiKey).insert().values(row))
            note(connection, _entry(now, by, Deed.KEY_CREATE, key))
        return key, secret

    def find(self, secret: str) -> KeyRecord | None:
        """Return the key that a caller presents, or None where it is no key, none of ours, or revoked."""
        wanted = secret if _FORM.fullmatch(secret) else _NOBODYS
        presented = _hash(wanted)
        with self._database.read() as connection:
            query = _by_prefix(connection.dialect.name)
            rows = query.rows(connection, {"of_prefix": wanted[:PREFIX_LENGTH]})
        found: KeyRecord | None = None
        for kept, *columns in rows or [(_DUMMY, *[None] * len(_COLUMNS))]:
            if hmac.compare_digest(kept, presented):
                found = _record(columns)
        return found if found is not None and found.revoked_at is None else None

    def get(self, reference: str, origin_id: UUID | None = None) -> KeyRecord:
        """Return the key that an id or a prefix names, of one origin or of all.

        Raises:
            NotFound: It names none.
            Conflict: It names several.
        """
        with self._database.read() as connection:
            return _get(connection, reference, origin_id)

    def list(self, origin_id: UUID | None, limit: int, after: UUID | None) -> tuple[list[KeyRecord], int]:
        """Return one page of keys, newest first, also of those that are revoked, and how many there are.

        Args:
            origin_id: Only those that are good for this origin alone; None for all.
            limit: The most rows to return.
            after: The last one of the page before.
        """
        keys = table(ApiKey)
        wanted = _of_origin(origin_id)
        page = _select().where(*wanted, *([keys.c.id < after] if after is not None else [])).order_by(keys.c.id.desc())
        with self._database.read() as connection:
            total: int = connection.execute(select(func.count()).select_from(keys).where(*wanted)).scalar_one()
            return [_record(row) for row in connection.execute(page.limit(limit))], total

    def revoke(self, reference: str, origin_id: UUID | None = None, *, by: Actor = SYSTEM_ACTOR) -> KeyRecord:
        """Revoke the key that an id or a prefix names; one that is revoked stays as it is.

        Raises:
            NotFound: It names none.
            Conflict: It names several.
        """
        with self._database.write() as connection:
            self._database.lock(connection, Lock.DIRECTORY)
            key = _get(connection, reference, origin_id)
            if key.revoked_at is None:
                now = self._clock()
                connection.execute(update(table(ApiKey)).where(table(ApiKey).c.id == key.id).values(revoked_at=now))
                note(connection, _entry(now, by, Deed.KEY_REVOKE, key))
                return _get(connection, str(key.id), None)
        return key

    def touch(self, moments: Mapping[UUID, int]) -> None:
        """Say when keys were last used, in microseconds since 1970."""
        with self._database.write() as connection:
            _touch(connection.dialect.name).run(connection, sorted(moments.items()))

    def any_made(self) -> bool:
        """Say whether there ever was a key that does more than send events."""
        return self._any()

    def any_usable(self) -> bool:
        """Say whether there is a key that does more than send events and is not revoked."""
        return self._any(table(ApiKey).c.revoked_at.is_(None))

    def _any(self, *conditions: ColumnElement[bool]) -> bool:
        more = table(ApiKey).c.scopes != Scope.INGEST.value
        with self._database.read() as connection:
            return bool(connection.execute(select(exists().where(more, *conditions))).scalar_one())


def revoke_keys_of(connection: Connection, origin_id: UUID, now: int, by: Actor) -> None:
    """Revoke the keys of an origin that is deleted in the same transaction, by whoever deletes it."""
    keys = table(ApiKey)
    of_origin = (keys.c.origin_id == origin_id) & keys.c.revoked_at.is_(None)
    revoked = [_record(row) for row in connection.execute(_select().where(of_origin).order_by(keys.c.id))]
    connection.execute(update(keys).where(of_origin).values(revoked_at=now))
    note(connection, *(_entry(now, by, Deed.KEY_REVOKE, key) for key in revoked))


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _check_label(connection: Connection, label: str) -> None:
    keys = table(ApiKey)
    same = (keys.c.label == label) & keys.c.revoked_at.is_(None)
    if connection.execute(select(exists().where(same))).scalar_one():
        raise Conflict(f"A key has the label {quoted(label)} already; choose another, or revoke that key first.")


def _joined(scopes: Sequence[Scope]) -> str:
    return ",".join(scope.value for scope in scopes)


def _entry(now: int, by: Actor, deed: Deed, key: KeyRecord) -> Entry:
    facts = told({"label": key.label, "prefix": key.prefix, "scopes": _joined(key.scopes)})
    before, after = (None, facts) if deed is Deed.KEY_CREATE else (facts, None)
    return Entry(now, by, deed, key.id, key.origin_id or NOWHERE, before, after)


def _select() -> Select[tuple[object, ...]]:
    return select(*(table(ApiKey).c[name] for name in _COLUMNS))


def _of_origin(origin_id: UUID | None) -> list[ColumnElement[bool]]:
    return [table(ApiKey).c.origin_id == origin_id] if origin_id is not None else []


def _get(connection: Connection, reference: str, origin_id: UUID | None) -> KeyRecord:
    keys = table(ApiKey)
    identity = parse_uuid(reference)
    condition = keys.c.id == identity if identity is not None else keys.c.prefix == storable(reference)
    found = connection.execute(_select().where(condition, *_of_origin(origin_id)).limit(2)).all()
    if not found:  # what was given is not quoted: it may be a key
        raise NotFound("There is no such key. Name its id, or its prefix: its first 12 characters; list the keys.")
    if len(found) > 1:
        raise Conflict("Several keys have this prefix; name the id of the one you mean. List the keys to see it.")
    return _record(found[0])


def _record(row: Sequence[Any]) -> KeyRecord:
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    values["scopes"] = tuple(Scope(name) for name in values["scopes"].split(","))
    return KeyRecord(**values)


@cache
def _by_prefix(dialect: str) -> Query:
    keys = table(ApiKey)
    columns = (keys.c.hash, *(keys.c[name] for name in _COLUMNS))
    return Query(dialect, select(*columns).where(keys.c.prefix == bindparam("of_prefix")))


@cache
def _touch(dialect: str) -> RowStatement:
    keys = table(ApiKey)

    def build(given: Given) -> Update:
        later = keys.c.last_used_at.is_(None) | (keys.c.last_used_at < given["last_used_at"])
        return update(keys).where(keys.c.id == given["id"], later).values(last_used_at=given["last_used_at"])

    return RowStatement(dialect, types_of(keys.c.id, keys.c.last_used_at), build)
