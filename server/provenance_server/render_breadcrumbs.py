"""Breadcrumbs as lines: when, what kind, how bad, what was said, and data as words."""

from __future__ import annotations

from collections.abc import Sequence

from provenance_core.events import Breadcrumb
from provenance_server.fitting import line, to_second
from provenance_server.render_values import data_text

_NO_TIME = "-"
_DATE = len("2026-11-24")


def breadcrumb_lines(crumbs: Sequence[Breadcrumb], at: str | None, tokens: int) -> list[str]:
    """Return each breadcrumb as a line, its moment where that is not the second of the one before.

    Args:
        crumbs: The breadcrumbs, the oldest first.
        at: When the event happened. The date is told where not all of it was on one day.
        tokens: What each line may cost.
    """
    moments = [to_second(crumb.timestamp) if crumb.timestamp else "" for crumb in crumbs]
    dates = {moment[:_DATE] for moment in (*moments, at or "") if moment}
    lines: list[str] = []
    for crumb, moment, before in zip(crumbs, moments, ["-", *moments], strict=False):
        told = moment if len(dates) > 1 else moment[_DATE + 1 :].removesuffix("Z")
        lines.append(_line(crumb, "" if moment == before else told or _NO_TIME, tokens))
    return lines


def _line(crumb: Breadcrumb, moment: str, tokens: int) -> str:
    level = crumb.level if crumb.level not in (None, "info") else None
    parts = (moment, crumb.category or crumb.type, level, crumb.message, data_text(crumb.data))
    return line(" ".join(part for part in parts if part), tokens)
