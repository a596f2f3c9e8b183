"""Answers as compact JSON for models: facts as they are, reports bounded, cleaned and still under `reported`.

Nothing empty is printed, and moments are told to the second. Whatever an event holds, a result costs at most what
`render_limits` says; what was cut is said, with how to get it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

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

    Raises:
        TypeError: No tool answers with such a model.
    """
    if isinstance(answer, IssueDetail):
        return render_issue(answer, detail)
    for kind, renders in _RENDERERS:
        if isinstance(answer, kind):
            return renders(answer)
    raise TypeError(f"No tool answers with {type(answer).__name__}.")


def to_text(value: dict[str, Any]) -> str:
    """Return compact JSON as text."""
    return orjson.dumps(value).decode()
