"""One event as compact JSON: facts of the server, and under `reported` what its sender said, within limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from provenance_core.events import Breadcrumb, Event, Request, User
from provenance_server.answers import EventDetail, Issue, IssueDetail, ReportedIssue
from provenance_server.arguments import Detail
from provenance_server.fitting import compact, given_line, line, to_second, value_line
from provenance_server.render_limits import EventLimits
from provenance_server.render_stack import render_stack
from provenance_server.render_values import data_text

_WORDS = 30
_CUT = "… (+"
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


def event_report(issue: IssueDetail, event: Event, limits: EventLimits, detail: Detail) -> dict[str, Any]:
    """Return what an event reports, the stack first; `cut` says what was left out and how to get it.

    Args:
        issue: The issue of the event: a tag that all its events agree on is not repeated.
        event: What was reported.
        limits: How much is shown.
        detail: What the reader asked for.
    """
    stack = render_stack(event, limits.stack)
    agreed = _agreed(issue, limits)
    tags, tags_cut = _tags(event, agreed, limits)
    crumbs = event.breadcrumbs[-limits.breadcrumbs :]
    cuts = [*stack.cuts, *tags_cut]
    if len(event.breadcrumbs) > len(crumbs):
        cuts.append(f"{len(event.breadcrumbs) - len(crumbs)} earlier breadcrumbs")
    if not limits.bag and (event.contexts or event.extra or (event.request and event.request.headers)):
        cuts.append("contexts, headers, extra")
    if (
        detail is Detail.FULL
        and sum(bool(frame.vars) for value in (event, *event.causes) for frame in value.frames) > 1
    ):
        cuts.append("variables of other frames")
    word = limits.word
    shown = {
        "stack": stack.text,
        "timestamp": _timestamp(event, issue.event, detail),
        "eventId": given_line(event.event_id, _WORDS) if detail is Detail.FULL else None,
        "release": given_line(event.release, word),
        "environment": given_line(event.environment, word),
        "transaction": given_line(event.transaction, word),
        "request": _request(event.request, limits) if event.request else None,
        "user": _user(event.user, limits) if event.user else None,
        "runtime": _joined(event.runtime.name, event.runtime.version) if event.runtime else None,
        "sdk": _joined(event.sdk.name, event.sdk.version) if event.sdk and detail is Detail.FULL else None,
        "serverName": given_line(event.server_name, _WORDS),
        "logger": given_line(event.logger, _WORDS) if detail is Detail.FULL else None,
        "tags": tags,
        "breadcrumbs": _breadcrumbs(crumbs, limits.breadcrumb),
        "contexts": value_line(event.contexts, limits.bag),
        "extra": value_line(event.extra, limits.bag),
        "trimmedAtIngest": len(event.marks.trimmed) or None,
        "scrubbedAtIngest": len(event.marks.scrubbed) or None,
    }
    if detail is Detail.CONCISE:
        said_above = agreed | ({"release": event.release} if event.release and released_once(issue) else {})
        shown = {key: value for key, value in shown.items() if not _is_told(key, event, said_above)}
    if _CUT in orjson.dumps(shown).decode():
        cuts.append("ends of long texts")
    said = [*dict.fromkeys(cuts), how_to_get_the_rest(detail, issue.short_id)] if cuts else None
    return compact(shown | {"cut": said})


def how_to_get_the_rest(detail: Detail, short_id: str) -> str:
    """Say how to get what was cut."""
    if detail is Detail.CONCISE:
        return "the rest: detail=full"
    return f"the rest: `provenance errors get {short_id} --json`, GET /api/error-issues/{short_id}"


def _agreed(issue: IssueDetail, limits: EventLimits) -> dict[str, str]:
    """Return the tags that all events of an issue agree on, and that are shown of it."""
    shown = issue.reported.tags[: limits.tags]
    return {
        tag.key: tag.values[0].value
        for tag in shown
        if len(tag.values) == 1 and tag.values[0].event_count == issue.event_count
    }


def _tags(event: Event, agreed: Mapping[str, str], limits: EventLimits) -> tuple[dict[str, str], list[str]]:
    """Return the tags in which an event differs from what all events of its issue say."""
    left = {key: value for key, value in event.tags.items() if agreed.get(key) != value}
    shown = pairs(left, limits.tags, limits.tag)
    return shown, [f"{len(left) - limits.tags} tags"] if len(left) > limits.tags else []


def pairs(entries: Mapping[str, str], most: int, tokens: int) -> dict[str, str]:
    """Return the first names and values as lines."""
    return {line(key, tokens): line(value, tokens) for key, value in list(entries.items())[:most] if value}


def _is_told(field: str, event: Event, agreed: Mapping[str, str]) -> bool:
    """Say whether what an event says of a field stands among what all events of its issue say."""
    runtime = " ".join(part for part in (event.runtime.name, event.runtime.version) if part) if event.runtime else None
    said = {
        "release": ("release", event.release),
        "environment": ("environment", event.environment),
        "transaction": ("transaction", event.transaction),
        "runtime": ("runtime", runtime),
        "serverName": ("server_name", event.server_name),
    }
    tag, value = said.get(field, ("", None))
    return value is not None and agreed.get(tag) == value


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
            "headers": pairs(request.headers, limits.headers, limits.breadcrumb),
            "data": value_line(request.data, limits.bag // 2),
        }
    )


def _user(user: User, limits: EventLimits) -> dict[str, str]:
    told = {"id": user.id, "email": user.email, "username": user.username, "ip": user.ip}
    return compact({key: given_line(value, limits.word) for key, value in told.items()})


def _breadcrumbs(crumbs: Sequence[Breadcrumb], tokens: int) -> list[str]:
    """Return each breadcrumb as a line; the second is told where it is another than that of the one before."""
    times = [re.sub(r"^.*T|\.\d+|Z$", "", crumb.timestamp or "") for crumb in crumbs]
    return [
        _breadcrumb(crumb, time if time != before else "", tokens)
        for crumb, time, before in zip(crumbs, times, ["", *times], strict=False)
    ]


def _breadcrumb(crumb: Breadcrumb, time: str, tokens: int) -> str:
    """Return time, category, level, message and data of a breadcrumb."""
    level = crumb.level if crumb.level not in (None, "info") else None
    data = data_text(crumb.data)
    parts = (time, crumb.category or crumb.type, level, crumb.message, data)
    return line(" ".join(part for part in parts if part), tokens)


def _joined(*parts: str | None) -> str | None:
    return given_line(" ".join(part for part in parts if part), _WORDS)
