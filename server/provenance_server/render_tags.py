"""Tags as JSON: how they are spread over an issue, and what one event says that not all events do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provenance_core.events import Event
from provenance_core.wording import counted
from provenance_server.answers import IssueDetail, Outlier, Tag
from provenance_server.arguments import Detail
from provenance_server.fitting import ends, line
from provenance_server.render_limits import EventLimits

LONG_TEXTS = "ends of long texts"
_TOLD = frozenset({"level", "handled"})
"""Tags that say again what stands beside them, unless events differ."""


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of an issue, which of them stand out, and what of both was left out."""

    shown: dict[str, dict[str, int]]
    stands_out: dict[str, str]
    cuts: list[str]
    events: int

    def tells(self, key: str, value: str | None) -> bool:
        """Say whether they tell a reader that all events have a value."""
        return value is not None and self.shown.get(key) == {value: self.events}


def issue_tags(issue: IssueDetail, limits: EventLimits) -> Tags:
    """Return the tags of an issue: first what stands out, then what differs between events, then what does not."""
    told = issue.reported
    outlying = {entry.key for entry in told.stands_out}
    listed = [tag for tag in told.tags if tag.key not in _TOLD or len(tag.values) > 1]
    listed.sort(key=lambda tag: (tag.key not in outlying, len(tag.values) == 1))
    kept = listed[: limits.tags]
    shown = {
        key: _counts(tag, limits) for key, tag in zip(_names((tag.key for tag in kept), limits.tag), kept, strict=True)
    }
    cuts = [counted(len(listed) - len(kept), "tag")] if len(listed) > len(kept) else []
    names = [*shown, *(name for values in shown.values() for name in values)]
    wholes = {tag.key for tag in kept} | {value.value for tag in kept for value in tag.values}
    if not wholes.issuperset(names):
        cuts.append(LONG_TEXTS)
    if any(
        sum(shown_values.values()) < tag.event_count for shown_values, tag in zip(shown.values(), kept, strict=True)
    ):
        cuts.append("values of tags")
    return Tags(shown, _stands_out(told.stands_out[: limits.stands_out], limits), cuts, issue.event_count)


def _counts(tag: Tag, limits: EventLimits) -> dict[str, int]:
    values = tag.values[: limits.tag_values]
    names = _names((value.value for value in values), limits.tag)
    return {name: value.event_count for name, value in zip(names, values, strict=True)}


def _stands_out(outliers: list[Outlier], limits: EventLimits) -> dict[str, str]:
    names = _names((f"{entry.key}={entry.value}" for entry in outliers), limits.tag * 2)
    return {
        name: f"{entry.share:.0%} here, {entry.elsewhere:.0%} elsewhere"
        for name, entry in zip(names, outliers, strict=True)
    }


def _names(texts: Iterable[str], tokens: int) -> list[str]:
    """Return each text as a line of its own: of two that look alike where they are cut, the second has a number."""
    names: list[str] = []
    for text in texts:
        name = cut = ends(text, tokens)
        number = 1
        while name in names:
            number += 1
            name = f"{cut} #{number}"
        names.append(name)
    return names


def event_tags(
    issue: IssueDetail, event: Event, limits: EventLimits, detail: Detail
) -> tuple[dict[str, str], list[str]]:
    """Return the tags of an event, and what was left out: of a concise answer those that all events agree on."""
    agreed = {
        tag.key: tag.values[0].value
        for tag in issue.reported.tags
        if detail is Detail.CONCISE and len(tag.values) == 1 and tag.values[0].event_count == issue.event_count
    }
    left = {key: value for key, value in event.tags.items() if value and agreed.get(key) != value}
    names = _names(list(left)[: limits.tags], limits.tag)
    shown = {name: line(value, limits.tag) for name, value in zip(names, left.values(), strict=False)}
    return shown, [counted(len(left) - len(shown), "tag") + " of the event"] if len(left) > len(shown) else []
