"""One issue as a page: what it is, where it was raised, whom it met."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from rich.console import RenderableType
from rich.text import Text

from provenance_cli.screen import (
    LINE,
    TITLE,
    facts,
    level_text,
    make_console,
    moment_text,
    put,
    safe,
    section,
    status_text,
    table,
)
from provenance_cli.trust import or_withheld, title_text, trust_text, withheld_text
from provenance_core.events import Breadcrumb, Event, Request, User
from provenance_core.lifecycle import Status
from provenance_server.answers import EventDetail, IssueDetail, Outlier
from provenance_server.arguments import Detail
from provenance_server.render_limits import EVENT, FACT
from provenance_server.render_stack import render_stack

_DAY = timedelta(hours=24)
_CHARACTERS_A_TOKEN = 4
_BARS = " ▁▂▃▄▅▆▇█"


def print_issue(answer: IssueDetail, detail: Detail) -> None:
    """Print an issue with one of its events."""
    console = make_console()
    put(console, *issue_page(answer, detail))


def issue_page(answer: IssueDetail, detail: Detail) -> list[RenderableType]:
    """Return the parts of an issue's page, from the top."""
    event = answer.event
    shown = [*_stack(event, detail), *_circumstances(event, detail)] if event is not None else [_no_event(answer)]
    around = [*_tags(answer, detail), *_releases(answer), *_history(answer, detail)]
    return [_head(answer), _facts(answer), *shown, *around, *(_crumbs(event, detail) if event is not None else [])]


def _no_event(answer: IssueDetail) -> RenderableType:
    """Say why no event is shown: none is kept, or the server's lockdown lets none of those be seen."""
    if answer.stored_event_count == 0:
        text = "None of its events is kept any more: they were older than its origin keeps them."
    else:
        text = "Its events are withheld by the server's lockdown: nobody known reported them."
    return section("Event", Text(text))


def _head(answer: IssueDetail) -> Text:
    name = safe(answer.short_id, 100, "bold")
    lines = [
        Text.assemble(name, "  ", status_text(answer.status), "  ", level_text(answer.reported.level)),
        title_text(answer, TITLE * 2, "bold"),
    ]
    if answer.reported.culprit:
        lines.append(safe(answer.reported.culprit, TITLE))
    return Text("\n").join(lines)


def _facts(answer: IssueDetail) -> RenderableType:
    since = datetime.now(UTC) - _DAY
    today = sum(entry.event_count for entry in answer.counts_per_hour if datetime.fromisoformat(entry.hour) >= since)
    resolved_in = answer.resolved_in or answer.reported.resolved_in
    return facts(
        [
            ("Origin", safe(answer.origin)),
            ("Status", Text.assemble(status_text(answer.status), " since ", moment_text(answer.status_changed_at))),
            ("Resolved in", safe(resolved_in) if resolved_in else None),
            ("Regressions", Text(str(answer.regression_count)) if answer.regression_count else None),
            ("Events", Text(f"{answer.event_count}, {today} in the last 24 hours{_kept(answer)}")),
            ("Trend", Text(f"{_bars(answer.trend)} (24 hours, the last is now)") if any(answer.trend) else None),
            ("Trust", trust_text(answer.trust, answer.event_count)),
            ("Senders", _senders(answer)),
            ("Users", Text(str(answer.user_count))),
            ("First seen", _seen(answer.first_seen, answer.first_release or answer.reported.first_release)),
            ("Last seen", _seen(answer.last_seen, answer.last_release or answer.reported.last_release)),
            ("Fingerprint", safe(f"{answer.fingerprint_version} {answer.reported.fingerprint or '(withheld)'}")),
            ("Id", safe(answer.id)),
        ]
    )


def _kept(answer: IssueDetail) -> str:
    kept = answer.stored_event_count
    return "" if kept is None else f"; {kept} {'is' if kept == 1 else 'are'} kept"


def _bars(counts: list[int]) -> str:
    """Return counts as bars; the highest is as high as a line."""
    highest = max(counts)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in counts)


def _senders(answer: IssueDetail) -> Text | None:
    sent = answer.senders
    if sent is None:
        return None
    if sent.events == 1:
        return Text("1 address sent the newest event")
    if sent.addresses == 1:
        return Text(f"1 address sent the newest {sent.events} events")
    return Text(f"{sent.addresses} addresses sent the newest {sent.events} events, one of them {sent.most_from_one}")


def _seen(moment: str, release: str | None) -> Text:
    shown = moment_text(moment)
    return Text.assemble(shown, " in ", safe(release, 200)) if release else shown


def _stack(event: EventDetail, detail: Detail) -> list[RenderableType]:
    """Return the stack, root cause first; frames of the application are marked `>`."""
    if event.reported is None:
        return [section("Stack trace", withheld_text())]
    stack = render_stack(event.reported, EVENT[detail].stack)
    lines = [Text(line, _stack_style(line)) for line in stack.text.split("\n")]
    for left_out in stack.cuts:
        more = "" if detail is Detail.FULL else "; --detail full shows more"
        lines.append(Text(f"({left_out} left out{more})", "italic"))
    return [section("Stack trace", Text("\n").join(lines))]


def _stack_style(line: str) -> str:
    """Return how a line of a stack looks: the application's frames and the line that failed stand out."""
    if line.startswith(">"):
        return "bold"
    if line.lstrip().startswith("→"):
        return "bold red"
    return "dim" if line.startswith("  ") and line[2:3].strip() else ""


def _circumstances(event: EventDetail, detail: Detail) -> list[RenderableType]:
    matched = f", {event.frames_matched} of {event.frames} frames match uploaded artifacts"
    received = f", {event.action.value}, via {event.via.value}{matched if event.frames_matched else ''}"
    rows: list[tuple[str, RenderableType | None]] = [
        ("Id", safe(event.id)),
        ("Received", Text.assemble(moment_text(event.received_at), received)),
    ]
    if event.reported is None:
        return [section("Event", facts([*rows, ("Release", _line(event.release)), ("Reported", withheld_text())]))]
    return [section("Event", facts([*rows, *_reported(event, event.reported, detail)]))]


def _reported(event: EventDetail, reported: Event, detail: Detail) -> list[tuple[str, RenderableType | None]]:
    return [
        ("Release", _line(event.release or reported.release)),
        ("Environment", _line(reported.environment)),
        ("Transaction", _line(reported.transaction)),
        ("Request", _request(reported.request)),
        ("User", _user(reported.user)),
        ("Runtime", _line(_joined(reported.runtime.name, reported.runtime.version)) if reported.runtime else None),
        ("Server", _line(reported.server_name)),
        ("SDK", _line(_joined(reported.sdk.name, reported.sdk.version)) if reported.sdk else None),
        *_bags(reported, EVENT[detail].bag * _CHARACTERS_A_TOKEN),
    ]


def _bags(event: Event, limit: int) -> list[tuple[str, RenderableType | None]]:
    """Return what an event carries without a fixed form, one line an entry."""
    if not limit:
        return []
    named = {"header": event.request.headers if event.request else {}, "context": event.contexts, "extra": event.extra}
    rows: list[tuple[str, RenderableType | None]] = []
    for kind, entries in named.items():
        for key, value in entries.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            rows.append((kind, Text.assemble(safe(key, 100, "bold"), " ", safe(text, limit))))
    return rows


def _request(request: Request | None) -> Text | None:
    if request is None:
        return None
    status = f"→ {request.status_code}" if request.status_code else None
    return _line(_joined(request.method, request.url, status))


def _user(user: User | None) -> Text | None:
    return _line(_joined(user.id, user.email, user.username, user.ip)) if user else None


def _line(text: str | None) -> Text | None:
    return safe(text) if text else None


def _joined(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _tags(answer: IssueDetail, detail: Detail) -> list[RenderableType]:
    budget = EVENT[detail]
    rows: list[tuple[str, RenderableType | None]] = []
    for tag in answer.reported.tags[: budget.tags]:
        values = [
            Text.assemble(safe(value.value, 80), (f" ({value.event_count})", "dim"))
            for value in tag.values[: budget.tag_values]
        ]
        rows.append((safe(tag.key, 60).plain, Text(", ").join(values)))
    outliers: list[tuple[str, RenderableType | None]] = [
        (safe(entry.key, 60).plain, Text.assemble(safe(entry.value, 80), f" {_shares(entry)}"))
        for entry in answer.reported.stands_out[: budget.stands_out]
    ]
    parts = {"Stands out": outliers, "Tags": rows}
    return [section(title, facts(entries)) for title, entries in parts.items() if entries]


def _shares(entry: Outlier) -> str:
    return f"({entry.share:.0%} here, {entry.elsewhere:.0%} elsewhere)"


def _releases(answer: IssueDetail) -> list[RenderableType]:
    made = table("VERSION", "REGISTERED", "EVENTS", "FIRST SEEN", "LAST SEEN", numbers=frozenset({"EVENTS"}))
    for entry in answer.releases:
        made.add_row(
            or_withheld(entry.version or entry.reported.version, entry.withheld, 100),
            "yes" if entry.registered else "no",
            str(entry.event_count),
            moment_text(entry.first_seen),
            moment_text(entry.last_seen),
        )
    return [section("Releases", made)] if answer.releases else []


def _history(answer: IssueDetail, detail: Detail) -> list[RenderableType]:
    made = table("WHEN", "WHO", "CLIENT", "CHANGE", "RELEASE", "NOTE")
    for entry in answer.history[-FACT[detail].history :]:
        change = Text.assemble(status_text(entry.from_status), " → ", status_text(entry.to_status))
        if entry.to_status is Status.REGRESSED and entry.event_id:
            change.append_text(Text.assemble(" by event ", safe(entry.event_id)))
        release = or_withheld(entry.release or entry.reported.version, entry.withheld, 100)
        who = (safe(entry.actor, 80), safe(entry.client, 64))
        made.add_row(moment_text(entry.at), *who, change, release, safe(entry.note, LINE))
    return [section("History", made)] if answer.history else []


def _crumbs(event: EventDetail, detail: Detail) -> list[RenderableType]:
    crumbs = event.reported.breadcrumbs if event.reported is not None else ()
    shown = crumbs[-EVENT[detail].breadcrumbs :]
    if not shown:
        return []
    made = table("WHEN", "CATEGORY", "LEVEL", "WHAT")
    for crumb in shown:
        what = _joined(crumb.message, json.dumps(crumb.data, ensure_ascii=False) if crumb.data else None)
        limit = EVENT[detail].breadcrumb * _CHARACTERS_A_TOKEN
        made.add_row(safe(crumb.timestamp, 40), safe(_category(crumb), 60), safe(crumb.level, 20), safe(what, limit))
    title = "Breadcrumbs" if len(shown) == len(crumbs) else f"Breadcrumbs (the last {len(shown)} of {len(crumbs)})"
    return [section(title, made)]


def _category(crumb: Breadcrumb) -> str | None:
    return crumb.category or crumb.type
