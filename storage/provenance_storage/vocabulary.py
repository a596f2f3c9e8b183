"""Resource types and actions: the words interactions are told in."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, select, update

from provenance_core.access import SYSTEM_ACTOR, Actor
from provenance_core.clean import quoted
from provenance_core.errors import Conflict, NotFound
from provenance_core.ids import parse_uuid, uuid7
from provenance_storage.activity import Deed, Entry, differences, note, told
from provenance_storage.clock import Clock
from provenance_storage.database import Database, Lock
from provenance_storage.records import NamedRecord
from provenance_storage.statements import storable
from provenance_storage.tables import Action, Interaction, ResourceType, table


class Vocabulary:
    """Read and change one of the two vocabularies; the system's own words cannot be changed.

    Args:
        database: The store's database.
        clock: Returns microseconds since 1970.
        model: The table of the words.
        noun: What a word of it is called in messages.
    """

    def __init__(self, database: Database, clock: Clock, model: type[ResourceType | Action], noun: str) -> None:
        self._database = database
        self._clock = clock
        self._words = table(model)
        self._noun = noun
        column = "resource_type_id" if model is ResourceType else "action_id"
        self._used_by: ColumnElement[UUID] = table(Interaction).c[column]

    def create(self, mnemonic: str, name: str, description: str | None, *, by: Actor = SYSTEM_ACTOR) -> NamedRecord:
        """Add a word.

        Raises:
            Conflict: The mnemonic is taken.
        """
        now = self._clock()
        record = NamedRecord(uuid7(now, secrets.randbits(62)), mnemonic, name, description, False, now)
        with self._database.write() as connection:
            self._database.lock(connection, Lock.DIRECTORY)
            there = select(self._words.c.id).where(self._words.c.mnemonic == mnemonic)
            if connection.execute(there).first() is not None:
                raise self._conflict(mnemonic)
            connection.execute(
                self._words.insert().values(
                    id=record.id,
                    mnemonic=mnemonic,
                    name=name,
                    description=description,
                    system=False,
                    created_at=now,
                )
            )
            note(connection, Entry(now, by, Deed.WORD_CREATE, record.id, after=self._told(record)))
        return record

    def find(self, reference: str) -> NamedRecord:
        """Return the word that an id or a mnemonic in any case names.

        Raises:
            NotFound: It names none.
        """
        identity = parse_uuid(reference)
        words = self._words
        condition = words.c.mnemonic == storable(reference.upper()) if identity is None else words.c.id == identity
        with self._database.read() as connection:
            row = connection.execute(select(words).where(condition)).first()
            if row is None:
                known = connection.execute(select(words.c.mnemonic).order_by(words.c.id).limit(10)).scalars()
                raise NotFound(f"No {self._noun} {quoted(reference)}. Known: {', '.join(known)}.")
        return NamedRecord(*row)

    def all(self) -> list[NamedRecord]:
        """Return all words, the system's first."""
        with self._database.read() as connection:
            return [NamedRecord(*row) for row in connection.execute(select(self._words).order_by(self._words.c.id))]

    def update(
        self, word: NamedRecord, mnemonic: str, name: str, description: str | None, *, by: Actor = SYSTEM_ACTOR
    ) -> NamedRecord:
        """Change a word.

        Raises:
            NotFound: It was deleted in the meantime.
            Conflict: It is the system's, or another word has the mnemonic.
        """
        self._refuse_system(word)
        words = self._words
        with self._database.write() as connection:
            self._database.lock(connection, Lock.DIRECTORY)
            there = select(words.c.id).where(words.c.mnemonic == mnemonic, words.c.id != word.id)
            if connection.execute(there).first() is not None:
                raise self._conflict(mnemonic)
            before = connection.execute(select(words).where(words.c.id == word.id)).mappings().first()
            if before is None:
                raise NotFound(f"The {self._noun} was deleted in the meantime.")
            after = {"mnemonic": mnemonic, "name": name, "description": description}
            changes = differences(dict(before), after)
            if changes is not None:
                connection.execute(update(words).where(words.c.id == word.id).values(after))
                note(
                    connection, Entry(self._clock(), by, Deed.WORD_UPDATE, word.id, before=changes[0], after=changes[1])
                )
        return NamedRecord(word.id, mnemonic, name, description, False, word.created_at)

    def delete(self, word: NamedRecord, *, by: Actor = SYSTEM_ACTOR) -> None:
        """Remove a word that no interaction uses.

        Raises:
            Conflict: It is the system's, or an interaction uses it.
        """
        self._refuse_system(word)
        with self._database.write() as connection:
            self._database.lock(connection, Lock.DIRECTORY)
            if connection.execute(
                select(exists().where(self._used_by == word.id, table(Interaction).c.issue_id.is_(None)))
            ).scalar_one():
                raise Conflict(f"Interactions use this {self._noun}; it cannot be deleted.")
            if connection.execute(delete(self._words).where(self._words.c.id == word.id)).rowcount:
                note(connection, Entry(self._clock(), by, Deed.WORD_DELETE, word.id, before=self._told(word)))

    def _told(self, word: NamedRecord) -> str:
        return told({"kind": self._noun, "mnemonic": word.mnemonic, "name": word.name})

    def _refuse_system(self, word: NamedRecord) -> None:
        if word.system:
            raise Conflict(f"{word.mnemonic} is a system {self._noun} and cannot be changed.")

    def _conflict(self, mnemonic: str) -> Conflict:
        return Conflict(f"There is a {self._noun} {quoted(mnemonic)} already; choose another mnemonic.")
