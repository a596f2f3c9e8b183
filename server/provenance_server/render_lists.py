"""Lists of issues and of releases as compact JSON: a page costs so much a row, whatever its rows hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provenance_server.answers import CreatedRelease, Issue, IssueList, Release, ReleaseList
from provenance_server.fitting import compact, cost, given_line, line, to_second
from provenance_server.render_facts import row_facts
from provenance_server.render_issue import issue_report
from provenance_server.render_limits import CREATED_RELEASE, LIST_LEAST, LIST_ROW, RELEASE_ROW, RELEASES_LEAST
from provenance_server.rendered import TREND, UNTRUSTED, Rendered
from provenance_server.sharing import largest_share

_REPORTED = "reported"
_TITLE, _WORD = 80, 40
_VERSIONS = (40, 20, 12)
_COMMA = 1
_LEAST_REPORT = 36
"""What a report costs that is worth printing: a few words of the title."""
_NOT_NEEDED = ("firstSeen", "userCount", "regressionCount", "trust")


def render_issues(answer: IssueList) -> Rendered:
    """Return a page of issues; their trends stand in `_meta`, for whoever draws them."""
    page = {"total": answer.total} | compact({"nextCursor": answer.next_cursor})
    room = max(LIST_ROW * len(answer.items), LIST_LEAST) - cost({"items": [], **page})
    facts = _facts(answer.items, room)
    whole = [issue_report(row.reported, _TITLE, _WORD) for row in answer.items]
    share = largest_share([_report_cost(report) for report in whole], room - sum(_row_cost(fact) for fact in facts))
    reports = [
        report if _report_cost(report) <= share else _shorter(row, share)
        for report, row in zip(whole, answer.items, strict=True)
    ]
    items = [fact | compact({_REPORTED: report}) for fact, report in zip(facts, reports, strict=True)]
    trends = {row.short_id: row.trend for row in answer.items if any(row.trend)}
    return Rendered({"items": items, **page}, {**UNTRUSTED, **({TREND: trends} if trends else {})})


def _facts(issues: Sequence[Issue], room: int) -> list[dict[str, Any]]:
    """Return the facts of each row; where ids and versions are so long that no titles fit, fewer facts."""
    facts: list[dict[str, Any]] = []
    for word in _VERSIONS:
        facts = [row_facts(issue, word, known_origin=True) for issue in issues]
        if sum(_row_cost(fact) + _LEAST_REPORT for fact in facts) <= room:
            return facts
    return [{key: value for key, value in fact.items() if key not in _NOT_NEEDED} for fact in facts]


def _row_cost(fact: dict[str, Any]) -> int:
    return cost(fact) + _COMMA


def _report_cost(report: dict[str, Any]) -> int:
    return cost({_REPORTED: report}) if report else 0


def _shorter(issue: Issue, tokens: int) -> dict[str, Any]:
    """Return what was reported of an issue within so many tokens, most of them for its title."""
    if tokens < _LEAST_REPORT // 2:
        return {}
    others = issue_report(issue.reported.model_copy(update={"title": None}), 0, max(12, tokens // 5))
    if tokens < _LEAST_REPORT or _report_cost(others | {"title": ""}) + 12 > tokens:
        others = {}
    left = tokens - _report_cost({"title": "", **others})
    title = given_line(issue.reported.title, max(left, 1))
    shown = compact({"title": title, **others})
    return shown if _report_cost(shown) <= tokens else others


def render_releases(answer: ReleaseList) -> Rendered:
    """Return a page of releases."""
    page = {"total": answer.total} | compact({"nextCursor": answer.next_cursor})
    room = max(RELEASE_ROW * len(answer.items), RELEASES_LEAST) - cost({"items": [], **page})
    items = [_release_row(row, _TITLE) for row in answer.items]
    share = largest_share([_row_cost(item) for item in items], room)
    items = [
        item if _row_cost(item) <= share else _tighter(row, share)
        for item, row in zip(items, answer.items, strict=True)
    ]
    return Rendered({"items": items, **page}, {**UNTRUSTED})


def _tighter(row: Release, share: int) -> dict[str, Any]:
    """Return a release within its share: each of its texts shorter, until none but its version is left."""
    item: dict[str, Any] = {}
    for words in (40, 24, 14, 0):
        item = _release_row(row, words)
        if _row_cost(item) <= share:
            break
    return item


def _release_row(row: Release, words: int) -> dict[str, Any]:
    """Return a release as a list shows it; its version is what names it everywhere."""
    version = max(words, 24)
    return compact(
        {
            "version": given_line(row.version, version),
            "withheld": row.withheld,
            "ref": given_line(row.ref, words) if words else None,
            "url": given_line(row.url, words) if words else None,
            "notes": given_line(row.notes, words) if words else None,
            "dateReleased": to_second(row.date_released) if row.date_released else None,
            "createdAt": to_second(row.created_at),
            "newIssues": row.new_issues or None,
            "regressedIssues": row.regressed_issues or None,
            "totalIssues": row.total_issues,
            "sourceMaps": row.source_maps or None,
            "reported": compact({"version": given_line(row.reported.version, version)}),
        }
    )


def render_release(answer: Release) -> Rendered:
    """Return a release that was registered or updated."""
    words = CREATED_RELEASE // 5
    shown = {"id": answer.id, "origin": line(answer.origin, words)} | _release_row(answer, words)
    created = {"created": answer.created} if isinstance(answer, CreatedRelease) else {}
    return Rendered(shown | created, {})
