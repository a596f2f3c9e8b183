"""Origins and the keys of their DSNs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, delete, exists, func, select, update

from provenance_core.access import SYSTEM_ACTOR, Actor
from provenance_core.clean import quoted
from provenance_core.errors import Conflict, NotFound
from provenance_core.events import Via
from provenance_core.ids import parse_uuid, uuid7
from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_storage.activity import Deed, Entry, differences, note, told
from provenance_storage.artifact_tables import Artifact, ArtifactVersion, SourceMap
from provenance_storage.clock import Clock
from provenance_storage.database import Database, Lock
from provenance_storage.keys import revoke_keys_of
from provenance_storage.map_bodies import bodies_of, remove_bodies
from provenance_storage.records import OriginRecord
from provenance_storage.statements import storable
from provenance_storage.tables import (
    Discard,
    ErrorIssue,
    Interaction,
    IssueNumber,
    Origin,
    OriginKey,
    Release,
    table,
)
from provenance_storage.turns import Turns


class Origins:
    """Read and change the origins of a store."""

    def __init__(self, database: Database, clock: Clock, turns: Turns) -> None:
        self._database = database
        self._clock = clock
        self._turns = turns

    def create(
        self,
        mnemonic: str,
        name: str,
        description: str | None,
        config: OriginConfig,
        *,
        by: Actor = SYSTEM_ACTOR,
    ) -> OriginRecord:
        """Add an origin with the next number and a public key of its own.

        Raises:
            Conflict: The mnemonic is taken.
        """
        now = self._clock()
        origins = table(Origin)
        with self._database.write() as connection:
            self._database.lock(connection, Lock.DIRECTORY)
            if _taken(connection, mnemonic, None):
                raise Conflict(f"There is an origin {quoted(mnemonic)} already; choose another mnemonic.")
            number: int = connection.execute(select(func.coalesce(func.max(origins.c.number), 0) + 1)).scalar_one()
            identity = uuid7(now, secrets.randbits(62))
            connection.execute(
                origins.insert().values(
                    id=identity,
                    number=number,
                    mnemonic=mnemonic,
                    name=name,
                    description=description,
                    config=config.model_dump_json(by_alias=True),
                    created_at=now,
                )
            )
            key = {
                "origin_id": identity,
                "key": secrets.token_hex(16),
                "kind": Via.PUBLIC.value,
                "created_at": now,
            }
            connection.execute(table(OriginKey).insert().values(key))
            facts = told({"mnemonic": mnemonic, "name": name, "number": number})
            note(connection, Entry(now, by, Deed.ORIGIN_CREATE, identity, identity, after=facts))
            return _one(connection, _select().where(origins.c.id == identity))

    def find(self, reference: str) -> OriginRecord:
        """Return the origin that an id, a number or a mnemonic in any case names.

        Raises:
            NotFound: It names none.
        """
        origins = table(Origin)
        identity = parse_uuid(reference)
        if identity is not None:
            condition = origins.c.id == identity
        elif reference.isascii() and reference.isdigit() and len(reference) < 19:
            condition = origins.c.number == int(reference)
        else:
            condition = origins.c.mnemonic == storable(reference.lower())
        with self._database.read() as connection:
            row = connection.execute(_select().where(condition)).mappings().first()
            if row is None:
                raise NotFound(_unknown(connection, reference))
            return _record(row)

    def all(self, ids: Sequence[UUID] | None = None) -> list[OriginRecord]:
        """Return all origins, or those with the given ids, by number."""
        statement = _select().order_by(table(Origin).c.number)
        if ids is not None:
            statement = statement.where(table(Origin).c.id.in_(ids))
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(statement).mappings()]

    def update(self, origin_id: UUID, changes: Mapping[str, Any], *, by: Actor = SYSTEM_ACTOR) -> OriginRecord:
        """Change an origin; its id, number and key stay, and so does everything that is not given.

        Args:
            origin_id: The origin.
            changes: New values of `mnemonic`, `name`, `description` and parts of `config`.
            by: Who changes it.

        Raises:
            Conflict: Another origin has the mnemonic.
        """
        origins = table(Origin)
        with self._database.write() as connection:
            self._database.lock(connection, Lock.DIRECTORY)
            before = _one(connection, _select().where(origins.c.id == origin_id))
            mnemonic = (changes.get("mnemonic") or before.mnemonic).lower()
            if _taken(connection, mnemonic, origin_id):
                raise Conflict(f"There is an origin {quoted(mnemonic)} already; choose another mnemonic.")
            config = _merged(before.config, changes.get("config") or {})
            after = {
                "mnemonic": mnemonic,
                "name": changes.get("name") or before.name,
                "description": changes.get("description", before.description),
            }
            different = differences(_values(before), after | _settings(config))
            if different is not None:
                values = after | {"config": config.model_dump_json(by_alias=True)}
                connection.execute(update(origins).where(origins.c.id == origin_id).values(values))
                note(connection, Entry(self._clock(), by, Deed.ORIGIN_UPDATE, origin_id, origin_id, *different))
            return _one(connection, _select().where(origins.c.id == origin_id))

    def delete(self, origin_id: UUID, *, by: Actor = SYSTEM_ACTOR) -> None:
        """Remove an origin that has recorded nothing, with its releases and all that was uploaded for them.

        Its keys of the API are revoked.
        What source maps hold is removed after the rest, in small transactions; if that fails, it is swept a day later.

        Raises:
            Conflict: It has interactions; they are immutable and keep it.
        """
        with self._database.write() as connection:
            self._database.lock(connection, Lock.DIRECTORY)
            self._database.lock(connection, origin_id)
            interactions, issues = table(Interaction), table(ErrorIssue)  # an issue outlives its events
            there = select(
                exists().where(interactions.c.origin_id == origin_id) | exists().where(issues.c.origin_id == origin_id)
            )
            if connection.execute(there).scalar_one():
                raise Conflict("The origin has recorded interactions, which are immutable; it cannot be deleted.")
            bodies = bodies_of(connection, origin_id)
            for of_origin in (Artifact, ArtifactVersion, SourceMap, Discard, Release, OriginKey, IssueNumber):
                rows = table(of_origin)
                connection.execute(delete(rows).where(rows.c.origin_id == origin_id))
            origins, now = table(Origin), self._clock()
            of_id = select(origins.c.mnemonic, origins.c.name, origins.c.number).where(origins.c.id == origin_id)
            for gone in connection.execute(of_id).mappings():
                note(connection, Entry(now, by, Deed.ORIGIN_DELETE, origin_id, origin_id, told(dict(gone))))
            revoke_keys_of(connection, origin_id, now, by)
            connection.execute(delete(origins).where(origins.c.id == origin_id))
        remove_bodies(self._turns, origin_id, bodies)

    def key_kind(self, origin_id: UUID, key: str) -> Via | None:
        """Return how an event sent with a key was reported, or None where the origin has no such key."""
        keys = table(OriginKey)
        statement = select(keys.c.kind).where(keys.c.origin_id == origin_id, keys.c.key == key)
        with self._database.read() as connection:
            kind = connection.execute(statement).scalar_one_or_none()
        return Via(kind) if kind is not None else None


def _select() -> Select[tuple[object, ...]]:
    origins, keys = table(Origin), table(OriginKey)
    public = (
        select(func.min(keys.c.key))
        .where(keys.c.origin_id == origins.c.id, keys.c.kind == Via.PUBLIC.value)
        .scalar_subquery()
    )
    return select(origins, public.label("public_key"))


def _record(row: RowMapping) -> OriginRecord:
    values: dict[str, Any] = dict(row)
    values["config"] = OriginConfig.model_validate_json(values["config"])
    return OriginRecord(**values)


def _one(connection: Connection, statement: Select[tuple[object, ...]]) -> OriginRecord:
    return _record(connection.execute(statement).mappings().one())


def _merged(config: OriginConfig, changes: Mapping[str, Any]) -> OriginConfig:
    tracking = config.error_tracking.model_dump() | dict(changes.get("error_tracking") or {})
    return OriginConfig(error_tracking=ErrorTracking.model_validate(tracking))


def _values(origin: OriginRecord) -> dict[str, object]:
    values = {"mnemonic": origin.mnemonic, "name": origin.name, "description": origin.description}
    return values | _settings(origin.config)


def _settings(config: OriginConfig) -> dict[str, object]:
    """Return each setting by its name."""
    return config.error_tracking.model_dump(mode="json", by_alias=True)


def _taken(connection: Connection, mnemonic: str, by_other_than: UUID | None) -> bool:
    origins = table(Origin)
    statement = select(origins.c.id).where(origins.c.mnemonic == mnemonic)
    found = connection.execute(statement).scalar_one_or_none()
    return found is not None and found != by_other_than


def _unknown(connection: Connection, reference: str) -> str:
    origins = table(Origin)
    known = connection.execute(select(origins.c.mnemonic).order_by(origins.c.number).limit(10)).scalars().all()
    advice = f"Known: {', '.join(known)}." if known else "There is none yet; create one first."
    return f"No origin {quoted(reference)}. {advice}"
