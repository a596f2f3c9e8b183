"""How far it is known where events come from, in words; what a lockdown withholds is said to be."""

from __future__ import annotations

from rich.text import Text

from provenance_cli.screen import TITLE, safe
from provenance_server.answers import Issue, TrustCounts


def withheld_text() -> Text:
    """Return what stands where a lockdown hides what was reported."""
    return Text("(withheld)", "dim italic")


def or_withheld(text: str | None, withheld: bool | None, limit: int = TITLE, style: str = "") -> Text:
    """Return a text, or that it is withheld."""
    return withheld_text() if text is None and withheld else safe(text, limit, style)


def title_text(issue: Issue, limit: int = TITLE, style: str = "") -> Text:
    """Return an issue's title, or that it is withheld."""
    return or_withheld(issue.reported.title, issue.withheld, limit, style)


def trust_text(trust: TrustCounts, events: int) -> Text:
    """Say of how many events it is known where they come from."""
    counts = {"authenticated": trust.authenticated, "matched": trust.matched}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return Text(f"{told} of {events}") if told else Text("anyone may have sent them", "dim")


def trust_counts(trust: TrustCounts) -> str:
    """Return both counts for a narrow column: with a secret key, and others that match artifacts."""
    known = trust.authenticated or trust.matched
    return f"{trust.authenticated}+{trust.matched}" if known else "-"
