"""Operations on the directory: origins, resource types and actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from provenance_core.errors import Forbidden
from provenance_server import answers, views
from provenance_server.arguments import (
    CreateOrigin,
    CreateWord,
    GetById,
    ListAll,
    UpdateOrigin,
    UpdateWord,
)
from provenance_server.context import Context
from provenance_server.cursors import read_position, write_cursor
from provenance_server.operation import implements
from provenance_server.operations import (
    CREATE_ACTION,
    CREATE_ORIGIN,
    CREATE_RESOURCE_TYPE,
    DELETE_ACTION,
    DELETE_ORIGIN,
    DELETE_RESOURCE_TYPE,
    GET_ACTION,
    GET_ORIGIN,
    GET_RESOURCE_TYPE,
    LIST_ACTIONS,
    LIST_ORIGINS,
    LIST_RESOURCE_TYPES,
    UPDATE_ACTION,
    UPDATE_ORIGIN,
    UPDATE_RESOURCE_TYPE,
)
from provenance_storage.records import NamedRecord, OriginRecord
from provenance_storage.vocabulary import Vocabulary

CLIENT_REASON = "client_"
"""How the reason of a discard begins that a client report told."""

Row = TypeVar("Row", OriginRecord, NamedRecord)


@implements(LIST_ORIGINS)
def list_origins(context: Context, arguments: ListAll) -> answers.OriginList:
    """List the origins, oldest first."""
    pinned = context.pinned
    rows = [pinned] if pinned is not None else context.store.origins.all()
    shown, cursor = _page(arguments, rows, lambda row: (row.number, row.id))
    return answers.OriginList(items=[views.origin(row) for row in shown], total=len(rows), next_cursor=cursor)


@implements(CREATE_ORIGIN)
def create_origin(context: Context, arguments: CreateOrigin) -> answers.Origin:
    """Create an origin; it gets a number and a public key, which make its DSN."""
    refuse_pinned(context)
    mnemonic = arguments.mnemonic.lower()
    name = arguments.name or arguments.mnemonic
    made = context.store.origins.create(mnemonic, name, arguments.description, arguments.config, by=context.actor)
    return views.origin(made)


@implements(GET_ORIGIN)
def get_origin(context: Context, arguments: GetById) -> answers.OriginDetail:
    """Read one origin by id, number or mnemonic, with what it sent that was not kept."""
    row = context.origin(arguments.id)
    ours: list[answers.Discard] = []
    theirs: list[answers.Discard] = []
    for (category, reason), items in sorted(context.store.discarded(row.id).items()):
        told = reason.removeprefix(CLIENT_REASON)
        kept = ours if told == reason else theirs
        kept.append(answers.Discard(category=category, reason=told, items=items))
    reported = answers.ReportedOrigin(discarded=theirs)
    return answers.OriginDetail(**dict(views.origin(row)), discarded=ours, reported=reported)


@implements(UPDATE_ORIGIN)
def update_origin(context: Context, arguments: UpdateOrigin) -> answers.Origin:
    """Change an origin; what is left out stays."""
    row = context.origin(arguments.id)
    given = arguments.model_dump(include={"mnemonic", "name", "description", "config"}, exclude_unset=True)
    return views.origin(context.store.origins.update(row.id, given, by=context.actor))


@implements(DELETE_ORIGIN)
def delete_origin(context: Context, arguments: GetById) -> answers.Deleted:
    """Delete an origin that has recorded nothing."""
    row = context.origin(arguments.id)
    context.store.origins.delete(row.id, by=context.actor)
    return answers.Deleted(id=str(row.id))


@implements(LIST_RESOURCE_TYPES)
def list_resource_types(context: Context, arguments: ListAll) -> answers.WordList:
    """List the resource types, the system's first."""
    return _list_words(context.store.resource_types, arguments)


@implements(CREATE_RESOURCE_TYPE)
def create_resource_type(context: Context, arguments: CreateWord) -> answers.Word:
    """Create a resource type."""
    return _create_word(context, context.store.resource_types, arguments)


@implements(GET_RESOURCE_TYPE)
def get_resource_type(context: Context, arguments: GetById) -> answers.Word:
    """Read one resource type by id or mnemonic."""
    return views.word(context.store.resource_types.find(arguments.id))


@implements(UPDATE_RESOURCE_TYPE)
def update_resource_type(context: Context, arguments: UpdateWord) -> answers.Word:
    """Change a resource type that is not the system's."""
    return _update_word(context, context.store.resource_types, arguments)


@implements(DELETE_RESOURCE_TYPE)
def delete_resource_type(context: Context, arguments: GetById) -> answers.Deleted:
    """Delete a resource type that no interaction uses and that is not the system's."""
    return _delete_word(context, context.store.resource_types, arguments)


@implements(LIST_ACTIONS)
def list_actions(context: Context, arguments: ListAll) -> answers.WordList:
    """List the actions, the system's first."""
    return _list_words(context.store.actions, arguments)


@implements(CREATE_ACTION)
def create_action(context: Context, arguments: CreateWord) -> answers.Word:
    """Create an action."""
    return _create_word(context, context.store.actions, arguments)


@implements(GET_ACTION)
def get_action(context: Context, arguments: GetById) -> answers.Word:
    """Read one action by id or mnemonic."""
    return views.word(context.store.actions.find(arguments.id))


@implements(UPDATE_ACTION)
def update_action(context: Context, arguments: UpdateWord) -> answers.Word:
    """Change an action that is not the system's."""
    return _update_word(context, context.store.actions, arguments)


@implements(DELETE_ACTION)
def delete_action(context: Context, arguments: GetById) -> answers.Deleted:
    """Delete an action that no interaction uses and that is not the system's."""
    return _delete_word(context, context.store.actions, arguments)


def refuse_pinned(context: Context) -> None:
    """Refuse a caller for whom there is one origin only: this belongs to none, or would be another.

    Raises:
        Forbidden: It is such a caller.
    """
    if context.access.origin is not None:
        raise Forbidden(
            "This belongs to more than the one origin that the caller is bound to; leave --origin, or the header "
            "x-provenance-origin, out."
        )


def _list_words(words: Vocabulary, arguments: ListAll) -> answers.WordList:
    rows = words.all()
    shown, cursor = _page(arguments, rows, lambda row: (row.created_at, row.id))
    return answers.WordList(items=[views.word(row) for row in shown], total=len(rows), next_cursor=cursor)


def _create_word(context: Context, words: Vocabulary, arguments: CreateWord) -> answers.Word:
    refuse_pinned(context)
    name = arguments.name or arguments.mnemonic
    return views.word(words.create(arguments.mnemonic.upper(), name, arguments.description, by=context.actor))


def _update_word(context: Context, words: Vocabulary, arguments: UpdateWord) -> answers.Word:
    refuse_pinned(context)
    row = words.find(arguments.id)
    mnemonic = (arguments.mnemonic or row.mnemonic).upper()
    name, description = arguments.name or row.name, arguments.description or row.description
    return views.word(words.update(row, mnemonic, name, description, by=context.actor))


def _delete_word(context: Context, words: Vocabulary, arguments: GetById) -> answers.Deleted:
    refuse_pinned(context)
    row = words.find(arguments.id)
    words.delete(row, by=context.actor)
    return answers.Deleted(id=str(row.id))


def _page(
    arguments: ListAll, rows: Sequence[Row], key: Callable[[Row], tuple[int, UUID]]
) -> tuple[Sequence[Row], str | None]:
    """Return one page of rows that are all at hand, and the cursor of the next."""
    after = read_position(arguments, arguments.cursor)
    left = sorted((row for row in rows if after is None or key(row) > after), key=key)
    shown = left[: arguments.limit]
    cursor = None
    if len(left) > len(shown):
        number, identity = key(shown[-1])
        cursor = write_cursor(arguments, (number,), identity)
    return shown, cursor
