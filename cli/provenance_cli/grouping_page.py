"""Why an event is in its issue, as a page."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from provenance_cli.screen import LINE, facts, make_console, put, safe, section, table
from provenance_core.fingerprint import Basis
from provenance_core.frame_roles import MAX_FRAMES, Role
from provenance_server.grouping_answers import Agreement, GroupedError, GroupedFrame, Grouping

_PARTS_SHOWN = 60
_FRAMES_SHOWN = 60
_ERRORS_SHOWN = 10
_DECIDED = {
    Basis.EXPLICIT: "the fingerprint that the event carries",
    Basis.EXTENDED: "the fingerprint that the event carries, which extends the computed one",
    Basis.STACK: "the types and frames of its exceptions",
    Basis.MESSAGE: "type and message; it has no frame that counts",
    Basis.NOTHING: "nothing: the event has neither type, message nor frame",
}
_AGREEMENT = {
    Agreement.CURRENT: "the same as computed today",
    Agreement.OTHER_STRATEGY: "computed with another strategy; the origin's configuration was changed since",
    Agreement.OLDER_VERSION: "computed with an older version of the algorithm; the issue keeps its key",
    Agreement.UNKNOWN: "not what is computed today; the rules or the event's stored form changed since",
}
_ROLES = {
    Role.COUNTED: "counts",
    Role.NOT_IN_APP: "not the application's, and there are frames that are",
    Role.NAMELESS: "native, generated, minified or without a name",
    Role.COMPREHENSION: "a comprehension of the function below it",
    Role.REPEATED: "counted above already",
    Role.OUTSIDE_RECURSION: "not one of the functions that call each other",
    Role.OVER_LIMIT: f"further from the crash than {MAX_FRAMES} that count",
}


def print_grouping(answer: Grouping) -> None:
    """Print why an event is in its issue."""
    put(make_console(), *grouping_page(answer))


def grouping_page(answer: Grouping) -> list[RenderableType]:
    """Return the parts of the page, from the top."""
    reported = answer.reported
    head = facts(
        [
            ("Event", safe(answer.id)),
            ("Issue", safe(f"{answer.short_id} ({answer.issue_id})")),
            ("Origin", safe(answer.origin)),
            ("Strategy", Text(answer.strategy.value)),
            ("Decided by", Text(_DECIDED[answer.decided_by])),
            ("Fingerprint", Text.assemble(safe(reported.fingerprint), ", ", _AGREEMENT[answer.agreement])),
            ("Today", safe(f"{answer.version} {reported.computed}")),
            ("Issue's", safe(f"{answer.issue_version} {reported.issue_fingerprint}")),
        ]
    )
    parts = Text("\n").join([safe(part, LINE) for part in reported.parts[:_PARTS_SHOWN]])
    shown = reported.errors[:_ERRORS_SHOWN]
    page = [head, section("Made of", parts), *(_frames(error) for error in shown if error.frames)]
    left_out = len(reported.errors) - len(shown)
    return [*page, Text(f"({left_out} more exceptions left out; --json has all)", "italic")] if left_out else page


def _frames(error: GroupedError) -> RenderableType:
    made = table("FRAME", "ROLE", "COUNTS AS")
    for frame in error.frames[:_FRAMES_SHOWN]:
        style = "" if frame.role is Role.COUNTED else "dim"
        counts_as = " ".join(part for part in (frame.place, frame.name) if part)
        made.add_row(safe(_where(frame), 100, style), Text(_ROLES[frame.role], style), safe(counts_as or None, 100))
    left_out = len(error.frames) - _FRAMES_SHOWN
    title = "Frames" + (f" ({left_out} more left out; --json has all)" if left_out > 0 else "")
    of = f" of {safe(error.error_type, 100).plain}" if error.error_type else ""
    return section(f"{title}{of}, the raising one first", made)


def _where(frame: GroupedFrame) -> str:
    place = frame.file or frame.module or "?"
    line = f":{frame.line}" if frame.line is not None else ""
    return f"{place}{line} {frame.function or ''}".rstrip()
