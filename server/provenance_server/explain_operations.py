"""The operation that says why an event is in its issue."""

from __future__ import annotations

import orjson

from provenance_core.errors import InvalidInput
from provenance_core.events import ErrorValue, Event
from provenance_core.fingerprint import ALGORITHMS, Basis, Fingerprint, Strategy, fingerprint
from provenance_core.frame_roles import FrameRole
from provenance_server import grouping_answers, views
from provenance_server.arguments import ExplainGrouping
from provenance_server.context import Context
from provenance_server.event_lookup import find_event
from provenance_server.grouping_answers import Agreement
from provenance_server.operation import implements
from provenance_server.operations import EXPLAIN_GROUPING


@implements(EXPLAIN_GROUPING)
def explain_grouping(context: Context, arguments: ExplainGrouping) -> grouping_answers.Grouping:
    """Explain why an event is in its issue: what its fingerprint is made of, and which frames do not count and why."""
    store = context.store
    row = find_event(context, arguments.id, arguments.origin)
    if row.issue_id is None:
        raise InvalidInput("Only events are grouped into issues; this interaction is of another resource type.")
    origin = store.origins.all([row.origin_id])[0]
    issue = store.issues.find(str(row.issue_id), row.origin_id)
    event = Event.model_validate(orjson.loads(store.interactions.payload(row))["interaction"])
    strategy = origin.config.error_tracking.fingerprinting
    found = fingerprint(event, strategy)
    return grouping_answers.Grouping(
        id=str(row.id),
        origin=origin.mnemonic,
        issue_id=str(issue.id),
        short_id=views.short_id(origin, issue),
        strategy=strategy,
        version=found.version,
        issue_version=issue.fingerprint_version,
        decided_by=found.basis,
        agreement=_agreement(event, row.resource_id, found),
        reported=grouping_answers.ReportedGrouping(
            event_id=row.event_id,
            fingerprint=row.resource_id,
            computed=found.key,
            issue_fingerprint=issue.fingerprint,
            parts=list(found.parts),
            errors=[views.grouped_error(*entry) for entry in _roles(event, strategy, found)],
        ),
    )


def _agreement(event: Event, stored: str | None, found: Fingerprint) -> Agreement:
    """Say how the stored key was made, where it is not what is computed today."""
    if stored == found.key:
        return Agreement.CURRENT
    if any(stored == fingerprint(event, strategy).key for strategy in Strategy):
        return Agreement.OTHER_STRATEGY
    older = (fingerprint(event, strategy, version) for version in ALGORITHMS[1:] for strategy in Strategy)
    return Agreement.OLDER_VERSION if any(stored == one.key for one in older) else Agreement.UNKNOWN


def _roles(event: Event, strategy: Strategy, found: Fingerprint) -> list[tuple[ErrorValue, list[FrameRole]]]:
    """Return each exception with what its frames do, where the stack was looked at."""
    is_looked_at = strategy is not Strategy.MESSAGE and found.basis is not Basis.EXPLICIT
    return ALGORITHMS[0].stack_roles(event) if is_looked_at else []
