"""Find an event by what people have of it."""

from __future__ import annotations

from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput, NotFound
from provenance_core.ids import parse_uuid
from provenance_server.context import Context
from provenance_storage.records import InteractionRecord


def find_event(context: Context, reference: str, origin: str | None) -> InteractionRecord:
    """Return the event that an id names, ours or its sender's.

    Args:
        context: Where it is, and who asks.
        reference: The id.
        origin: Whose event it is, where that is said.

    Raises:
        NotFound: It names none.
        InvalidInput: Several origins have an event that its sender calls so.
    """
    store, within = context.store, context.origin_id(origin)
    origins = [within] if within is not None else None
    identity = parse_uuid(reference)
    found = store.interactions.find(identity, origins) if identity else None
    if found is not None:
        return found
    told = identity.hex if identity else reference
    among = origins or [one.id for one in store.origins.all()]
    sent = [row for origin_id in among if (row := store.interactions.by_event_id(origin_id, told)) is not None]
    if not sent:
        raise NotFound(f"No event {quoted(reference)}. List the events of an issue to see their ids.")
    if len(sent) > 1:
        raise InvalidInput(f"{len(sent)} origins have an event {quoted(reference)}; say which with `origin`.")
    return sent[0]
