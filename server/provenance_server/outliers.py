"""Which values of tags stand out in an issue: most of its events carry them, few of other issues do."""

from __future__ import annotations

from collections.abc import Sequence

from provenance_server import answers
from provenance_storage.records import IssueRecord, TagRecord
from provenance_storage.store import Store

LEAST_SHARE = 0.5
RAREST = 0.5
"""What share of the issue's events carries a value that stands out, and at most how much of that share elsewhere."""

LEAST_EVENTS = 4
LEAST_ELSEWHERE = 20
"""Events of the issue, and of the others: of fewer, shares say nothing."""

ISSUES_COMPARED = 100
"""The other issues of the origin that are looked at: those seen last."""

MOST_SHOWN = 5

# All of these are ours: nothing told us better ones.

NAMES_OF_ISSUE = frozenset({"transaction", "url", "level", "handled"})
"""Tags that say which error it is: nearly every issue has one of its own, and shows it already."""


def stands_out(store: Store, issue: IssueRecord, tags: Sequence[TagRecord]) -> list[answers.Outlier]:
    """Return the values of tags that stand out in an issue, the most striking first.

    Args:
        store: Where the issue is.
        issue: The issue.
        tags: Its tags as they are shown.
    """
    if issue.event_count < LEAST_EVENTS:
        return []
    shares = {
        (tag.key, value): count / issue.event_count
        for tag in tags
        if tag.key not in NAMES_OF_ISSUE
        for value, count in tag.values.items()
        if count >= LEAST_SHARE * issue.event_count
    }
    if not shares:
        return []
    others = store.issues.tags_elsewhere(issue, shares.keys(), ISSUES_COMPARED)
    if others.events < LEAST_ELSEWHERE:
        return []
    found = [
        answers.Outlier(key=key, value=value, share=round(share, 3), elsewhere=round(elsewhere, 3))
        for (key, value), share in shares.items()
        if (elsewhere := others.carrying.get((key, value), 0) / others.events) <= RAREST * share
    ]
    return sorted(found, key=lambda one: (one.elsewhere - one.share, one.key))[:MOST_SHOWN]
