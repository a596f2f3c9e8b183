"""Answers as compact JSON for models: facts as they are, reports bounded, cleaned and still under `reported`.

Nothing empty is printed. Whatever an event holds, a result stays within the budgets below; what was cut is said in
`event.reported.cut`, with how to get it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

import orjson

from provenance_core.clean import clean, clean_line, cut
from provenance_core.events import Breadcrumb, Event, Model, Request
from provenance_server.answers import EventDetail, IssueDetail
from provenance_server.arguments import Detail
from provenance_server.render_stack import StackBudget, render_stack

TITLE = 200
CULPRIT = 120
TEXT = 2_000
TAG_VALUES = 3
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of an event one level of detail shows."""

    stack: StackBudget
    tags: int
    tag_values: int
    hours: int
    history: int
    breadcrumbs: int
    crumb: int
    bag: int
    headers: int


BUDGETS = {
    Detail.CONCISE: Budget(
        stack=StackBudget(
            characters=6_000, exceptions=4, frames=20, message=1_000, context=3, variables=12, variable=160
        ),
        tags=12,
        tag_values=TAG_VALUES,
        hours=24,
        history=10,
        breadcrumbs=5,
        crumb=160,
        bag=0,
        headers=0,
    ),
    Detail.FULL: Budget(
        stack=StackBudget(
            characters=20_000, exceptions=10, frames=100, message=4_000, context=5, variables=40, variable=400
        ),
        tags=40,
        tag_values=5,
        hours=168,
        history=50,
        breadcrumbs=30,
        crumb=300,
        bag=4_000,
        headers=20,
    ),
}


def to_json(answer: Model, detail: Detail = Detail.CONCISE) -> dict[str, Any]:
    """Return an answer as the compact JSON that tools give."""
    if isinstance(answer, IssueDetail):
        return _issue_detail(answer, BUDGETS[detail], detail)
    return cast("dict[str, Any]", _pruned(answer.model_dump(mode="json", by_alias=True), 0))


def to_text(value: dict[str, Any]) -> str:
    """Return compact JSON as text."""
    return orjson.dumps(value).decode()


def _pruned(value: object, depth: int) -> object:
    """Return a copy without empty values, its texts cleaned and bounded."""
    if isinstance(value, str):
        return cut(clean(value), TEXT)
    if isinstance(value, dict) and depth < _DEPTH:
        entries = {clean_line(str(key), TITLE): _entry(key, item, depth) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
        return {key: item for key, item in entries.items() if item not in (None, "", [], {})}
    if isinstance(value, list) and depth < _DEPTH:
        return [_pruned(item, depth + 1) for item in cast("list[object]", value)]
    return value if isinstance(value, int | float | None) else "…"


_LINES = {"title": TITLE, "culprit": CULPRIT}


def _entry(key: object, item: object, depth: int) -> object:
    if isinstance(item, str) and key in _LINES:
        return clean_line(item, _LINES[str(key)])
    return _pruned(item, depth + 1)


def _issue_detail(answer: IssueDetail, budget: Budget, detail: Detail) -> dict[str, Any]:
    facts = answer.model_dump(mode="json", by_alias=True, exclude={"event", "counts_per_hour", "history", "reported"})
    facts["history"] = [change.model_dump(mode="json", by_alias=True) for change in answer.history[-budget.history :]]
    recent = answer.counts_per_hour[-budget.hours :]
    facts["countsPerHour"] = {entry.hour[:13] + "Z": entry.event_count for entry in recent}
    reported = answer.reported.model_dump(mode="json", by_alias=True, exclude={"tags"})
    reported["tags"] = {
        cut(tag.key, 40): {cut(value.value, 80): value.event_count for value in tag.values[: budget.tag_values]}
        for tag in answer.reported.tags[: budget.tags]
    }
    shown = cast("dict[str, Any]", _pruned(facts | {"reported": reported}, 0))
    return shown | {"event": _event(answer.event, budget, detail)} if answer.event is not None else shown


def _event(event: EventDetail, budget: Budget, detail: Detail) -> dict[str, Any]:
    facts = event.model_dump(mode="json", by_alias=True, exclude={"reported"})
    stack, cuts = render_stack(event.reported, budget.stack)
    reported = cast("dict[str, Any]", _pruned(_reported(event.reported, budget), 0))
    marks = event.reported.marks
    if len(event.reported.breadcrumbs) > budget.breadcrumbs:
        cuts.append(f"{len(event.reported.breadcrumbs) - budget.breadcrumbs} earlier breadcrumbs")
    said = [f"{text}: detail=full" if detail is Detail.CONCISE else text for text in cuts]
    if detail is Detail.CONCISE and (event.reported.extra or event.reported.contexts):
        said.append("contexts and extra: detail=full")
    sizes = {"cut": said, "trimmedAtIngest": len(marks.trimmed), "scrubbedAtIngest": len(marks.scrubbed)}
    reported |= {key: value for key, value in sizes.items() if value}
    kept = {key: value for key, value in facts.items() if value is not None}
    return kept | {"reported": reported | {"stack": stack}}


def _reported(event: Event, budget: Budget) -> dict[str, Any]:
    """Return what an event reports beside its stack, in the order a reader wants it."""
    return {
        "timestamp": event.timestamp,
        "eventId": event.event_id,
        "release": event.release,
        "environment": event.environment,
        "transaction": _line(event.transaction, 200),
        "request": _request(event.request, budget) if event.request else None,
        "user": event.user.model_dump(mode="json", exclude_none=True) if event.user else None,
        "runtime": _joined(event.runtime.name, event.runtime.version) if event.runtime else None,
        "sdk": _joined(event.sdk.name, event.sdk.version) if event.sdk else None,
        "serverName": _line(event.server_name, 100),
        "tags": {cut(key, 40): cut(value, 80) for key, value in list(event.tags.items())[: budget.tags]},
        "breadcrumbs": [_crumb(crumb, budget.crumb) for crumb in event.breadcrumbs[-budget.breadcrumbs :]],
        "contexts": _bag(event.contexts, budget.bag),
        "extra": _bag(event.extra, budget.bag),
    }


def _request(request: Request, budget: Budget) -> dict[str, Any]:
    line = " ".join(part for part in (request.method, request.url) if part)
    shown: dict[str, Any] = {
        "line": _line(line, 300),
        "query": _line(request.query, 200),
        "status": request.status_code,
    }
    shown["headers"] = {cut(key, 60): cut(value, 200) for key, value in list(request.headers.items())[: budget.headers]}
    shown["data"] = _bag(request.data, budget.bag // 2)
    return shown


def _crumb(crumb: Breadcrumb, limit: int) -> str:
    """Return a breadcrumb as one line: time, category, level, message and data."""
    level = crumb.level if crumb.level not in (None, "info") else None
    data = orjson.dumps(crumb.data).decode() if crumb.data else None
    time = re.sub(r"^.*T|\.\d+|Z$", "", crumb.timestamp) if crumb.timestamp else None
    parts = (time, crumb.category or crumb.type, level, crumb.message, data)
    return clean_line(" ".join(part for part in parts if part), limit)


def _bag(value: object, limit: int) -> str | None:
    """Return a JSON value as text within a limit; nothing where the limit is zero or the value is empty."""
    if not limit or value in (None, {}, [], ""):
        return None
    return clean_line(orjson.dumps(value, default=str).decode(), limit)


def _line(text: str | None, limit: int) -> str | None:
    return clean_line(text, limit) if text else None


def _joined(*parts: str | None) -> str | None:
    return _line(" ".join(part for part in parts if part), 100)
