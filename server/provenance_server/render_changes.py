"""What became of the issues whose status was to change, as compact JSON."""

from __future__ import annotations

from typing import Any

from provenance_server.answers import ChangedIssue, StatusOutcome, StatusOutcomes
from provenance_server.fitting import compact, cost, line
from provenance_server.render_facts import row_facts
from provenance_server.render_issue import issue_report
from provenance_server.render_limits import CHANGED_LEAST, CHANGED_MOST, CHANGED_ROW
from provenance_server.rendered import UNTRUSTED, Rendered

_TITLE, _WORD, _MESSAGE = 60, 40, 80
_HANDED_IN = 30


def render_change(answer: ChangedIssue) -> Rendered:
    """Return an issue whose status was to change."""
    reported = {"reported": issue_report(answer.reported, _TITLE, _WORD)}
    return Rendered(_changed(answer) | compact(reported), {**UNTRUSTED})


def _changed(issue: ChangedIssue) -> dict[str, Any]:
    facts = row_facts(issue, _WORD, known_origin=True)
    kept = {key: facts[key] for key in ("shortId", "status", "resolvedIn", "withheld") if key in facts}
    return kept | {"previousStatus": issue.previous_status.value, "changed": issue.changed}


def render_changes(answer: StatusOutcomes) -> Rendered:
    """Return what became of each issue; where that is too much, the refused stand first, and then as many as fit."""
    counts = {"changed": answer.changed, "refused": answer.refused}
    room = min(max(CHANGED_ROW * len(answer.items), CHANGED_LEAST), CHANGED_MOST) - cost({"items": [], **counts}) - 20
    rows = [_outcome(item) for item in answer.items]
    if sum(cost(row) + 1 for row in rows) <= room:
        return Rendered({"items": rows, **counts}, {**UNTRUSTED})
    shown: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda row: "error" not in row):
        room -= cost(row) + 1
        if room < 0:
            break
        shown.append(row)
    return Rendered({"items": shown, **counts, "cut": [f"{len(rows) - len(shown)} items"]}, {**UNTRUSTED})


def _outcome(item: StatusOutcome) -> dict[str, Any]:
    asked = {"issueId": line(item.issue_id, _HANDED_IN)}
    if item.issue is not None:
        return {"shortId": item.issue.short_id} | _changed(item.issue)
    if item.error is None:
        return asked
    return asked | {"error": {"code": item.error.code, "message": line(item.error.message, _MESSAGE)}}
