"""What a request of sentry-cli is to the functions that answer it, and how they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from provenance_core.errors import InvalidInput, NotFound
from provenance_server.context import Context
from provenance_server.uploaded_files import is_storable
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

Json = dict[str, Any]

MOST_PROJECTS = 100
"""Projects of one request. Ours."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: what its path names, its JSON body, and what operations need.

    Attributes:
        context: Where operations run.
        named: What the path names: `organization`, `project`, `version`.
        body: The JSON object sent; empty where there is none.
        server: The server's address as the caller knows it, without a slash at its end.
    """

    context: Context
    named: Mapping[str, str]
    body: Json
    server: str

    @property
    def store(self) -> Store:
        """Return the store."""
        return self.context.store

    def text(self, name: str) -> str | None:
        """Return a text of the body, None where there is none.

        Raises:
            InvalidInput: It is something else.
        """
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"`{name}` must be a text.")
        if value is not None and not is_storable(value):
            raise InvalidInput(f"`{name}` must be valid Unicode without NUL.")
        return value or None

    def needed(self, name: str) -> str:
        """Return a text of the body.

        Raises:
            InvalidInput: There is none.
        """
        value = self.text(name)
        if value is None:
            raise InvalidInput(f"`{name}` is required.")
        return value

    def items(self, name: str) -> list[object]:
        """Return a list of the body; it is empty where there is none.

        Raises:
            InvalidInput: It is something else.
        """
        value = self.body.get(name)
        if value is not None and not isinstance(value, list):
            raise InvalidInput(f"`{name}` must be a list.")
        return cast("list[object]", value or [])

    def origins(self) -> list[OriginRecord]:
        """Return the origins that the path or the body names as projects: by mnemonic, number or id.

        Raises:
            NotFound: The path names none; those there are are named.
            InvalidInput: The body names one that is none: of a 404, sentry-cli would not say what it tells.
        """
        told = [self.named["project"]] if "project" in self.named else self.items("projects")
        if len(told) > MOST_PROJECTS:
            raise InvalidInput(f"A request may name {MOST_PROJECTS} projects at most.")
        found: dict[object, OriginRecord] = {}
        for project in told:
            if isinstance(project, bool) or not isinstance(project, str | int) or not is_storable(str(project)):
                raise InvalidInput("A project is named by an origin's mnemonic, number or id.")
            origin = self._origin(str(project))
            found[origin.id] = origin
        return list(found.values())

    def every_origin(self) -> list[OriginRecord]:
        """Return the origins that the caller may see."""
        pinned = self.context.pinned
        return [pinned] if pinned is not None else list(self.store.origins.all())

    def _origin(self, project: str) -> OriginRecord:
        try:
            return self.context.origin(project)
        except NotFound as error:
            if "project" in self.named:
                raise
            raise InvalidInput(error.message) from None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: a JSON document, or nothing."""

    content: Json | list[Json] | None
    status: int = 200
