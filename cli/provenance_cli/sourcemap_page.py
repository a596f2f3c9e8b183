"""Source maps for people: what an upload did, a resolved stack, and why frames are resolved or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from provenance_cli.screen import LINE, counted, facts, make_console, put, safe, section, table
from provenance_cli.sourcemap_upload import Report, Reported, State
from provenance_core.artifacts import ArtifactKind
from provenance_core.events import ErrorValue, Frame, Unresolved
from provenance_core.sourcemaps.linting import Finding, FindingCode, Severity
from provenance_server.sourcemap_answers import FrameExplanation, ResolvedStack, SourceMapExplanation, Step

_ROWS = 500
_FINDINGS = 100
_PATHS = 3
_FRAMES = 60
_CONTEXT = 2
_NAME = 200
_FUNCTION = 100
_SEVERITIES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_STATES = {
    State.SENT: ("sent", "green"),
    State.KNOWN: ("there already", "dim"),
    State.LEFT_OUT: ("left out", "red"),
    State.NOT_SENT: ("-", "dim"),
}
_UNRESOLVED = {
    Unresolved.NO_LINE: "it has no line",
    Unresolved.NO_COLUMN: "it has no column, and its line holds code of several places",
    Unresolved.NO_RELEASE: "its event names neither a release nor a debug id",
    Unresolved.NO_ARTIFACT: "no uploaded file is the one it lies in",
    Unresolved.NO_SOURCE_MAP: "the script is there, its source map is not",
    Unresolved.MALFORMED_MAP: "the source map is malformed",
    Unresolved.NO_MAPPING: "the source map says nothing of its position",
    Unresolved.UNREADABLE_MAP: "the source map could not be read",
}
_STEPS = {Step.DEBUG_ID: "by debug id", Step.URL: "by its address", Step.PATH_END: "by the end of its path"}


def print_report(report: Report) -> None:
    """Print what an upload found, sent and left out."""
    put(make_console(), *report_page(report))


def report_page(report: Report) -> list[RenderableType]:
    """Return the parts of the page, from the top."""
    made = table("FILE", "NAME", "MAP", "UPLOAD", "FINDINGS")
    for file in report.files[:_ROWS]:
        made.add_row(
            safe(file.path, _NAME), safe(file.name, _NAME), _map(file), Text(*_STATES[file.state]), _codes(file)
        )
    page: list[RenderableType] = [made]
    if len(report.files) > _ROWS:
        page.append(Text(f"({len(report.files) - _ROWS} more files; --json has all)", "italic"))
    found = list(_findings(report.files))
    if found:
        page.append(section("Findings", Group(*found[:_FINDINGS])))
    if len(found) > _FINDINGS:
        page.append(Text(f"({len(found) - _FINDINGS} more findings; --json has all)", "italic"))
    told = list(_told_by_server(report))
    if told:
        page.append(section("The server adds", Group(*told[:_FINDINGS])))
    return [*page, Text(""), Text(report.summary)]


def _told_by_server(report: Report) -> Iterator[Text]:
    """Return what the server found besides what was found here."""
    said = {(file.name, finding.code) for file in report.files for finding in file.findings}
    for warning in report.upload.warnings if report.upload is not None else []:
        if (warning.name, warning.code) not in said:
            yield Text.assemble(safe(warning.name, _NAME, "bold"), "  ", safe(warning.message))


def _map(file: Reported) -> Text:
    if file.kind is ArtifactKind.SOURCE_MAP:
        return Text("(a map)", "dim")
    return Text("inside it") if file.has_map else safe(file.source_map, _NAME)


def _codes(file: Reported) -> Text:
    codes = [Text(finding.code.value.replace("_", " "), _SEVERITIES[finding.severity]) for finding in file.findings]
    return Text(", ").join(codes) if codes else Text("-", "dim")


def _findings(files: Sequence[Reported]) -> Iterator[Text]:
    """Say each finding once for all files it is the same of, the errors first, with its advice."""
    where: dict[Finding, list[str]] = {}
    for file in files:
        for finding in file.findings:
            where.setdefault(finding, []).append(file.path)
    advised: set[FindingCode] = set()
    order = list(Severity)
    for finding, paths in sorted(where.items(), key=lambda entry: order.index(entry[0].severity)):
        more = f" and {len(paths) - _PATHS:,} more" if len(paths) > _PATHS else ""
        head = Text(finding.severity.value, _SEVERITIES[finding.severity])
        told = Text(", ").join([safe(path, _NAME, "bold") for path in paths[:_PATHS]])
        line = Text.assemble(head, "  ", safe(finding.message), "\n    ", told, more)
        if finding.code not in advised:
            line.append_text(Text.assemble("\n    ", safe(finding.advice, LINE, "italic")))
            advised.add(finding.code)
        yield line


def print_stack(answer: ResolvedStack) -> None:
    """Print a stack that was resolved."""
    put(make_console(), *stack_page(answer))


def stack_page(answer: ResolvedStack) -> list[RenderableType]:
    """Return the parts of the page, from the top."""
    outer = ErrorValue(
        error_type=answer.reported.error_type, message=answer.reported.message, frames=tuple(answer.reported.frames)
    )
    page = [_exception(error) for error in (outer, *answer.reported.causes)]
    if not (answer.resolved or answer.unresolved):
        return [
            *page,
            Text("\nNo frame was resolved: nothing is uploaded that they could be of, or none is of a script."),
        ]
    frames = "frame" if answer.resolved == 1 else "frames"
    return [*page, Text(f"\n{answer.resolved} {frames} resolved, {answer.unresolved} not.")]


def _exception(error: ErrorValue) -> RenderableType:
    head = ": ".join(part for part in (error.error_type, error.message) if part)
    lines = [safe(head, LINE * 2, "bold")] if head else []
    for frame in error.frames[:_FRAMES]:
        lines += _frame(frame)
    if len(error.frames) > _FRAMES:
        lines.append(Text(f"  ({len(error.frames) - _FRAMES} more frames; --json has all)", "italic"))
    return Text("\n").join(lines)


def _frame(frame: Frame) -> Iterator[Text]:
    style = "bold" if frame.in_app else "dim"
    yield Text.assemble(Text("> " if frame.in_app else "  ", style), _place(frame, style))
    if frame.unresolved is not None:
        yield Text(f"      not resolved: {_UNRESOLVED[frame.unresolved]}", "yellow")
    if frame.context_line is None or not frame.in_app:
        return
    before = frame.pre_context[-_CONTEXT:]
    first = (frame.line or len(before) + 1) - len(before)
    for number, line in enumerate((*before, frame.context_line, *frame.post_context[:_CONTEXT]), first):
        hit = number == first + len(before)
        shown = Text.assemble(f"    {'→' if hit else ' '} {number:>5} ", Text(safe(line.rstrip() or " ").plain))
        shown.stylize("bold red" if hit else "dim")
        yield shown


def _place(frame: Frame, style: str = "") -> Text:
    where = frame.file or frame.module or frame.abs_path or "?"
    position = "".join(f":{number}" for number in (frame.line, frame.column) if number is not None)
    told = Text.assemble(safe(where, _NAME, style), Text(position, style))
    return Text.assemble(told, " in ", safe(frame.function, _FUNCTION, style)) if frame.function else told


def print_explanation(answer: SourceMapExplanation) -> None:
    """Print why the frames of an event are resolved or not."""
    put(make_console(), *explanation_page(answer))


def explanation_page(answer: SourceMapExplanation) -> list[RenderableType]:
    """Return the parts of the page, from the top."""
    release = answer.release or answer.reported.version
    elsewhere = ", ".join(answer.elsewhere)
    head = facts(
        [
            ("Event", safe(answer.id)),
            ("Issue", safe(answer.issue_id) if answer.issue_id else None),
            ("Origin", safe(answer.origin)),
            ("Release", safe(release, _NAME)),
            ("Dist", safe(answer.reported.dist, _NAME) if answer.reported.dist else None),
            ("Uploaded", Text(f"{counted(answer.artifacts, 'file')} for this release")),
            ("Maps elsewhere", safe(elsewhere, LINE) if elsewhere else None),
            ("Advice", safe(answer.advice, LINE, "bold") if answer.advice else None),
        ]
    )
    shown: list[RenderableType] = []
    before: list[str] = []
    for frame in answer.frames[:_FRAMES]:
        shown.append(_explained(frame, is_new=frame.reported.looked_for != before))
        before = frame.reported.looked_for or before
    left_out = len(answer.frames) - len(shown)
    if left_out:
        shown.append(Text(f"({left_out} more frames left out; --json has all)", "italic"))
    return [head, section("Frames, the raising one first", Group(*shown) if shown else Text("It has none."))]


def _explained(frame: FrameExplanation, *, is_new: bool) -> RenderableType:
    """Return what became of a frame; where its file was looked for is said once for those that follow one another."""
    told = frame.reported
    reported = _place(Frame(file=told.file, line=told.line, column=told.column, function=told.function), "bold")
    looked_for: list[Text] = [safe(name, _NAME) for name in told.looked_for if is_new]
    rows: list[tuple[str, RenderableType | None]] = [
        ("  became", _place(told.original, "green") if told.original is not None else None),
        ("  not resolved", Text(_UNRESOLVED[frame.unresolved], "yellow") if frame.unresolved is not None else None),
        ("  debug id", safe(told.debug_id) if told.debug_id else None),
        ("  looked for", Text("\n").join(looked_for) if looked_for else None),
        ("  found", _found(frame)),
        ("  source map", safe(frame.source_map, _NAME) if frame.source_map else None),
        ("  problem", safe(frame.problem, LINE, "red") if frame.problem else None),
        ("  there is", safe(", ".join(frame.alike), LINE) if frame.alike else None),
        ("  do", safe(frame.advice, LINE, "italic") if frame.advice else None),
    ]
    if not any(row for _, row in rows):
        return Text.assemble(reported, ("  not of generated code", "dim"))
    return Group(reported, facts(rows))


def _found(frame: FrameExplanation) -> Text | None:
    if frame.artifact is None and frame.found_by is None:
        return None
    how = f" {_STEPS[frame.found_by]}" if frame.found_by is not None else ""
    return Text.assemble(safe(frame.artifact, _NAME), how)
