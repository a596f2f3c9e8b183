"""What operations on keys, on the record of what was changed and on what is new answer."""

from __future__ import annotations

from provenance_core.access import Scope
from provenance_core.events import Model
from provenance_core.lifecycle import ChangeKind, Status


class AccessAnswer(Model):
    """Who the caller is to the server, and what bounds it; `open` says that nobody is asked for a key.

    `scopes` are those that its key has; what they include is not repeated, and what `readOnly` takes away is told.
    """

    actor: str
    scopes: list[Scope]
    origin: str | None = None
    read_only: bool
    lockdown: bool
    open: bool


class ApiKey(Model):
    """A key of the API, without the key: `prefix` is its beginning, by which people know it."""

    id: str
    label: str
    prefix: str
    scopes: list[Scope]
    origin: str | None = None
    created_at: str
    last_used_at: str | None = None
    revoked_at: str | None = None


class CreatedKey(ApiKey):
    """A key after it was made; `key` is shown this once, for only its hash is kept."""

    key: str


class KeyList(Model):
    """One page of keys, newest first, also of those that are revoked."""

    items: list[ApiKey]
    total: int
    next_cursor: str | None = None


class ActivityEntry(Model):
    """What somebody changed; `actor` is what was authenticated, `client` the program in its own word.

    `actorId` is the prefix of the key that acted: labels may come again once their key is revoked.
    """

    id: str
    at: str
    action: str
    subject_id: str
    origin: str | None = None
    actor: str
    actor_id: str | None = None
    client: str | None = None
    door: str
    before: str | None = None
    after: str | None = None
    note: str | None = None


class ActivityList(Model):
    """One page of what was changed, newest first."""

    items: list[ActivityEntry]
    next_cursor: str | None = None


class IssueChange(Model):
    """What happened to an issue: it is new, its status is another, or it was met again.

    `id` tells the same change told twice.
    """

    id: str
    issue_id: str
    short_id: str
    origin: str
    change: ChangeKind
    status: Status
    at: str


class ChangeList(Model):
    """What happened to issues, oldest first, and where to go on; what is near the cursor may be told once more."""

    items: list[IssueChange]
    next_cursor: str
