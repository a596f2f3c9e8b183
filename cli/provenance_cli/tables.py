"""Answers as tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from rich.console import Group, RenderableType
from rich.text import Text

from provenance_cli.activity_rows import became, names_in
from provenance_cli.screen import (
    age_of,
    counted,
    facts,
    level_text,
    moment_text,
    safe,
    status_text,
    table,
    version_span,
)
from provenance_cli.trust import or_withheld, title_text, trust_counts
from provenance_core.events import Model
from provenance_core.lifecycle import Status
from provenance_server.access_answers import ActivityList, ApiKey, CreatedKey, KeyList
from provenance_server.answers import (
    ChangedIssue,
    CreatedRelease,
    EventList,
    Issue,
    IssueList,
    Origin,
    OriginDetail,
    OriginList,
    Release,
    ReleaseList,
    StatusOutcomes,
)
from provenance_server.sourcemap_answers import ArtifactList, DeletedRelease

WIDE = 120
"""From this width on a list of issues has all its columns."""

_CULPRIT = 80


@singledispatch
def draw(answer: Model, width: int) -> RenderableType:
    """Return an answer as something to print on so many columns."""
    raise TypeError(f"nobody draws {type(answer).__name__} on {width} columns")


@draw.register
def _(answer: IssueList, width: int) -> RenderableType:
    if not answer.items:
        return Text("No issues match.")
    return _wide(answer.items) if width >= WIDE else _narrow(answer.items)


def _wide(issues: list[Issue]) -> RenderableType:
    made = table(
        *("ISSUE", "STATUS", "LEVEL", "TITLE", "CULPRIT", "EVENTS", "TRUST", "USERS", "LAST SEEN", "RELEASES"),
        numbers=frozenset({"EVENTS", "TRUST", "USERS"}),
    )
    for column in (0, 1, 2, 6, 8):
        made.columns[column].no_wrap = True
    for issue in issues:
        made.add_row(
            safe(issue.short_id),
            status_text(issue.status),
            level_text(issue.reported.level),
            title_text(issue),
            safe(issue.reported.culprit, _CULPRIT),
            str(issue.event_count),
            trust_counts(issue.trust),
            str(issue.user_count),
            age_of(issue.last_seen),
            safe(seen_in(issue), 100),
        )
    return made


def _narrow(issues: list[Issue]) -> RenderableType:
    """Return the columns that a small terminal has room for, the culprit below the title."""
    made = table("ISSUE", "STATUS", "TITLE", "EVENTS", "LAST SEEN", numbers=frozenset({"EVENTS"}))
    for column in (0, 1, 4):
        made.columns[column].no_wrap = True
    for issue in issues:
        title = title_text(issue)
        if issue.reported.culprit:
            title = Text("\n").join([title, safe(issue.reported.culprit, _CULPRIT, "dim")])
        status = status_text(issue.status)
        made.add_row(safe(issue.short_id), status, title, str(issue.event_count), age_of(issue.last_seen))
    return made


def seen_in(issue: Issue) -> str | None:
    """Return the releases an issue was first and last met in."""
    first = issue.first_release or issue.reported.first_release
    return version_span(first, issue.last_release or issue.reported.last_release)


@draw.register
def _(answer: EventList, width: int) -> RenderableType:
    made = table("EVENT", "RECEIVED", "ACTION", "VIA", "RELEASE", "CLIENT'S ID")
    for item in answer.items:
        made.add_row(
            safe(item.id),
            moment_text(item.received_at),
            item.action.value,
            item.via.value,
            or_withheld(item.release or item.reported.release, item.withheld, 100),
            safe(item.reported.event_id, 64),
        )
    return made if answer.items else Text("No events are kept.")


@draw.register
def _(answer: ReleaseList, width: int) -> RenderableType:
    counts = ("NEW", "REGRESSED", "TOTAL", "MAPS")
    made = table("VERSION", "REGISTERED", "CREATED", "RELEASED", "REF", *counts, numbers=frozenset(counts))
    for item in answer.items:
        made.add_row(
            _version(item, 100),
            "yes" if item.registered else "no",
            age_of(item.created_at),
            safe(item.date_released),
            safe(item.ref, 60),
            *(str(count) for count in (item.new_issues, item.regressed_issues, item.total_issues, item.source_maps)),
        )
    return made if answer.items else Text("No releases match.")


@draw.register
def _(answer: Release, width: int) -> RenderableType:
    rows = [("Version", _version(answer, 200)), ("Origin", safe(answer.origin)), *_release_facts(answer)]
    return facts(rows)


@draw.register
def _(answer: CreatedRelease, width: int) -> RenderableType:
    done = "Registered" if answer.created else "Updated"
    head = Text.assemble(f"{done} release ", _version(answer, 200, "bold"), " of ", safe(answer.origin))
    return Group(head, facts(_release_facts(answer)))


def _release_facts(answer: Release) -> list[tuple[str, Text | None]]:
    return [
        ("Id", safe(answer.id)),
        ("Registered", None if answer.registered else Text("no; only events mention it")),
        ("Ref", _given(answer.ref)),
        ("URL", _given(answer.url)),
        ("Released", _given(answer.date_released)),
        ("Notes", _given(answer.notes)),
        ("Issues", Text(f"{answer.new_issues} new, {answer.regressed_issues} regressed, {answer.total_issues} in all")),
        ("Source maps", Text(str(answer.source_maps))),
    ]


@draw.register
def _(answer: DeletedRelease, width: int) -> RenderableType:
    kept = "" if answer.deleted else " Events or issues mention it, so it stays, registered by nobody."
    done = "Deleted the release" if answer.deleted else "Deleted what was uploaded for the release"
    return Text.assemble(f"{done} ", safe(answer.id, 64), f" with {counted(answer.source_maps, 'source map')}.{kept}")


@draw.register
def _(answer: ArtifactList, width: int) -> RenderableType:
    made = table(
        "NAME", "KIND", "DIST", "SIZE", "SOURCES", "DEBUG ID", "UPLOADED", numbers=frozenset({"SIZE", "SOURCES"})
    )
    for item in answer.items:
        name = safe(item.name, 200)
        if item.problem:
            name = Text("\n").join([name, Text("  ").append_text(safe(item.problem, 200, "red"))])
        elif item.warnings:
            lacks = ", ".join(f"{warning.code.replace('_', ' ')} ({warning.count})" for warning in item.warnings)
            name = Text("\n").join([name, Text("  ").append_text(safe(lacks, 200, "yellow"))])
        made.add_row(
            name,
            item.kind.value.replace("_", " "),
            safe(item.dist, 64),
            f"{item.size:,}",
            "-" if item.sources is None else str(item.sources),
            safe(item.debug_id),
            age_of(item.uploaded_at),
        )
    return made if answer.items else Text("Nothing is uploaded for this release.")


def _version(release: Release, limit: int, style: str = "") -> Text:
    return or_withheld(release.version or release.reported.version, release.withheld, limit, style)


def _given(text: str | None) -> Text | None:
    return safe(text) if text else None


@draw.register
def _(answer: OriginList, width: int) -> RenderableType:
    made = table("NUMBER", "MNEMONIC", "NAME", "FINGERPRINTING", "REGRESSION", "CREATED", numbers=frozenset({"NUMBER"}))
    for item in answer.items:
        tracking = item.config.error_tracking
        made.add_row(
            str(item.number),
            safe(item.mnemonic),
            safe(item.name, 100),
            tracking.fingerprinting.value,
            tracking.regression.value,
            age_of(item.created_at),
        )
    return made if answer.items else Text("There are no origins yet; `provenance origins create my-app` makes one.")


@draw.register
def _(answer: Origin, width: int) -> RenderableType:
    return facts(_origin_facts(answer))


@draw.register
def _(answer: OriginDetail, width: int) -> RenderableType:
    discarded = [f"{entry.items} {entry.category} ({entry.reason})" for entry in answer.discarded]
    return facts([*_origin_facts(answer), ("Not kept", Text(", ".join(discarded)) if discarded else None)])


def _names(names: Sequence[str]) -> Text | None:
    return safe(", ".join(names)) if names else None


def _origin_facts(answer: Origin) -> list[tuple[str, Text | None]]:
    tracking = answer.config.error_tracking
    return [
        ("Mnemonic", safe(answer.mnemonic)),
        ("Name", safe(answer.name)),
        ("Description", _given(answer.description)),
        ("Number", Text(str(answer.number))),
        ("Id", safe(answer.id)),
        ("Fingerprinting", Text(tracking.fingerprinting.value)),
        ("Regression", Text(tracking.regression.value)),
        ("Scrubbed too", _names(tracking.scrub.keys)),
        ("Not scrubbed", _names(tracking.scrub.keep)),
        ("Rate limit", Text(f"{tracking.rate_limit} a minute and key") if tracking.rate_limit else None),
        ("Kept", Text(f"{tracking.retention_days} days, {tracking.max_events_per_issue} events of an issue")),
        ("Created", moment_text(answer.created_at)),
    ]


@draw.register
def _(answer: KeyList, width: int) -> RenderableType:
    made = table("PREFIX", "LABEL", "SCOPES", "ORIGIN", "CREATED", "LAST USED", "REVOKED")
    for item in answer.items:
        made.add_row(
            safe(item.prefix),
            safe(item.label, 64),
            _scopes(item),
            safe(item.origin),
            age_of(item.created_at),
            age_of(item.last_used_at) if item.last_used_at else "never",
            age_of(item.revoked_at) if item.revoked_at else "-",
        )
    empty = "There are no keys yet; `provenance keys create --label me --scope admin` makes one."
    return made if answer.items else Text(empty)


@draw.register
def _(answer: ApiKey, width: int) -> RenderableType:
    return facts(_key_facts(answer))


@draw.register
def _(answer: CreatedKey, width: int) -> RenderableType:
    return facts([*_key_facts(answer), ("Key", Text(answer.key))])


def _key_facts(answer: ApiKey) -> list[tuple[str, Text | None]]:
    return [
        ("Label", safe(answer.label, 64)),
        ("Scopes", _scopes(answer)),
        ("Origin", _given(answer.origin)),
        ("Prefix", safe(answer.prefix)),
        ("Id", safe(answer.id)),
        ("Revoked", moment_text(answer.revoked_at) if answer.revoked_at else None),
    ]


def _scopes(answer: ApiKey) -> Text:
    return Text(", ".join(scope.value for scope in answer.scopes))


@draw.register
def _(answer: ActivityList, width: int) -> RenderableType:
    made = table("WHEN", "WHO", "ACTION", "ORIGIN", "OF", "WHAT")
    names = names_in(answer.items)
    for item in answer.items:
        who = safe(item.actor, 100)
        if item.client:
            who.append_text(Text.assemble(" by ", safe(item.client, 64, "dim")))
        of = safe(names.get(item.subject_id, item.subject_id), 100)
        made.add_row(age_of(item.at), who, item.action, safe(item.origin), of, became(item))
    return made if answer.items else Text("Nothing was changed yet.")


@draw.register
def _(answer: ChangedIssue, width: int) -> RenderableType:
    return _outcome(answer)


@draw.register
def _(answer: StatusOutcomes, width: int) -> RenderableType:
    lines: list[RenderableType] = []
    for item in answer.items:
        if item.issue is not None:
            lines.append(_outcome(item.issue))
        elif item.error is not None:
            name = safe(item.issue_id, 64, "bold")
            lines.append(Text.assemble(name, "  ", ("refused", "red"), ": ", safe(item.error.message, 1_000)))
    lines.append(Text(f"{answer.changed} changed, {answer.refused} refused"))
    return Group(*lines)


def _outcome(issue: ChangedIssue) -> Text:
    """Say in one line what became of an issue."""
    line = Text.assemble(safe(issue.short_id, 100, "bold"), "  ")
    if issue.changed:
        line.append_text(Text.assemble(status_text(issue.previous_status), " → ", status_text(issue.status)))
    else:
        line.append_text(Text.assemble("is already ", status_text(issue.status)))
    release = issue.resolved_in or issue.reported.resolved_in
    if issue.status is Status.RESOLVED and release:
        line.append_text(Text.assemble(" in ", safe(release, 200)))
    line.append_text(Text.assemble("  ", title_text(issue, style="dim")))
    return line
