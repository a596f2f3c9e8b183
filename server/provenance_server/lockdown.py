"""Withhold what was reported by nobody known: what agents see under an operator's lockdown.

Reported text is shown where the event came with a secret key or from this machine, or where all its frames match
uploaded artifacts. Everything else under `reported` is left out, and `withheld` says so,
of a part and of all that it is a part of. What is known of no single event (names of releases that nobody registered,
what SDKs say of themselves) is left out always.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from provenance_core.events import Event, Model, Trust, Via, trust_of
from provenance_server.answers import Issue, IssueDetail, ReportedDetail, ReportedIssue
from provenance_server.sourcemap_answers import ResolvedStack

M = TypeVar("M", bound=Model)

REPORTED = "reported"
_UNREGISTERED = ("first_release", "last_release", "resolved_in")


def withheld(answer: M) -> M:
    """Return an answer without what was reported by nobody known."""
    return cast("M", _shown(answer))


def _shown(value: object) -> object:
    if isinstance(value, Model):
        return _model(value)
    if isinstance(value, list):
        return [_shown(item) for item in cast("list[object]", value)]
    return value


def _model(model: Model) -> Model:
    changes: dict[str, Any] = {
        name: _shown(getattr(model, name)) for name in type(model).model_fields if name != REPORTED
    }
    if REPORTED in type(model).model_fields:
        changes[REPORTED] = _reported(model)
    if "withheld" in type(model).model_fields and (_lacks_event(model) or _differs(model, changes)):
        changes["withheld"] = True
    return model.model_copy(update=changes)


def _differs(model: Model, changes: dict[str, Any]) -> bool:
    """Say whether anything of an answer, or of a part of it, is left out."""
    return any(value != getattr(model, name) for name, value in changes.items())


def _lacks_event(model: Model) -> bool:
    """Say whether no event of an issue may be shown, though there are some."""
    return isinstance(model, IssueDetail) and model.event is None and model.stored_event_count != 0


def _reported(model: Model) -> Model | None:
    """Return what may be shown of what a part of an answer reports."""
    reported: Model | None = getattr(model, REPORTED)
    if reported is None or _is_callers(model):
        return reported
    if not is_known(model):
        return _blank(reported)
    if isinstance(reported, ReportedIssue):
        changes: dict[str, Any] = dict.fromkeys(_UNREGISTERED)
        if isinstance(reported, ReportedDetail) and isinstance(model, Issue) and not _all_known(model):
            changes |= {"tags": [], "stands_out": []}
        return reported.model_copy(update=changes)
    return reported


def is_known(model: Model) -> bool:
    """Say whether it is known where what a part of an answer reports comes from."""
    if isinstance(model, Issue):
        return model.trust.authenticated + model.trust.matched > 0
    via = getattr(model, "via", None)
    return isinstance(via, Via) and trust_of(via, matched=bool(getattr(model, "matched", False))) > Trust.REPORTED


def _all_known(issue: Issue) -> bool:
    return issue.trust.authenticated + issue.trust.matched == issue.event_count


def _is_callers(model: Model) -> bool:
    """Say whether what a part of an answer reports is the caller's own words: a stack that it asked to be resolved."""
    return isinstance(model, ResolvedStack)


def _blank(reported: Model) -> Model | None:
    """Return an empty report of the same form; of an event, nothing."""
    return None if isinstance(reported, Event) else type(reported)()
