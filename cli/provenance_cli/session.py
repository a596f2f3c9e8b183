"""Where the commands of one call ask, and for whom."""

from __future__ import annotations

import getpass
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pydantic.alias_generators import to_camel

from provenance_core.access import Access, Door, local_access
from provenance_core.clean import clean_line
from provenance_core.errors import InvalidInput
from provenance_server.settings import Settings, load_settings

if TYPE_CHECKING:
    import typer

    from provenance_server.client import Client

PROGRAM = "provenance-cli"
_LONGEST_USER = 60


@dataclass(frozen=True)
class Session:
    """Hold what the root's options say, by the names of the settings, and what follows from it."""

    flags: Mapping[str, str | None]

    @cached_property
    def settings(self) -> Settings:
        """Return the settings in force; a local store that is named by a flag wins over a configured server.

        Raises:
            InvalidInput: A setting is malformed, or both a server and a local store are named by flags.
        """
        server, local = self.flags.get("apiUrl"), self.flags.get("databaseUrl")
        if server is not None and local is not None:
            raise InvalidInput("Say --api-url for a server or --database-url for a local store, not both.")
        settings = load_settings(self.flags)
        return settings if local is None else settings.model_copy(update={"api_url": None})

    def local_settings(self, flags: Mapping[str, str | None] | None = None) -> Settings:
        """Return the settings for a command that works on the local store only.

        Args:
            flags: What the command's own options say.

        Raises:
            InvalidInput: A setting is malformed, or a flag names a server.
        """
        if self.flags.get("apiUrl") is not None:
            raise InvalidInput("This command works on the local store only; leave --api-url out.")
        return load_settings({**self.flags, **(flags or {})})

    @contextmanager
    def client(self) -> Generator[Client]:
        """Lend a client of the server that the settings name, else of the local store."""
        from provenance_server.opening import open_client  # noqa: PLC0415  # loads the store; `--help` needs none

        client = open_client(self.settings, _access())
        try:
            yield client
        finally:
            client.close()

    def origin_filter(self, given: str | None) -> str | None:
        """Return the origin that narrows a list: the given one, else the configured one, none for an empty one."""
        return (self.settings.origin if given is None else given) or None

    def origin(self, given: str | None) -> str:
        """Return the origin that a command needs.

        Raises:
            InvalidInput: Neither an option nor a setting names one.
        """
        origin = given or self.settings.origin
        if not origin:
            raise InvalidInput("Which origin? Say --origin my-app, or `provenance config set origin my-app` once.")
        return origin


def session_of(context: typer.Context) -> Session:
    """Return the session that the root made."""
    return cast("Session", context.obj)


def arguments(**values: Any) -> dict[str, Any]:
    """Return an operation's raw arguments: those that were given, under their names on the wire."""
    return {to_camel(name): value for name, value in values.items() if value not in (None, [])}


def user_name() -> str:
    """Name the person at the keyboard, for the history."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user; which error depends on Python's version
        user = ""
    return clean_line(user, _LONGEST_USER) or "unknown"


def _access() -> Access:
    return local_access(user_name(), Door.CLI, PROGRAM)
