"""One event as compact JSON: facts of the server, and under `reported` what its sender said, within limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from provenance_core.events import Breadcrumb, Event, Request, User
from provenance_server.answers import EventDetail, ReportedDetail
from provenance_server.arguments import Detail
from provenance_server.fitting import compact, given_line, json_line, line, to_second
from provenance_server.render_limits import EventLimits
from provenance_server.render_stack import render_stack

_WORDS = 30
_CUT = "… (+"


def event_facts(event: EventDetail, version_tokens: int) -> dict[str, Any]:
    """Return what the server knows of an event."""
    return compact(
        {
            "id": event.id,
            "receivedAt": to_second(event.received_at),
            "action": event.action.value,
            "via": event.via.value,
            "matched": event.matched or None,
            "framesMatched": f"{event.frames_matched}/{event.frames}" if event.frames_matched else None,
            "withheld": event.withheld,
            "release": given_line(event.release, version_tokens),
        }
    )


def event_report(
    event: Event, told: ReportedDetail, limits: EventLimits, detail: Detail, short_id: str
) -> dict[str, Any]:
    """Return what an event reports, the stack first; `cut` says what was left out and how to get it.

    Args:
        event: What was reported.
        told: What all events of the issue said: a tag they all agree on is not repeated.
        limits: How much is shown.
        detail: What the reader asked for.
        short_id: The issue, for how to get the rest.
    """
    stack = render_stack(event, limits.stack)
    tags, tags_cut = _tags(event, told, limits)
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
        "timestamp": to_second(event.timestamp) if event.timestamp else None,
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
        "breadcrumbs": [_crumb(crumb, limits.breadcrumb) for crumb in crumbs],
        "contexts": json_line(event.contexts, limits.bag),
        "extra": json_line(event.extra, limits.bag),
        "trimmedAtIngest": len(event.marks.trimmed) or None,
        "scrubbedAtIngest": len(event.marks.scrubbed) or None,
    }
    if _CUT in orjson.dumps(shown).decode():
        cuts.append("ends of long texts")
    said = [*dict.fromkeys(cuts), how_to_get_the_rest(detail, short_id)] if cuts else None
    return compact(shown | {"cut": said})


def how_to_get_the_rest(detail: Detail, short_id: str) -> str:
    """Say how to get what was cut."""
    if detail is Detail.CONCISE:
        return "the rest: detail=full"
    return f"the rest: `provenance errors get {short_id} --json`, GET /api/error-issues/{short_id}"


def _tags(event: Event, told: ReportedDetail, limits: EventLimits) -> tuple[dict[str, str], list[str]]:
    """Return the tags in which an event differs from what all events of its issue say."""
    agreed = {tag.key: tag.values[0].value for tag in told.tags[: limits.tags] if len(tag.values) == 1}
    left = {key: value for key, value in event.tags.items() if agreed.get(key) != value}
    shown = pairs(left, limits.tags, limits.tag)
    return shown, [f"{len(left) - limits.tags} tags"] if len(left) > limits.tags else []


def pairs(entries: Mapping[str, str], most: int, tokens: int) -> dict[str, str]:
    """Return the first names and values as lines."""
    return {line(key, tokens): line(value, tokens) for key, value in list(entries.items())[:most] if value}


def _request(request: Request, limits: EventLimits) -> dict[str, Any]:
    told = " ".join(part for part in (request.method, request.url) if part)
    return compact(
        {
            "line": given_line(told, limits.request),
            "query": given_line(request.query, limits.request // 2),
            "status": request.status_code,
            "headers": pairs(request.headers, limits.headers, limits.breadcrumb),
            "data": json_line(request.data, limits.bag // 2),
        }
    )


def _user(user: User, limits: EventLimits) -> dict[str, str]:
    told = {"id": user.id, "email": user.email, "username": user.username, "ip": user.ip}
    return compact({key: given_line(value, limits.word) for key, value in told.items()})


def _crumb(crumb: Breadcrumb, tokens: int) -> str:
    """Return a breadcrumb as one line: time, category, level, message and data."""
    level = crumb.level if crumb.level not in (None, "info") else None
    data = orjson.dumps(crumb.data).decode() if crumb.data else None
    time = re.sub(r"^.*T|\.\d+|Z$", "", crumb.timestamp) if crumb.timestamp else None
    parts = (time, crumb.category or crumb.type, level, crumb.message, data)
    return line(" ".join(part for part in parts if part), tokens)


def _joined(*parts: str | None) -> str | None:
    return given_line(" ".join(part for part in parts if part), _WORDS)
