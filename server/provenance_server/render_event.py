"""One event as compact JSON: facts of the server, and under `reported` what its sender said, within limits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson

from provenance_core.events import Event, Request, User
from provenance_server.answers import EventDetail, Issue, IssueDetail, ReportedIssue
from provenance_server.arguments import Detail
from provenance_server.fitting import CUT, compact, given_line, line, to_second, value_line
from provenance_server.render_breadcrumbs import breadcrumb_lines
from provenance_server.render_limits import EventLimits
from provenance_server.render_stack import render_stack
from provenance_server.render_tags import LONG_TEXTS, Tags, event_tags

_WORDS = 30
_SOON = timedelta(minutes=1)


def event_facts(issue: IssueDetail, event: EventDetail, words: int, detail: Detail) -> dict[str, Any]:
    """Return what the server knows of an event; the moment of the issue's last one stands there."""
    told_above = detail is Detail.CONCISE and event.received_at == issue.last_seen
    return compact(
        {
            "id": event.id,
            "receivedAt": None if told_above else to_second(event.received_at),
            "action": event.action.value,
            "via": event.via.value,
            "matched": event.matched or None,
            "framesMatched": f"{event.frames_matched}/{event.frames}" if event.frames_matched else None,
            "withheld": event.withheld,
            "release": None if detail is Detail.CONCISE and released_once(issue) else given_line(event.release, words),
        }
    )


def released_once(issue: IssueDetail) -> bool:
    """Say whether one release had all events: what there is to tell of it stands at the top of the issue."""
    told = issue.last_release or issue.reported.last_release
    return told is not None and [entry.event_count for entry in issue.releases] == [issue.event_count]


def first_release(told: Issue | ReportedIssue, detail: Detail | None) -> str | None:
    """Return in which release an issue was first met, where that is to be told."""
    if detail is Detail.FULL or (detail is Detail.CONCISE and told.first_release != told.last_release):
        return told.first_release
    return None


def event_report(issue: IssueDetail, event: Event, told: Tags, limits: EventLimits, detail: Detail) -> dict[str, Any]:
    """Return what an event reports, the stack first; `cut` says what was left out and how to get it.

    Args:
        issue: The issue of the event.
        event: What was reported.
        told: The tags that are shown of the issue: what all events agree on is not repeated in a concise answer.
        limits: How much is shown.
        detail: What the reader asked for.
    """
    stack = render_stack(event, limits.stack)
    tags, tags_cut = event_tags(issue, event, limits, detail)
    crumbs = event.breadcrumbs[-limits.breadcrumbs :]
    shown: dict[str, Any] = {
        "stack": stack.text,
        "timestamp": _timestamp(event, issue.event, detail),
        **_where(issue, event, told, limits.word, detail),
        "request": _request(event.request, limits) if event.request else None,
        "user": _user(event.user, limits) if event.user else None,
        "tags": tags,
        "breadcrumbs": breadcrumb_lines(crumbs, event.timestamp, limits.breadcrumb),
        "contexts": value_line(event.contexts, limits.bag),
        "extra": value_line(event.extra, limits.bag),
        "trimmedAtIngest": len(event.marks.trimmed) or None,
        "scrubbedAtIngest": len(event.marks.scrubbed) or None,
    }
    cuts = [*stack.cuts, *tags_cut]
    if len(event.breadcrumbs) > len(crumbs):
        cuts.append(f"{len(event.breadcrumbs) - len(crumbs)} earlier breadcrumbs")
    if not limits.bag:
        cuts.extend(_bags(event))
    if CUT in orjson.dumps(shown).decode():
        cuts.append(LONG_TEXTS)
    said = [*dict.fromkeys(cuts), how_to_get_the_rest(detail, issue.short_id)] if cuts else None
    return compact(shown | {"cut": said})


def _bags(event: Event) -> list[str]:
    """Return the names of what an event carries beside what has a place of its own."""
    request = event.request or Request()
    bags = {
        "contexts": event.contexts,
        "headers": request.headers,
        "request body": request.data,
        "extra": event.extra,
    }
    carried = [name for name, bag in bags.items() if bag not in (None, {}, [], "")]
    return [", ".join(carried)] if carried else []


def _where(issue: IssueDetail, event: Event, told: Tags, word: int, detail: Detail) -> dict[str, str | None]:
    """Return where it happened; of a concise answer what the issue does not tell already."""
    level = event.level.value if issue.reported.level is not None and event.level is not issue.reported.level else None
    runtime = _joined(event.runtime.name, event.runtime.version) if event.runtime else None
    shown = {
        "level": level,
        "release": given_line(event.release, word),
        "environment": given_line(event.environment, word),
        "transaction": given_line(event.transaction, word),
        "runtime": given_line(runtime, _WORDS),
        "serverName": given_line(event.server_name, _WORDS),
    }
    if detail is Detail.FULL:
        other = {
            "eventId": given_line(event.event_id, _WORDS),
            "dist": given_line(event.dist, _WORDS),
            "sdk": given_line(_joined(event.sdk.name, event.sdk.version), _WORDS) if event.sdk else None,
            "logger": given_line(event.logger, _WORDS),
        }
        return shown | other
    told_above = {
        "release": released_once(issue),
        "environment": told.tells("environment", event.environment),
        "transaction": told.tells("transaction", event.transaction),
        "runtime": told.tells("runtime", runtime),
        "serverName": told.tells("server_name", event.server_name),
    }
    return {key: value for key, value in shown.items() if not told_above.get(key)}


def how_to_get_the_rest(detail: Detail, short_id: str) -> str:
    """Say how to get what was cut."""
    if detail is Detail.CONCISE:
        return "the rest: detail=full"
    return f"the rest: `provenance errors get {short_id} --json`, GET /api/error-issues/{short_id}"


def _timestamp(event: Event, told: EventDetail | None, detail: Detail) -> str | None:
    """Return when the sender says that it happened; not where that is about when it was received."""
    if event.timestamp is None:
        return None
    if detail is Detail.CONCISE and told is not None:
        apart = datetime.fromisoformat(told.received_at) - datetime.fromisoformat(event.timestamp)
        if abs(apart) < _SOON:
            return None
    return to_second(event.timestamp)


def _request(request: Request, limits: EventLimits) -> dict[str, Any]:
    told = " ".join(part for part in (request.method, request.url) if part)
    return compact(
        {
            "line": given_line(told, limits.request),
            "query": given_line(request.query, limits.request // 2),
            "status": request.status_code,
            "headers": {
                line(name, limits.breadcrumb): line(value, limits.breadcrumb)
                for name, value in list(request.headers.items())[: limits.headers]
            },
            "data": value_line(request.data, limits.bag // 2),
        }
    )


def _user(user: User, limits: EventLimits) -> dict[str, str]:
    told = {"id": user.id, "email": user.email, "username": user.username, "ip": user.ip}
    return compact({key: given_line(value, limits.word) for key, value in told.items()})


def _joined(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)
