"""Change the status of several issues at once, each with its own outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provenance_core.errors import ProvenanceError, Unavailable
from provenance_server.answers import ChangedIssue, Refusal, StatusOutcome, StatusOutcomes
from provenance_server.client import Client
from provenance_server.operations import UPDATE_ERROR_ISSUE_STATUS


def update_statuses(client: Client, issue_ids: Iterable[str], change: Mapping[str, Any]) -> StatusOutcomes:
    """Ask for the same change of each issue and return what became of each.

    Args:
        client: Where to ask.
        issue_ids: Ids or short ids.
        change: The other arguments of the status update.

    Raises:
        Unavailable: The store or server cannot be reached from the first issue on.
    """
    items: list[StatusOutcome] = []
    for issue_id in issue_ids:
        items.append(_update(client, issue_id, change, first=not items))
    changed = sum(1 for item in items if item.issue is not None and item.issue.changed)
    return StatusOutcomes(items=items, changed=changed, refused=sum(1 for item in items if item.error is not None))


def _update(client: Client, issue_id: str, change: Mapping[str, Any], *, first: bool) -> StatusOutcome:
    try:
        issue: ChangedIssue = client.call(UPDATE_ERROR_ISSUE_STATUS, {**change, "issueId": issue_id})
    except ProvenanceError as error:
        if first and isinstance(error, Unavailable):
            raise
        refusal = Refusal(code=error.code, message=error.message, details=error.details)
        return StatusOutcome(issue_id=issue_id, error=refusal)
    return StatusOutcome(issue_id=issue_id, issue=issue)
