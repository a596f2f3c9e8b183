"""Find an event by what people have of it."""

from __future__ import annotations

from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput, NotFound
from provenance_core.ids import parse_uuid
from provenance_storage.records import InteractionRecord
from provenance_storage.store import Store


def find_event(store: Store, reference: str, origin: str | None) -> InteractionRecord:
    """Return the event that an id names, ours or its sender's.

    Args:
        store: Where it is.
        reference: The id.
        origin: Whose event it is, where that is said.

    Raises:
        NotFound: It names none.
        InvalidInput: Several origins have an event that its sender calls so.
    """
    origins = [store.origins.find(origin).id] if origin else None
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
