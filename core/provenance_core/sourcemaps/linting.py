"""Say what is wrong with scripts and source maps before anything is sent: facts in, findings out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from provenance_core import limits
from provenance_core.artifacts import ArtifactKind
from provenance_core.clean import quoted
from provenance_core.sourcemaps.inspecting import MapFacts, ScriptFacts


class Severity(StrEnum):
    """Name what a finding means for an upload: an error keeps the file from being sent."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class FindingCode(StrEnum):
    """Name what can be found."""

    EMPTY_FILE = "empty_file"
    BAD_NAME = "bad_name"
    TOO_LARGE = "too_large"
    MALFORMED_MAP = "malformed_map"
    MISSING_MAP = "missing_map"
    NO_MAPPINGS = "no_mappings"
    NO_SOURCES = "no_sources"
    MISSING_SOURCES_CONTENT = "missing_sources_content"
    NO_SCRIPT = "no_script"
    NO_MAP = "no_map"
    OTHER_FILE = "other_file"
    SAME_NAME = "same_name"
    OTHER_DEBUG_ID = "other_debug_id"
    NO_DEBUG_ID = "no_debug_id"
    STALE_MAP = "stale_map"
    MACHINE_PATHS = "machine_paths"
    MAP_ELSEWHERE = "map_elsewhere"
    SHARED_MAP = "shared_map"
    INLINE_MAP = "inline_map"
    NO_NAMES = "no_names"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should know of a file, and what to do about it."""

    severity: Severity
    code: FindingCode
    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class LintedFile:
    """A file of an upload, as far as its findings depend on it.

    Args:
        path: Where it is, to speak of it.
        name: The name it gets.
        kind: What it is.
        size: Its bytes.
        hash: SHA-256 of its bytes.
        limit: Bytes that a file of its kind may have.
        script: What a script says.
        map: What a source map says, or the one inside a script.
        problem: Why it cannot be read, or the map inside it.
        source_map: The path of a script's map, where it was found.
    """

    path: str
    name: str
    kind: ArtifactKind
    size: int
    hash: bytes
    limit: int
    script: ScriptFacts | None = None
    map: MapFacts | None = None
    problem: str | None = None
    source_map: str | None = None


_ODD = re.compile(r"\\|(?:^|/)\.\.(?:/|$)")
_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_RULES: Mapping[FindingCode, tuple[Severity, str]] = {
    FindingCode.EMPTY_FILE: (_ERROR, "Build again; something cut the file."),
    FindingCode.BAD_NAME: (_ERROR, "Rename the file, or shorten its path with --strip-prefix."),
    FindingCode.TOO_LARGE: (_ERROR, "Split the bundle, or let the build leave vendored code out of the map."),
    FindingCode.MALFORMED_MAP: (_ERROR, "Build again and upload what the build wrote, before anything rewrites it."),
    FindingCode.MISSING_MAP: (
        _ERROR,
        "Upload the map with the script; let the build write it, and keep it until then.",
    ),
    FindingCode.NO_MAPPINGS: (_WARNING, "Nothing if the script has no code of its own; else turn source maps on."),
    FindingCode.NO_SOURCES: (_WARNING, "Let the build name the original files in `sources`."),
    FindingCode.MISSING_SOURCES_CONTENT: (
        _WARNING,
        "Let the build embed the sources (`sourcesContent`): source lines and function names come from them.",
    ),
    FindingCode.NO_SCRIPT: (_WARNING, "Upload the script too: what it says decides which map belongs to it."),
    FindingCode.NO_MAP: (_WARNING, "Turn source maps on for it; else its frames stay minified."),
    FindingCode.OTHER_FILE: (_WARNING, "Check that the map was built with this script; a copy or rename does no harm."),
    FindingCode.SAME_NAME: (_WARNING, "Upload the folders one by one, each with a --url-prefix of its own."),
    FindingCode.OTHER_DEBUG_ID: (_WARNING, "Build both again; one of them is of another build."),
    FindingCode.NO_DEBUG_ID: (_WARNING, "Let the tool that put the id into the script put it into the map too."),
    FindingCode.STALE_MAP: (_WARNING, "Upload what is deployed: the script was changed after its map was written."),
    FindingCode.MACHINE_PATHS: (
        _WARNING,
        "Let the build write paths relative to the project, the same on any machine.",
    ),
    FindingCode.MAP_ELSEWHERE: (_WARNING, "Upload the map here: no server is asked for it."),
    FindingCode.SHARED_MAP: (_WARNING, "Check the build: positions of one script mean nothing in another."),
    FindingCode.INLINE_MAP: (_NOTE, "Whoever loads the script gets the sources with it; a file of its own stays here."),
    FindingCode.NO_NAMES: (_NOTE, "Nothing, where the sources are in it: functions are named after them."),
}


def lint(files: Sequence[LintedFile]) -> list[tuple[Finding, ...]]:
    """Return what is to be said of each file of an upload, errors first."""
    paths = {file.path: file for file in files}
    users: dict[bytes, list[LintedFile]] = defaultdict(list)
    for file in files:
        if file.source_map is not None:
            users[paths[file.source_map].hash].append(file)
    last = {file.name: file for file in files}
    order = list(Severity)
    return [
        tuple(sorted(_of_file(file, paths, users, last), key=lambda finding: order.index(finding.severity)))
        for file in files
    ]


def _of_file(
    file: LintedFile,
    paths: Mapping[str, LintedFile],
    users: Mapping[bytes, list[LintedFile]],
    last: Mapping[str, LintedFile],
) -> Iterator[Finding]:
    if last[file.name] is not file:
        told = quoted(last[file.name].path)
        yield _found(FindingCode.SAME_NAME, f"{told} gets the same name, and only that one is sent.")
    if len(file.name) > limits.PATH or not file.name.isprintable() or _ODD.search(file.name):
        told = f"A name has {limits.PATH:,} printable characters at most, no backslash and no `..`."
        yield _found(FindingCode.BAD_NAME, told)
    if file.size > file.limit:
        yield _found(FindingCode.TOO_LARGE, f"It has {file.size:,} bytes; {file.limit:,} are allowed.")
    if file.size == 0:
        yield _found(FindingCode.EMPTY_FILE, "It is empty.")
    elif file.problem is not None:
        what = "The map inside it is malformed" if file.kind is ArtifactKind.SCRIPT else "It is no valid source map"
        yield _found(FindingCode.MALFORMED_MAP, f"{what}: {file.problem}.")
    if file.kind is ArtifactKind.SCRIPT:
        yield from _of_script(file, paths)
    else:
        yield from _of_users(file, users.get(file.hash, ()))
    if file.map is not None:
        yield from _of_map(file.map)


def _of_script(file: LintedFile, paths: Mapping[str, LintedFile]) -> Iterator[Finding]:
    script = file.script
    if script is None:
        return
    if script.has_map:
        yield _found(FindingCode.INLINE_MAP, "Its map is inside it.")
        facts = file.map
    elif file.source_map is None:
        yield from _without_map(file, script)
        return
    else:
        facts = paths[file.source_map].map
    if facts is None:
        return
    if facts.file and not facts.file.endswith(".map") and _base(facts.file) not in {_base(file.path), _base(file.name)}:
        yield _found(FindingCode.OTHER_FILE, f"Its map says it is of {quoted(facts.file)}.")
    yield from _of_debug_ids(script.debug_id, facts.debug_id)
    if (outside := _outside(script.line_lengths, facts.last_columns)) is not None:
        yield _found(FindingCode.STALE_MAP, outside)


def _without_map(file: LintedFile, script: ScriptFacts) -> Iterator[Finding]:
    if script.reference is None:
        if file.path.lower().endswith(".css"):
            return  # no frame lies in a style sheet
        yield _found(FindingCode.NO_MAP, "It refers to no source map, and there is none beside it.")
    elif "://" in script.reference:
        yield _found(FindingCode.MAP_ELSEWHERE, f"Its map is said to be at {quoted(script.reference)}.")
    else:
        yield _found(
            FindingCode.MISSING_MAP,
            f"It refers to {quoted(script.reference)}, which is not there; neither is a map with its name.",
        )


def _of_debug_ids(of_script: str | None, of_map: str | None) -> Iterator[Finding]:
    if of_script is None or of_script == of_map:
        return
    if of_map is None:
        yield _found(FindingCode.NO_DEBUG_ID, f"It has the debug id {of_script}, and its map has none.")
    else:
        yield _found(FindingCode.OTHER_DEBUG_ID, f"It has the debug id {of_script}, and its map {of_map}.")


def _of_users(file: LintedFile, users: Sequence[LintedFile]) -> Iterator[Finding]:
    """Say what follows from the scripts that a map belongs to; copies of one script may share it."""
    if file.map is None:
        return
    if not users:
        yield _found(FindingCode.NO_SCRIPT, "No script here refers to it, and none has its name.")
    others = {_code_of(user, file.map): user for user in users}
    if len(others) > 1:
        told = ", ".join(quoted(user.path) for user in list(others.values())[:3])
        more = " …" if len(others) > 3 else ""
        yield _found(FindingCode.SHARED_MAP, f"{len(others)} different scripts use it: {told}{more}.")


def _code_of(user: LintedFile, facts: MapFacts) -> object:
    """Return what tells a script's code from another's: two that differ in their last comment only are copies."""
    lengths = user.script.line_lengths if user.script is not None else None
    return user.hash if lengths is None else lengths[: len(facts.last_columns)]


def _of_map(facts: MapFacts) -> Iterator[Finding]:
    if not facts.maps_anything:
        yield _found(FindingCode.NO_MAPPINGS, "It maps nothing.")
        return
    if not facts.sources:
        yield _found(FindingCode.NO_SOURCES, "It names no original file.")
    elif facts.without_content:
        yield _found(
            FindingCode.MISSING_SOURCES_CONTENT, f"{facts.without_content} of {facts.sources} sources are not in it."
        )
    if facts.machine_paths:
        yield _found(
            FindingCode.MACHINE_PATHS, f"{facts.machine_paths} of its paths are those of the machine it was built on."
        )
    if not facts.names:
        yield _found(FindingCode.NO_NAMES, "It has no names.")


def _outside(lengths: Sequence[int] | None, last_columns: Sequence[int]) -> str | None:
    """Say which mapping lies outside the script, if one does; lines and columns are told from 1."""
    if lengths is None:
        return None
    if len(last_columns) > len(lengths):
        return f"Its map has positions in line {len(last_columns):,}; the script has {len(lengths):,} lines."
    for line, (length, column) in enumerate(zip(lengths, last_columns, strict=False), 1):
        if column > length:
            return f"Its map has a position in column {column + 1:,} of line {line:,}, which has {length:,} characters."
    return None


def _base(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/").split("?", 1)[0]).name


def _found(code: FindingCode, message: str) -> Finding:
    severity, advice = _RULES[code]
    return Finding(severity, code, message, advice)
