"""One issue with one of its events as compact JSON, within the tokens that its reader can spend."""

from __future__ import annotations

from typing import Any

import orjson

from provenance_core.events import ErrorAction
from provenance_server.answers import IssueDetail, ReportedIssue
from provenance_server.arguments import Detail
from provenance_server.fitting import CUT, compact, cost, given_line
from provenance_server.render_event import event_report, first_release, how_to_get_the_rest
from provenance_server.render_facts import Facts, issue_facts
from provenance_server.render_limits import DETAIL, EventLimits, event_steps
from provenance_server.render_tags import LONG_TEXTS, Tags, issue_tags
from provenance_server.rendered import UNTRUSTED, Rendered

_REPORTED = "reported"


def render_issue(answer: IssueDetail, detail: Detail = Detail.CONCISE) -> Rendered:
    """Return an issue with one of its events: what it is, what the event says, and what happened to it over time."""
    facts = issue_facts(answer, detail)
    told: dict[str, Any] = {}
    event: dict[str, Any] = {}
    for limits in event_steps(detail):
        tags = issue_tags(answer, limits)
        told = _told(answer, tags, limits, detail)
        event = _event(answer, facts, tags, limits, detail)
        if facts.cost + cost([told, event.get(_REPORTED)]) <= DETAIL[detail]:
            break
    return Rendered(compact({**facts.before, _REPORTED: told, "event": event, **facts.after}), {**UNTRUSTED})


def _event(answer: IssueDetail, facts: Facts, tags: Tags, limits: EventLimits, detail: Detail) -> dict[str, Any]:
    if answer.event is None or answer.event.reported is None:
        return facts.event
    return facts.event | {_REPORTED: event_report(answer, answer.event.reported, tags, limits, detail)}


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


def _told(answer: IssueDetail, tags: Tags, limits: EventLimits, detail: Detail) -> dict[str, Any]:
    told = answer.reported
    shown = issue_report(told, limits.title, limits.word) | compact(
        {
            "handled": None if detail is Detail.CONCISE and _says_so(answer) else told.handled,
            "platform": given_line(told.platform, limits.word),
            "firstRelease": given_line(first_release(told, detail), limits.word),
            "standsOut": tags.stands_out,
            "tags": tags.shown,
            "fingerprint": given_line(told.fingerprint, limits.word) if detail is Detail.FULL else None,
        }
    )
    cuts = [*tags.cuts, *([LONG_TEXTS] if CUT in orjson.dumps(shown).decode() else [])]
    if cuts:
        shown["cut"] = [*dict.fromkeys(cuts), how_to_get_the_rest(detail, answer.short_id)]
    return shown


def _says_so(answer: IssueDetail) -> bool:
    """Say whether the event's action tells whether the error was handled."""
    action = answer.event.action if answer.event else None
    return action is (ErrorAction.CAUGHT if answer.reported.handled else ErrorAction.UNHANDLED)
