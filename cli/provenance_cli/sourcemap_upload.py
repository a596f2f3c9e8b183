"""What an upload of source maps sends, and what became of each file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provenance_cli.sourcemap_pairs import CheckedFile
from provenance_core.artifacts import ArtifactKind
from provenance_core.sourcemaps.linting import Finding, Severity
from provenance_server.client import Client
from provenance_server.operations import CHECK_SOURCEMAPS
from provenance_server.sourcemap_answers import Upload
from provenance_server.sourcemap_arguments import MOST_FILES

PART_BYTES = 256 * 1024 * 1024
"""Bytes that are sent at once; half of what a server takes."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Whose files are sent: an origin, a version of it, and the build of that; empty for all."""

    origin: str
    release: str
    dist: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The files that may be sent, and those that may not."""

    good: list[CheckedFile]
    bad: list[CheckedFile]


class State(StrEnum):
    """Name what became of a file."""

    SENT = "sent"
    KNOWN = "known"
    LEFT_OUT = "leftOut"
    NOT_SENT = "notSent"


@dataclass(frozen=True, slots=True)
class Reported:
    """A file as a report tells of it."""

    path: str
    name: str
    kind: ArtifactKind
    size: int
    sha256: str
    has_map: bool
    source_map: str | None
    state: State
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What an upload found and did, and in one line what that amounts to."""

    files: list[Reported]
    summary: str
    upload: Upload | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the report for programs; `upload` is what HTTP answers, null where nothing was sent."""
        states = [file.state for file in self.files]
        return {
            "sent": states.count(State.SENT),
            "known": states.count(State.KNOWN),
            "leftOut": states.count(State.LEFT_OUT),
            "upload": self.upload.model_dump(mode="json", by_alias=True) if self.upload is not None else None,
            "files": [_to_json(file) for file in self.files],
        }


def checked_only(files: Sequence[CheckedFile], choice: Choice) -> Report:
    """Return the report on files that nobody was asked to send, or that are refused."""
    if choice.bad:
        summary = f"Nothing was sent: {_count(choice.bad)} must be mended first; --skip-invalid sends the others."
    else:
        total = sum(file.facts.size for file in choice.good)
        summary = f"Nothing was sent, as asked: {_count(choice.good)} would be, {total:,} bytes at the most."
    return _report(files, {file.facts.path: State.LEFT_OUT for file in choice.bad}, summary)


def send(client: Client, target: Target, files: Sequence[CheckedFile], choice: Choice, progress: Progress) -> Report:
    """Send what a release lacks, and return the report.

    Args:
        client: Whom to send it.
        target: Whose files they are.
        files: All that were found.
        choice: Those that may be sent.
        progress: Is told how many bytes of how many are sent.

    Raises:
        ProvenanceError: The server or store refuses them.
    """
    missing = _missing(client, target, choice.good)
    wanted = [file for file in choice.good if file.facts.name in missing]
    states = {file.facts.path: State.LEFT_OUT for file in choice.bad}
    states |= {file.facts.path: State.KNOWN for file in choice.good} | {file.facts.path: State.SENT for file in wanted}
    known = len(choice.good) - len(wanted)
    if not wanted:
        told = "there is none that may be" if not choice.good else f"{_count(choice.good)} are there already"
        return _report(files, states, f"Nothing was sent: {told}.")
    answer = _upload(client, target, wanted, progress)
    summary = (
        f"{_count(wanted)} sent, {sum(file.facts.size for file in wanted):,} bytes; {known:,} were there already; "
        f"frames of {answer.resolved_issues:,} {'issue' if answer.resolved_issues == 1 else 'issues'} are resolved now."
    )
    return _report(files, states, summary, answer)


def _upload(client: Client, target: Target, files: Sequence[CheckedFile], progress: Progress) -> Upload:
    """Upload files, in parts that a server takes, and return what became of all of them."""
    from provenance_server.uploaded_files import UploadedFile  # noqa: PLC0415  # loads the store; a dry run needs none
    from provenance_server.uploading import UploadTarget  # noqa: PLC0415  # loads the store; a dry run needs none

    total, done = sum(file.facts.size for file in files), 0
    answers: list[Upload] = []
    for part in _parts(files):
        uploads = [UploadedFile(file.facts.name, file.found.path, file.facts.kind) for file in part]
        progress(before := done, total)
        told = UploadTarget(target.origin, target.release, target.dist)
        answers.append(client.upload(told, uploads, lambda sent, _, before=before: progress(before + sent, total)))
        done += sum(file.facts.size for file in part)
    return answers[0].model_copy(
        update={
            "added": sum(answer.added for answer in answers),
            "replaced": sum(answer.replaced for answer in answers),
            "unchanged": sum(answer.unchanged for answer in answers),
            "resolved_issues": sum(answer.resolved_issues for answer in answers),
            "warnings": [warning for answer in answers for warning in answer.warnings],
        }
    )


def _parts(files: Sequence[CheckedFile]) -> Iterator[list[CheckedFile]]:
    """Yield the files in parts that may be sent at once; a map and its scripts are in one of them, where they fit."""
    return _packed([piece for group in _groups(files) for piece in _packed([[file] for file in group])])


def _packed(groups: Sequence[list[CheckedFile]]) -> Iterator[list[CheckedFile]]:
    part: list[CheckedFile] = []
    size = 0
    for group in groups:
        more = sum(file.facts.size for file in group)
        if part and (len(part) + len(group) > MOST_FILES or size + more > PART_BYTES):
            yield part
            part, size = [], 0
        part += group
        size += more
    yield part


def _groups(files: Sequence[CheckedFile]) -> list[list[CheckedFile]]:
    """Return maps with the scripts that they are of, and each other file for itself."""
    groups: dict[str, list[CheckedFile]] = {}
    for file in files:
        groups.setdefault(file.facts.source_map or file.facts.path, []).append(file)
    return list(groups.values())


def _missing(client: Client, target: Target, files: Sequence[CheckedFile]) -> set[str]:
    missing: set[str] = set()
    for start in range(0, len(files), MOST_FILES):
        asked = [
            {"name": file.facts.name, "sha256": file.facts.hash.hex()} for file in files[start : start + MOST_FILES]
        ]
        raw = {"origin": target.origin, "release": target.release, "dist": target.dist, "files": asked}
        missing.update(client.call(CHECK_SOURCEMAPS, raw).missing)
    return missing


def _count(files: Sequence[CheckedFile]) -> str:
    return f"{len(files):,} file{'' if len(files) == 1 else 's'}"


def choose(files: Sequence[CheckedFile], *, strict: bool) -> Choice:
    """Split files into those that may be sent and those that may not.

    Args:
        files: The files; of several with one name only the last may be sent.
        strict: Let warnings count as errors.
    """
    against = (Severity.ERROR, Severity.WARNING) if strict else (Severity.ERROR,)
    bad = [file for file in files if any(file.has(severity) for severity in against)]
    refused = {file.facts.path for file in bad}
    last = {file.facts.name: file for file in files}
    good = [file for file in last.values() if file.facts.path not in refused]
    return Choice(good, bad)


def _report(
    files: Sequence[CheckedFile], states: Mapping[str, State], summary: str, upload: Upload | None = None
) -> Report:
    """Return the report on files.

    Args:
        files: All that were found.
        states: What became of files, by their paths; the others were not sent.
        summary: The line that says what it amounts to.
        upload: What the server told.
    """
    names = {file.facts.path: file.facts.name for file in files}
    return Report([_reported(file, names, states) for file in files], summary, upload)


def _reported(file: CheckedFile, names: Mapping[str, str], states: Mapping[str, State]) -> Reported:
    facts = file.facts
    return Reported(
        path=facts.path,
        name=facts.name,
        kind=facts.kind,
        size=facts.size,
        sha256=facts.hash.hex(),
        has_map=facts.script is not None and facts.script.has_map,
        source_map=names.get(facts.source_map) if facts.source_map is not None else None,
        state=states.get(facts.path, State.NOT_SENT),
        findings=file.findings,
    )


def _to_json(file: Reported) -> dict[str, Any]:
    return {
        "file": file.path,
        "name": file.name,
        "kind": file.kind.value,
        "size": file.size,
        "sha256": file.sha256,
        "sourceMap": file.source_map,
        "hasInlineMap": file.has_map,
        "upload": file.state.value,
        "findings": [
            {
                "severity": finding.severity.value,
                "code": finding.code.value,
                "message": finding.message,
                "advice": finding.advice,
            }
            for finding in file.findings
        ],
    }
