"""Operations on interactions: record one, list them, read one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import orjson

from provenance_core import limits
from provenance_core.access import Scope
from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput, NotFound, Unavailable
from provenance_core.events import ErrorAction, Marks
from provenance_core.free_json import clean_json
from provenance_core.ids import parse_uuid
from provenance_core.moments import parse_instant, parse_moment
from provenance_server import answers, views
from provenance_server.arguments import GetById, ListInteractions, RecordInteraction
from provenance_server.context import Context
from provenance_server.cursors import read_position, write_cursor
from provenance_server.ingest import InteractionFields, check_size, from_payload, pack
from provenance_server.operation import implements
from provenance_server.operations import GET_INTERACTION, LIST_INTERACTIONS, RECORD_INTERACTION
from provenance_storage.interactions import InteractionFilters
from provenance_storage.records import InteractionRecord, NamedRecord, NewInteraction, OriginRecord, Recorded
from provenance_storage.store import Store
from provenance_storage.system import ACTION_IDS, ERROR_TYPE_ID

WRITE_SECONDS = 60
"""How long a caller waits for the writer before it is told that the store does not answer."""

ERROR_ACTIONS = frozenset(ACTION_IDS.values())
Row = TypeVar("Row", OriginRecord, NamedRecord)


@implements(RECORD_INTERACTION)
def record_interaction(context: Context, arguments: RecordInteraction) -> answers.Interaction:
    """Record an interaction; one of resource type ERROR is an event and is grouped into an issue."""
    store = context.store
    origin = _named("origin", arguments.origin, arguments.origin_id, context.origin)
    kind = _named("resourceType", arguments.resource_type, arguments.resource_type_id, store.resource_types.find)
    check_size(_size(arguments.interaction))
    around = InteractionFields(
        resource_id=arguments.resource_id,
        uow_id=arguments.uow_id,
        user_id=arguments.user_id,
        span_id=arguments.span_id,
        parent_span_id=arguments.parent_span_id,
        interaction_at=parse_instant(arguments.interaction_timestamp) if arguments.interaction_timestamp else None,
        external_reference=arguments.external_reference,
        external_response=arguments.external_response,
    )
    if kind.id == ERROR_TYPE_ID:
        resolve = context.source_maps.resolver(origin.id)
        new = from_payload(
            origin, arguments.interaction, context.via, around, resolve=resolve, sender_hash=context.sender_hash
        )
        if arguments.action is not None or arguments.action_id is not None:
            new = replace(new, action_id=_error_action(store, arguments).id)
    else:
        action = _named("action", arguments.action, arguments.action_id, store.actions.find)
        new = _plain(context, origin, (kind, action), arguments.interaction, around)
    recorded = _recorded(context, new)
    row = store.interactions.find(recorded.id, [origin.id])
    if row is None:
        raise NotFound("The interaction was recorded before and has been removed since.")
    shown = _full(store, row).model_copy(update={"duplicate": recorded.duplicate})
    if not context.access.may(Scope.READ):  # who may only send is not told what another sent under the same id
        shown = shown.model_copy(update={"reported": answers.ReportedInteraction()})
    return shown


def _recorded(context: Context, new: NewInteraction) -> Recorded:
    try:
        return context.recorder.submit(new).result(WRITE_SECONDS)
    except TimeoutError:
        raise Unavailable(
            f"The store did not take the interaction within {WRITE_SECONDS} seconds; try again."
        ) from None


@implements(LIST_INTERACTIONS)
def list_interactions(context: Context, arguments: ListInteractions) -> answers.InteractionList:
    """List interactions, newest first, without what they carried."""
    store = context.store
    now = store.clock()
    after = read_position(arguments, arguments.cursor)
    filters = InteractionFilters(
        origin_id=context.origin_id(arguments.origin),
        resource_type_id=store.resource_types.find(arguments.resource_type).id if arguments.resource_type else None,
        action_id=store.actions.find(arguments.action).id if arguments.action else None,
        resource_id=arguments.resource_id,
        since=parse_moment(arguments.since, now) if arguments.since else None,
        until=parse_moment(arguments.until, now) if arguments.until else None,
    )
    rows, total = store.interactions.list(filters, arguments.limit + 1, after)
    shown = rows[: arguments.limit]
    origins = views.origins_by_id(store, (row.origin_id for row in shown))
    words = _words(store)
    cursor = None
    if len(rows) > len(shown):
        cursor = write_cursor(arguments, (shown[-1].received_at,), shown[-1].id)
    items = [views.interaction(row, origins, words) for row in shown]
    return answers.InteractionList(items=items, total=total, next_cursor=cursor)


@implements(GET_INTERACTION)
def get_interaction(context: Context, arguments: GetById) -> answers.Interaction:
    """Read one interaction with what it carried."""
    identity = parse_uuid(arguments.id)
    within = context.origin_id(None)
    among = [within] if within is not None else None
    row = context.store.interactions.find(identity, among) if identity else None
    if row is None:
        raise NotFound(f"No interaction {quoted(arguments.id)}. List the interactions to see their ids.")
    return _full(context.store, row)


def _full(store: Store, row: InteractionRecord) -> answers.Interaction:
    shown = views.interaction(row, views.origins_by_id(store, [row.origin_id]), _words(store))
    payload: dict[str, Any] = orjson.loads(store.interactions.payload(row))
    marks = Marks.model_validate(payload["marks"]) if "marks" in payload else None
    carried = {
        "interaction": payload.get("interaction"),
        "external_response": payload.get("externalResponse"),
        "marks": marks,
    }
    return shown.model_copy(update={"reported": shown.reported.model_copy(update=carried)})


def _words(store: Store) -> dict[UUID, NamedRecord]:
    return {word.id: word for word in (*store.resource_types.all(), *store.actions.all())}


def _size(content: object) -> int:
    """Return the bytes of a content as JSON; of what is not storable as sent, those of what would be kept."""
    try:
        return len(orjson.dumps(content, default=str))
    except TypeError:
        return len(orjson.dumps(clean_json(content, 2 * limits.MAX_EVENT_BYTES).value))


def _plain(
    context: Context,
    origin: OriginRecord,
    words: tuple[NamedRecord, NamedRecord],
    content: object,
    around: InteractionFields,
) -> NewInteraction:
    """Prepare an interaction that is no error, told in a resource type and an action."""
    kept = clean_json(content, limits.MAX_EVENT_BYTES)
    body = pack(orjson.dumps(kept.value), around.external_response, kept.marks)
    return around.new(origin.id, (words[0].id, words[1].id), context.via, body, context.sender_hash)


def _error_action(store: Store, arguments: RecordInteraction) -> NamedRecord:
    action = _named("action", arguments.action, arguments.action_id, store.actions.find)
    if action.id not in ERROR_ACTIONS:
        known = ", ".join(ErrorAction)
        raise InvalidInput(f"An interaction of resource type ERROR has one of the actions {known}.")
    return action


def _named(argument: str, mnemonic: str | None, identity: str | None, find: Callable[[str], Row]) -> Row:
    """Return what a mnemonic, an id, or both together name.

    Raises:
        InvalidInput: Neither is given, the id is none, or the two disagree.
    """
    if mnemonic is None and identity is None:
        raise InvalidInput(f"`{argument}` is required: a mnemonic, or an id as `{argument}Id`.")
    if identity is not None and parse_uuid(identity) is None:
        raise InvalidInput(f"`{argument}Id` must be a UUID; give a mnemonic as `{argument}`.")
    by_id = find(identity) if identity is not None else None
    by_name = find(mnemonic) if mnemonic is not None else None
    if by_id is not None and by_name is not None and by_id.id != by_name.id:
        raise InvalidInput(f"`{argument}` and `{argument}Id` name different ones; give one of them.")
    found = by_id or by_name
    if found is None:
        raise AssertionError("one of the two was given and found")
    return found
