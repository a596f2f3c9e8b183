"""What operations on keys, on the record of what was changed and on what is new take."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from provenance_core.access import Scope
from provenance_server.arguments import DEFAULT_LIMIT, Arguments, Cursor, Limit, OriginName, Reference, Text, listed

MOST_CHANGES = 500


class NoArguments(Arguments):
    """Nothing."""


class CreateKey(Arguments):
    """A new key: a label to know it by, and what it allows."""

    label: Annotated[Text, Field(max_length=64, description="What it is for, shown in the history")]
    scopes: Annotated[tuple[Scope, ...], BeforeValidator(listed), Field(min_length=1)] = Field(
        description="read, triage (and read), write (and triage), admin (all); or ingest alone, for one origin"
    )
    origin: OriginName | None = Field(default=None, description="With ingest: whose events it may send")


class RevokeKey(Arguments):
    """Which key."""

    path_arguments = frozenset({"id"})
    id: Reference = Field(description="Id, or the prefix that is listed")


class ListKeys(Arguments):
    """All keys, page by page."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class ListActivity(Arguments):
    """Whose changes, or of what."""

    origin: OriginName | None = None
    issue_id: Reference | None = Field(default=None, description="Id or shortId")
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


LONGEST_POSITION = 16_000
"""A position names the origins in which something happened of late."""

Position = Annotated[str, Field(min_length=1, max_length=LONGEST_POSITION)]


class ListChanges(Arguments):
    """What happened to issues after a moment."""

    origin: OriginName | None = None
    after: Position | None = Field(default=None, description="nextCursor of the answer before; without: from now on")
