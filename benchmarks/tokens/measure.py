"""Ask both servers the same, and count what a model reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from benchmarks.tokens import ours, theirs
from benchmarks.tokens.events import LISTED, TITLES, Found
from benchmarks.tokens.stdio import compact

ISSUES = 20
"""How many issues of a set are read, at most."""

LISTS = (10, LISTED)
DETAILS = ("concise", "full")
RELEASES = tuple(f"shop@1.{minor}.0" for minor in range(10))
HOSTILE = {
    "frames": "stack of 1,000 frames",
    "message": "message of 200 kB",
    "variable": "variable of 100 kB",
    "breadcrumbs": "issue with 50 breadcrumbs",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens of one answer, the peer's None where it has no such thing.

    Attributes:
        trimmed: The peer's, of the event as Sentry's ingestion would have cut it.
        headline: Whether the README shows it.
    """

    what: str
    ours: float
    theirs: float | None = None
    trimmed: float | None = None
    headline: bool = False


class Measurement:
    """Ask both servers the same.

    Args:
        us: Our server.
        them: The peer, or None.
        found: The events that began the issues.
        count: Counts tokens.
    """

    def __init__(
        self, us: ours.Ours, them: theirs.Theirs | None, found: Sequence[Found], count: Callable[[str], int]
    ) -> None:
        self._us = us
        self._them = them
        self._found = found
        self._count = count

    def everyday(self, sets: Sequence[str]) -> list[Row]:
        """Return what working on real events costs, and what one errand does: list, read one, resolve it."""
        definitions, lists, changes = self._definitions(), self._lists(sets), self._changes(sets[0])
        issues = [self._issues(name, detail) for name in sets for detail in DETAILS]
        last = next(row for row in reversed(issues) if row.headline)
        told = f"one errand: definitions, list of 10, an issue ({sets[-1]}), resolve"
        errand = _sum(told, [*definitions[1:], lists[0], last, changes[0]])
        return [*definitions, *lists, *issues, *changes, errand]

    def hostile(self, sets: Sequence[str]) -> list[Row]:
        """Return what events made too large cost."""
        rows = [self._oversize(name, detail) for name in sets if name != TITLES for detail in DETAILS]
        return rows + [self._titles(limit) for limit in LISTS]

    def _definitions(self) -> list[Row]:
        """Return what is paid before the first question; hosts show the model less of a tool than they are told."""
        us, them = self._us, self._them
        told = f"tools/list ({len(us.tools)} tools{f', theirs {len(them.tools)}' if them else ''})"
        shown = "names, descriptions and arguments of the tools"
        return [
            self._row(told, compact(us.tools), compact(them.tools) if them else None, headline=True),
            self._row(shown, _shown_tools(us.tools), _shown_tools(them.tools) if them else None),
            self._row("instructions", us.instructions, them.instructions if them else None, headline=True),
        ]

    def _lists(self, sets: Sequence[str]) -> list[Row]:
        """Return lists of the first set that is long enough, else of the longest."""
        name = max(sets, key=lambda name: min(LISTED, len(self._of(name))))
        rows: list[Row] = []
        for limit in LISTS:
            them = self._them.listed(name, limit) if self._them else None
            rows.append(
                self._row(f"list of {limit} issues ({name})", self._us.listed(name, limit), them, headline=True)
            )
        return rows

    def _issues(self, name: str, detail: str) -> Row:
        """Return the mean over the issues of a set."""
        read = self._of(name)[:ISSUES]
        us = self._mean(self._us.issue(one, detail) for one in read)
        them = self._mean(self._peers(one, detail) for one in read) if self._them else None
        return Row(f"an issue, {detail} ({name}, mean of {len(read)})", us, them, headline=detail == "concise")

    def _changes(self, name: str) -> list[Row]:
        us, them, one = self._us, self._them, self._of(name)[0]
        created = [us.create_release(name, version) for version in RELEASES]
        releases = us.releases(name, len(RELEASES))
        return [
            self._row("resolve an issue", us.resolve(one), them.resolve(one) if them else None, headline=True),
            self._row("create a release", created[-1]),
            self._row(f"list of {len(RELEASES)} releases", releases, them.releases() if them else None),
        ]

    def _oversize(self, name: str, detail: str) -> Row:
        one = self._of(name)[0]
        whole, trimmed = (self._peers(one, detail, trimmed=cut) if self._them else None for cut in (False, True))
        headline = detail == "concise" and name != "breadcrumbs"
        return self._row(f"{HOSTILE[name]}, {detail}", self._us.issue(one, detail), whole, trimmed, headline=headline)

    def _titles(self, limit: int) -> Row:
        them = self._them
        whole, trimmed = (them.listed(TITLES, limit, trimmed=cut) if them else None for cut in (False, True))
        us = self._us.listed(TITLES, limit)
        return self._row(f"list of {limit}, titles of 20 kB", us, whole, trimmed, headline=limit == LISTED)

    def _peers(self, one: Found, detail: str, *, trimmed: bool = False) -> str:
        """Return what the peer has of as much detail: it gives breadcrumbs, which are in our full answer, apart."""
        assert self._them is not None
        read = self._them.issue(one, trimmed=trimmed)
        if detail == "full" and one.event.get("breadcrumbs"):
            read += self._them.breadcrumbs(one, trimmed=trimmed)
        return read

    def _of(self, name: str) -> list[Found]:
        return [one for one in self._found if one.events == name]

    def _mean(self, texts: Iterable[str]) -> float:
        return mean(self._count(text) for text in texts)

    def _row(
        self, what: str, us: str, them: str | None = None, trimmed: str | None = None, *, headline: bool = False
    ) -> Row:
        counted = [self._count(text) if text is not None else None for text in (them, trimmed)]
        return Row(what, self._count(us), *counted, headline=headline)


def _shown_tools(tools: Sequence[Mapping[str, Any]]) -> str:
    """Return of tools what hosts put before the model."""
    return compact([{name: tool.get(name) for name in ("name", "description", "inputSchema")} for tool in tools])


def _sum(what: str, rows: Sequence[Row]) -> Row:
    theirs_sum = sum(row.theirs or 0 for row in rows)
    return Row(what, sum(row.ours for row in rows), theirs_sum or None, headline=True)
