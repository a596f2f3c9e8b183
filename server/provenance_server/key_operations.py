"""Operations on keys of the API, and on what the caller's own allows."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from provenance_core.access import ActorKind, Scope
from provenance_core.clean import clean_line
from provenance_core.errors import Forbidden, InvalidInput
from provenance_core.moments import format_moment
from provenance_server import views
from provenance_server.access_answers import AccessAnswer, ApiKey, CreatedKey, KeyList
from provenance_server.access_arguments import CreateKey, ListKeys, NoArguments, RevokeKey
from provenance_server.context import Context
from provenance_server.cursors import read_cursor, write_cursor
from provenance_server.operation import implements
from provenance_server.operations import CREATE_KEY, GET_ACCESS, LIST_KEYS, REVOKE_KEY
from provenance_storage.records import KeyRecord, OriginRecord

LONGEST_LABEL = 64


@implements(CREATE_KEY)
def create_key(context: Context, arguments: CreateKey) -> CreatedKey:
    """Create an API key; the answer holds it, this once."""
    origin = _origin(context, arguments)
    label = _label(arguments.label)
    origin_id = origin.id if origin is not None else None
    row, secret = context.store.keys.create(label, arguments.scopes, origin_id, by=context.actor)
    origins = {origin.id: origin} if origin is not None else {}
    return CreatedKey(**dict(_key(row, origins)), key=secret)


@implements(LIST_KEYS)
def list_keys(context: Context, arguments: ListKeys) -> KeyList:
    """List the API keys, newest first, also those that are revoked; never the keys themselves."""
    after = read_cursor(arguments, arguments.cursor, 0)
    wanted = arguments.limit + 1
    rows, total = context.store.keys.list(context.origin_id(None), wanted, after[1] if after is not None else None)
    shown = rows[: arguments.limit]
    cursor = write_cursor(arguments, (), shown[-1].id) if len(rows) > len(shown) else None
    origins = _origins(context, shown)
    return KeyList(items=[_key(row, origins) for row in shown], total=total, next_cursor=cursor)


@implements(REVOKE_KEY)
def revoke_key(context: Context, arguments: RevokeKey) -> ApiKey:
    """Revoke an API key at once and for ever; asking again is safe."""
    row = context.store.keys.revoke(arguments.id, context.origin_id(None), by=context.actor)
    return _key(row, _origins(context, [row]))


@implements(GET_ACCESS)
def get_access(context: Context, arguments: NoArguments) -> AccessAnswer:
    """Say who the caller is to the server, what it may, and what bounds it."""
    access, pinned = context.access, context.pinned
    return AccessAnswer(
        actor=str(access.actor),
        scopes=list(access.granted),
        origin=pinned.mnemonic if pinned is not None else None,
        read_only=access.read_only,
        lockdown=access.lockdown,
        open=access.actor.kind is ActorKind.OPEN,
    )


def _label(text: str) -> str:
    label = clean_line(text, LONGEST_LABEL).strip()
    if not label:
        raise InvalidInput("`label` must say what the key is for.")
    return label


def _origin(context: Context, arguments: CreateKey) -> OriginRecord | None:
    """Return the origin of a key that only sends events; other keys have none.

    Raises:
        InvalidInput: Scopes and origin do not go together.
        Forbidden: The caller may see one origin only, and the key could see all.
    """
    if Scope.INGEST not in arguments.scopes:
        if arguments.origin is not None:
            raise InvalidInput("Only a key with the scope `ingest` has an origin; leave `origin` out, or say `ingest`.")
        if context.pinned is not None:
            raise Forbidden("The caller may see one origin only; a key that could see all is not for it to make.")
        return None
    if set(arguments.scopes) != {Scope.INGEST}:
        raise InvalidInput(
            "`ingest` stands alone: it is the one scope whose key may stand in a DSN. `write` and `admin` may record "
            "through POST /api/interactions only, without it."
        )
    if arguments.origin is None:
        raise InvalidInput("A key with the scope `ingest` sends events of one origin; name it as `origin`.")
    return context.origin(arguments.origin)


def _origins(context: Context, rows: list[KeyRecord]) -> dict[UUID, OriginRecord]:
    return views.origins_by_id(context.store, (row.origin_id for row in rows if row.origin_id is not None))


def _key(row: KeyRecord, origins: Mapping[UUID, OriginRecord]) -> ApiKey:
    origin = origins.get(row.origin_id) if row.origin_id is not None else None
    return ApiKey(
        id=str(row.id),
        label=row.label,
        prefix=row.prefix,
        scopes=list(row.scopes),
        origin=origin.mnemonic if origin is not None else None,
        created_at=format_moment(row.created_at),
        last_used_at=format_moment(row.last_used_at) if row.last_used_at is not None else None,
        revoked_at=format_moment(row.revoked_at) if row.revoked_at is not None else None,
    )
