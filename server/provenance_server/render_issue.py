"""One issue with one of its events as compact JSON, within the tokens that its reader can spend."""

from __future__ import annotations

from typing import Any

from provenance_core.events import ErrorAction
from provenance_server.answers import IssueDetail, ReportedIssue
from provenance_server.arguments import Detail
from provenance_server.fitting import compact, cost, given_line, line
from provenance_server.render_event import event_report, first_release
from provenance_server.render_facts import Facts, issue_facts
from provenance_server.render_limits import DETAIL, EventLimits, event_steps
from provenance_server.rendered import UNTRUSTED, Rendered

_REPORTED = "reported"
_TOLD = frozenset({"level", "handled"})
"""Tags that say again what stands beside them, unless events differ."""


def render_issue(answer: IssueDetail, detail: Detail = Detail.CONCISE) -> Rendered:
    """Return an issue with one of its events: what it is, what the event says, and what happened to it over time."""
    facts = issue_facts(answer, detail)
    told: dict[str, Any] = {}
    event: dict[str, Any] = {}
    for limits in event_steps(detail):
        told = _told(answer, limits, detail)
        event = _event(answer, facts, limits, detail)
        if facts.cost + cost([told, event.get(_REPORTED)]) <= DETAIL[detail]:
            break
    return Rendered(compact({**facts.before, _REPORTED: told, "event": event, **facts.after}), {**UNTRUSTED})


def _event(answer: IssueDetail, facts: Facts, limits: EventLimits, detail: Detail) -> dict[str, Any]:
    if answer.event is None or answer.event.reported is None:
        return facts.event
    reported = event_report(answer, answer.event.reported, limits, detail)
    return facts.event | {_REPORTED: reported}


def issue_report(told: ReportedIssue, title: int, word: int) -> dict[str, Any]:
    """Return what events said of an issue, as a list shows it."""
    return compact(
        {
            "title": given_line(told.title, title),
            "culprit": given_line(told.culprit, word),
            "level": told.level.value if told.level else None,
            "lastRelease": given_line(told.last_release, word),
            "resolvedIn": given_line(told.resolved_in, word),
        }
    )


def _told(answer: IssueDetail, limits: EventLimits, detail: Detail) -> dict[str, Any]:
    told = answer.reported
    return issue_report(told, limits.title, limits.word) | compact(
        {
            "handled": None if detail is Detail.CONCISE and _says_so(answer) else told.handled,
            "platform": given_line(told.platform, limits.word),
            "firstRelease": given_line(first_release(told, detail), limits.word),
            "standsOut": {
                line(f"{entry.key}={entry.value}", limits.tag * 2): _shares(entry.share, entry.elsewhere)
                for entry in told.stands_out[: limits.stands_out]
            },
            "tags": {
                line(tag.key, limits.tag): {
                    line(value.value, limits.tag): value.event_count for value in tag.values[: limits.tag_values]
                }
                for tag in told.tags[: limits.tags]
                if tag.key not in _TOLD or len(tag.values) > 1
            },
            "fingerprint": given_line(told.fingerprint, limits.word) if detail is Detail.FULL else None,
        }
    )


def _says_so(answer: IssueDetail) -> bool:
    """Say whether the event's action tells whether the error was handled."""
    action = answer.event.action if answer.event else None
    return action is (ErrorAction.CAUGHT if answer.reported.handled else ErrorAction.UNHANDLED)


def _shares(here: float, elsewhere: float) -> str:
    return f"{here:.0%} here, {elsewhere:.0%} elsewhere"
