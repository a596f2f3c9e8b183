"""Resolve the issues again that had been recorded before their source maps were uploaded.

What was recorded stays as it was reported, and is resolved whenever it is read. What changes is the issue: where it
happens is told by the original code, and the fingerprint that its next events will have, resolved, leads to it. The
fingerprint it has stays.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from provenance_core.errors import ProvenanceError
from provenance_core.events import Event
from provenance_core.fingerprint import fingerprint
from provenance_core.listing import Sort
from provenance_core.normalize import resolved_again
from provenance_core.stacktrace import culprit
from provenance_server.context import Context
from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.records import InteractionRecord, IssueRecord, OriginRecord, ReleaseRecord

MOST_ISSUES = 500
"""Issues looked at, those met last first; events of others are resolved when they are read, too."""

EVENTS_LOOKED_AT = 20
"""Events of an issue, newest first, among which those of the release are looked for."""

EVENTS_READ = 3
"""Events of an issue that are read, newest first."""

SECONDS = 20.0
"""How long an upload waits for it."""

_PAGE = 100
_SCRIPTED = ("javascript", "node", "bun", "deno", "other", "native", "react", "electron", "capacitor")
"""How platforms begin whose events may have frames of generated scripts."""

_log = logging.getLogger(__name__)


def resolve_again(context: Context, origin: OriginRecord, release: ReleaseRecord | None, debug_ids: set[str]) -> int:
    """Resolve the latest events of issues that new source maps may help, and return how many issues they helped.

    Args:
        context: Where the issues are.
        origin: The origin.
        release: The release that the maps are of.
        debug_ids: The debug ids of the maps.
    """
    resolve = context.source_maps.resolver(origin.id)
    if resolve is None:
        return 0
    again = _Again(context, origin, resolve, release, debug_ids)
    helped = 0
    ends = time.monotonic() + SECONDS
    for issue in _affected(context, origin, release, debug_ids):
        if time.monotonic() > ends:
            break
        try:
            helped += again.helps(issue)
        except ProvenanceError as error:  # one event that cannot be read is no reason to leave out the others
            _log.warning("An issue was not resolved again. %s", error.message)
    return helped


@dataclass(frozen=True, slots=True)
class _Again:
    """Resolve events of one origin again, by maps of one upload."""

    context: Context
    origin: OriginRecord
    resolve: Callable[[dict[str, Any]], int]
    release: ReleaseRecord | None
    debug_ids: set[str]

    def helps(self, issue: IssueRecord) -> bool:
        """Resolve the newest event of an issue that the maps are of; say whether there is one that they resolve."""
        if issue.platform is not None and not issue.platform.startswith(_SCRIPTED):
            return False
        rows = self.context.store.interactions.of_issue(issue, EVENTS_LOOKED_AT, None)
        of_release = [row for row in rows if self.release is not None and row.release_id == self.release.id]
        looked_at = of_release or (rows if self.debug_ids else [])
        return any(self._resolves(issue, row, is_newest=row == rows[0]) for row in looked_at[:EVENTS_READ])

    def _resolves(self, issue: IssueRecord, row: InteractionRecord, *, is_newest: bool) -> bool:
        told: dict[str, Any] = orjson.loads(self.context.store.interactions.payload(row))["interaction"]
        tracking = self.origin.config.error_tracking
        told, is_resolved = resolved_again(told, self.resolve, tracking.scrub)
        if is_resolved:
            event = Event.model_validate(told)
            found = fingerprint(event, tracking.fingerprinting)
            where = culprit(event) if is_newest else None
            self.context.store.issues.adopt(issue, found.key, found.version, where)
        return is_resolved


def _affected(
    context: Context, origin: OriginRecord, release: ReleaseRecord | None, debug_ids: set[str]
) -> Iterator[IssueRecord]:
    """Yield the issues met last: of the release, or any where a debug id may be in any release."""
    of_release = release.version if release is not None and not debug_ids else ""
    filters = IssueFilters(origin_id=origin.id, release=of_release)
    order = IssueOrder(sort=Sort.LAST_SEEN, descending=True, began=context.store.clock())
    seen = 0
    while seen < MOST_ISSUES:
        page = context.store.issues.list(filters, order, _PAGE)
        yield from page.issues
        seen += len(page.issues)
        if page.next_after is None:
            return
        order = IssueOrder(
            sort=Sort.LAST_SEEN,
            descending=True,
            watermark=page.watermark,
            began=order.began,
            total=page.total,
            after=page.next_after,
        )
