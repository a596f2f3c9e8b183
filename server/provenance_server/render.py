"""Answers as compact JSON for models: facts as they are, reports bounded, cleaned and still under `reported`.

Nothing empty is printed, and moments are told to the second. Whatever an event holds, a result costs at most what
`render_limits` says; what was cut is said, with how to get it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import orjson

from provenance_core.clean import clean, clean_line, cut
from provenance_core.events import Model
from provenance_server.answers import (
    ChangedIssue,
    IssueDetail,
    IssueList,
    Release,
    ReleaseList,
    StatusOutcomes,
)
from provenance_server.arguments import Detail
from provenance_server.render_changes import render_change, render_changes
from provenance_server.render_issue import render_issue
from provenance_server.render_lists import render_issues, render_release, render_releases
from provenance_server.rendered import Rendered

_TEXT = 2_000
_KEY = 200
_DEPTH = 8
_RENDERERS: tuple[tuple[type[Model], Callable[[Any], Rendered]], ...] = (
    (IssueList, render_issues),
    (ChangedIssue, render_change),
    (StatusOutcomes, render_changes),
    (ReleaseList, render_releases),
    (Release, render_release),
)


def render(answer: Model, detail: Detail = Detail.CONCISE) -> Rendered:
    """Return an answer as a tool's result.

    Args:
        answer: What an operation answered.
        detail: How much is told of an event.
    """
    if isinstance(answer, IssueDetail):
        return render_issue(answer, detail)
    for kind, renders in _RENDERERS:
        if isinstance(answer, kind):
            return renders(answer)
    return Rendered(cast("dict[str, Any]", _pruned(answer.model_dump(mode="json", by_alias=True), 0)))


def to_json(answer: Model, detail: Detail = Detail.CONCISE) -> dict[str, Any]:
    """Return an answer as the compact JSON that a model reads."""
    return render(answer, detail).content


def to_text(value: dict[str, Any]) -> str:
    """Return compact JSON as text."""
    return orjson.dumps(value).decode()


def _pruned(value: object, depth: int) -> object:
    """Return a copy without empty values, its texts cleaned and bounded."""
    if isinstance(value, str):
        return cut(clean(value), _TEXT)
    if isinstance(value, dict) and depth < _DEPTH:
        entries = cast("dict[str, object]", value)
        shown = {clean_line(str(key), _KEY): _pruned(item, depth + 1) for key, item in entries.items()}
        return {key: item for key, item in shown.items() if item not in (None, "", [], {})}
    if isinstance(value, list) and depth < _DEPTH:
        return [_pruned(item, depth + 1) for item in cast("list[object]", value)]
    return value if isinstance(value, int | float | None) else "…"
