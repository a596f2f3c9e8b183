"""Who asks and what they may: facts of the server about a caller, which nothing a caller sends can widen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from provenance_core.errors import Forbidden
from provenance_core.events import Via


class Scope(StrEnum):
    """Name what a key allows, least first but for `ingest`, which only sends events."""

    INGEST = "ingest"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    ADMIN = "admin"


_INCLUDED: dict[Scope, frozenset[Scope]] = {
    Scope.INGEST: frozenset({Scope.INGEST}),
    Scope.READ: frozenset({Scope.READ}),
    Scope.TRIAGE: frozenset({Scope.READ, Scope.TRIAGE}),
    Scope.WRITE: frozenset({Scope.READ, Scope.TRIAGE, Scope.WRITE, Scope.INGEST}),
    Scope.ADMIN: frozenset(Scope),
}
_CHANGES = frozenset({Scope.TRIAGE, Scope.WRITE, Scope.ADMIN})

EVERYTHING = frozenset(Scope)


def included(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Return the scopes with all that they include: who may write may triage, who may triage may read."""
    return frozenset(one for scope in scopes for one in _INCLUDED[scope])


def ask_for_key(scope: Scope | None) -> str:
    """Return what to do without the right key: ask a person, for an agent that made one would raise its own rights."""
    return f"Ask who runs this server for a key{f' with the scope `{scope.value}`' if scope is not None else ''}."


class ActorKind(StrEnum):
    """Name how it is known who acts."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105  # the kind's name
    LOCAL = "local"
    OPEN = "open"
    SYSTEM = "system"


class Door(StrEnum):
    """Name which way a caller came."""

    MCP = "mcp"
    HTTP = "http"
    CLI = "cli"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, for the history.

    Attributes:
        kind: How it is known who acts.
        name: A key's label, a token's subject or this machine's user: what was authenticated; empty where nothing was.
        client: The program that acts, in its own word.
        door: Which way it came.
        id: A key's prefix, which stays when another key has its label later; None where there is no key.
    """

    kind: ActorKind
    name: str = ""
    client: str | None = None
    door: Door = Door.SYSTEM
    id: str | None = None

    def __str__(self) -> str:
        """Return the actor as the history shows it: never what a caller says of itself."""
        return f"{self.kind.value}:{self.name}" if self.name else self.kind.value


SYSTEM_ACTOR = Actor(ActorKind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may do, and what it may see.

    Attributes:
        actor: Who it is.
        scopes: What it may, with all that is included.
        via: How events count that it reports.
        origin: The only origin there is for it, by mnemonic, number or id; None where it may see all.
        read_only: Whether it was bound to reading, whatever its key allows.
        lockdown: Whether reported text is withheld that comes from nobody known and matches no artifact.
    """

    actor: Actor
    scopes: frozenset[Scope]
    via: Via
    origin: str | None = None
    read_only: bool = False
    lockdown: bool = False

    def may(self, scope: Scope) -> bool:
        """Say whether the caller has a scope."""
        return scope in self.scopes and not (self.read_only and scope in _CHANGES)

    @property
    def granted(self) -> tuple[Scope, ...]:
        """Return the fewest scopes that include all that there are: what a key was made with."""
        return tuple(
            scope
            for scope in Scope
            if scope in self.scopes and not any(scope in _INCLUDED[other] for other in self.scopes - {scope})
        )

    def require(self, scope: Scope) -> None:
        """Refuse a caller without a scope.

        Raises:
            Forbidden: It is bound to reading, or lacks the scope.
        """
        if self.may(scope):
            return
        if self.read_only and scope in _CHANGES:
            raise Forbidden(
                "Only reading is allowed here: --read-only (of `mcp` or `serve`), PROVENANCE_READ_ONLY or the header "
                "x-provenance-read-only bounds it."
            )
        has = ", ".join(one.value for one in self.granted) or "none"
        raise Forbidden(
            f"This takes the scope `{scope.value}`, and the key has: {has}. {ask_for_key(scope)}",
            {"scope": scope.value},
        )

    def narrowed(self, *, origin: str | None = None, read_only: bool = False, lockdown: bool = False) -> Access:
        """Return the access with less: bounds that stand already stay."""
        return replace(
            self,
            origin=self.origin or origin,
            read_only=self.read_only or read_only,
            lockdown=self.lockdown or lockdown,
        )


def local_access(name: str, door: Door, client: str | None = None) -> Access:
    """Return what a process may on this machine's own store: everything, for it could open the file.

    Args:
        name: This machine's user.
        door: Which way the process asks.
        client: The program it asks for, in its own word.
    """
    return Access(Actor(ActorKind.LOCAL, name, client, door), EVERYTHING, Via.LOCAL)
