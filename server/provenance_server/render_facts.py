"""What the server itself knows of an issue, within limits that no report can change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from provenance_core.lifecycle import Status
from provenance_core.wording import counted
from provenance_server.answers import Issue, IssueDetail, IssueRelease, ReportedVersion, StatusChange
from provenance_server.arguments import Detail
from provenance_server.event_counts import per_day, per_hour
from provenance_server.fitting import compact, cost, given_line, to_second
from provenance_server.render_event import event_facts, first_release, how_to_get_the_rest, released_once
from provenance_server.render_limits import FACTS, FactLimits, fact_steps

VERSION_REPORTED = 40
"""What a reported version may cost where it stands among facts; it counts in full, whatever it is."""
_AROUND_VERSION = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of an issue: those before and after its reports, those of its event, and what all of them cost."""

    before: dict[str, Any]
    after: dict[str, Any]
    event: dict[str, Any] = field(default_factory=dict[str, Any])
    cost: int = 0


def issue_facts(answer: IssueDetail, detail: Detail) -> Facts:
    """Return the facts of an issue, as many as they may cost."""
    facts = Facts({}, {})
    for limits in fact_steps(detail):
        facts = _facts(answer, limits, detail)
        if facts.cost <= FACTS[detail]:
            break
    return facts


def _facts(answer: IssueDetail, limits: FactLimits, detail: Detail) -> Facts:
    before = row_facts(answer, limits.word, known_origin=False, detail=detail) | compact(
        {
            "storedEventCount": answer.stored_event_count,
            "senders": answer.senders.model_dump(by_alias=True) if answer.senders else None,
            "fingerprintVersion": answer.fingerprint_version if detail is Detail.FULL else None,
        }
    )
    event = event_facts(answer, answer.event, limits.word, detail) if answer.event else _no_event(answer)
    releases = [] if detail is Detail.CONCISE and released_once(answer) else _ends(answer.releases, limits.releases)
    history = _telling(answer.history, limits.history)
    cuts = _left_out(len(answer.releases) - len(releases) if releases else 0, "release") + _left_out(
        len(answer.history) - len(history), "earlier change"
    )
    told = {
        "releases": [_release(entry, limits) for entry in releases],
        "history": [_change(entry, limits, detail) for entry in history],
        "eventsPerDay": per_day(answer),
        "eventsPerHour": per_hour(answer),
        "cut": [*cuts, how_to_get_the_rest(detail, answer.short_id)] if cuts else None,
    }
    told = compact(told)
    costs = cost(_known([before, event, told])) + (len(releases) + len(history)) * (VERSION_REPORTED + _AROUND_VERSION)
    return Facts(before, told, event, costs)


def _no_event(answer: IssueDetail) -> dict[str, Any]:
    """Say that there are events, but none that may be shown; nothing where retention has removed them all."""
    return {"withheld": True} if answer.withheld and answer.stored_event_count != 0 else {}


def _known(value: Any) -> Any:
    """Return a value without what is reported in it."""
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items() if key != "reported"}  # pyright: ignore[reportUnknownVariableType]  # JSON
    return [_known(item) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]  # JSON


def row_facts(issue: Issue, word: int, *, known_origin: bool, detail: Detail | None = None) -> dict[str, Any]:
    """Return what is known of an issue in a list or at the top of its detail.

    Args:
        issue: The issue.
        word: What a version may cost.
        known_origin: Whether the reader knows the origin: the short id names it.
        detail: How much is told of one issue; None for a row of a list. The short id names an issue as well as its id,
            and what was first is told where it is not also the last.
    """
    whole = detail is Detail.FULL
    first_seen, last_seen = to_second(issue.first_seen), to_second(issue.last_seen)
    return compact(
        {
            "id": issue.id if whole else None,
            "shortId": issue.short_id,
            "origin": None if known_origin else issue.origin,
            "status": issue.status.value,
            "statusChangedAt": _status_changed(issue) if detail else None,
            "eventCount": issue.event_count,
            "userCount": issue.user_count or None,
            "firstSeen": first_seen if whole or first_seen != last_seen else None,
            "lastSeen": last_seen,
            "regressionCount": issue.regression_count or None,
            "resolvedIn": given_line(issue.resolved_in, word),
            "firstRelease": given_line(first_release(issue, detail), word),
            "lastRelease": given_line(issue.last_release, word),
            "trust": compact(
                {"authenticated": issue.trust.authenticated or None, "matched": issue.trust.matched or None}
            ),
            "withheld": issue.withheld,
        }
    )


def _status_changed(issue: Issue) -> str | None:
    return to_second(issue.status_changed_at) if issue.status_changed_at != issue.first_seen else None


def _release(entry: IssueRelease, limits: FactLimits) -> dict[str, Any]:
    return compact(
        {
            "version": given_line(entry.version, limits.word),
            "withheld": entry.withheld,
            "eventCount": entry.event_count,
            "firstSeen": to_second(entry.first_seen),
            "lastSeen": to_second(entry.last_seen),
            "reported": reported_version(entry.reported),
        }
    )


def _change(entry: StatusChange, limits: FactLimits, detail: Detail) -> dict[str, Any]:
    return compact(
        {
            "at": to_second(entry.at),
            "actor": given_line(entry.actor, limits.word),
            "client": given_line(entry.client, limits.word),
            "fromStatus": entry.from_status.value,
            "toStatus": entry.to_status.value,
            "release": given_line(entry.release, limits.word),
            "withheld": entry.withheld,
            "note": given_line(entry.note, limits.note),
            "eventId": entry.event_id if detail is Detail.FULL or entry.to_status is Status.REGRESSED else None,
            "reported": reported_version(entry.reported),
        }
    )


def reported_version(reported: ReportedVersion) -> dict[str, str]:
    """Return the version that only events mention."""
    return compact({"version": given_line(reported.version, VERSION_REPORTED)})


def _ends(entries: Sequence[T], most: int) -> list[T]:
    """Return the first entries and the last one."""
    return list(entries) if len(entries) <= most else [*entries[: most - 1], entries[-1]]


def _telling(history: Sequence[StatusChange], most: int) -> list[StatusChange]:
    """Return the newest changes, and before them the newest of the others that say how the issue was resolved."""
    if len(history) <= most:
        return list(history)
    newest = most - most // 3
    older = history[:-newest]
    resolutions = [change for change in older if change.to_status is Status.RESOLVED or change.note]
    kept = resolutions[len(resolutions) - most // 3 :] if most // 3 else []
    return [*kept, *history[-newest:]]


def _left_out(number: int, noun: str) -> list[str]:
    return [counted(number, noun)] if number > 0 else []
