"""Read scripts and source maps, and find out which belong together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from sourcemap.exceptions import SourceMapDecodeError

from provenance_cli.sourcemap_files import FoundFile, Naming
from provenance_core.artifacts import ArtifactKind
from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput
from provenance_core.sourcemaps.inspecting import MapFacts, map_facts, script_facts
from provenance_core.sourcemaps.limits import MAX_MAP_BYTES
from provenance_core.sourcemaps.linting import Finding, LintedFile, Severity, lint
from provenance_core.sourcemaps.references import joined, url_candidates

_UNTOLD = frozenset(("", ".json"))
"""Endings of source maps that do not tell so."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that may be uploaded, and what is to be said of it."""

    found: FoundFile
    facts: LintedFile
    findings: tuple[Finding, ...] = ()

    def has(self, severity: Severity) -> bool:
        """Say whether it has a finding of that severity."""
        return any(finding.severity is severity for finding in self.findings)


def check_files(
    files: Sequence[FoundFile], naming: Naming, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> list[CheckedFile]:
    """Read files, pair scripts with their maps, and say what is wrong with them; in the order of their names.

    Args:
        files: What was found.
        naming: How they are named.
        progress: Is told how many bytes of how many are read.

    Raises:
        InvalidInput: A file cannot be read, or no file begins with what is to be stripped.
    """
    if naming.strip_prefix and not any(naming.stripped(file) for file in files):
        raise InvalidInput(
            f"No file's path begins with {quoted(naming.strip_prefix)}. --strip-prefix takes folders off the front of "
            f"paths like {quoted(files[0].relative)}."
        )
    total = sum(map(_size, files))
    read: dict[Path, CheckedFile] = {}
    done = 0
    for file in files:
        read[_place(file.path)] = checked = _read(file, naming)
        progress(done := done + checked.facts.size, total)
    _pair(read, naming)
    ordered = sorted(read.values(), key=lambda file: file.facts.name)
    found = lint([file.facts for file in ordered])
    return [replace(file, findings=findings) for file, findings in zip(ordered, found, strict=True)]


def _read(file: FoundFile, naming: Naming) -> CheckedFile:
    size = _size(file)
    try:
        data = file.path.read_bytes() if size <= MAX_MAP_BYTES else b""
    except OSError as error:
        raise _unreadable(file, error) from None
    size, content = max(size, len(data)), sha256(data).digest()
    facts = LintedFile(file.given, naming.name(file), file.kind, size, content, MAX_MAP_BYTES)
    return CheckedFile(file, _inspected(facts, data) if data else facts)


def _size(file: FoundFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: FoundFile, error: OSError) -> InvalidInput:
    return InvalidInput(f"{quoted(str(file.path))} cannot be read: {error.strerror}.")


def _inspected(facts: LintedFile, data: bytes) -> LintedFile:
    """Return what is known of a file, with what its content says."""
    if facts.kind is ArtifactKind.SOURCE_MAP:
        found, problem = _map_facts(data)
        return replace(facts, map=found, problem=problem)
    script, inline = script_facts(data.decode("utf-8", "replace"))
    found, problem = _map_facts(inline) if inline is not None else (None, None)
    return replace(facts, script=script, map=found, problem=problem)


def _map_facts(data: bytes) -> tuple[MapFacts | None, str | None]:
    try:
        return map_facts(data), None
    except SourceMapDecodeError as error:
        return None, str(error)


def _pair(read: dict[Path, CheckedFile], naming: Naming) -> None:
    """Note of each script the map that a server will find for it; one that only a reference tells of is read too."""
    for file in list(read.values()):
        if (unlisted := _unlisted(file, naming)) is not None:
            read.setdefault(_place(unlisted.found.path), unlisted)
    maps = [file.facts for file in read.values() if file.facts.kind is ArtifactKind.SOURCE_MAP]
    by_name = {facts.name: facts for facts in maps}
    by_id = {facts.map.debug_id: facts for facts in maps if facts.map is not None and facts.map.debug_id is not None}
    for path, file in read.items():
        script = file.facts.script
        if script is None or script.has_map:
            continue
        found = _by_name(file.facts.name, script.reference, by_name)
        if found is None and script.debug_id is not None:
            found = by_id.get(script.debug_id)
        if found is not None:
            read[path] = replace(file, facts=replace(file.facts, source_map=found.path))


def _by_name(name: str, reference: str | None, maps: Mapping[str, LintedFile]) -> LintedFile | None:
    """Return the map that a script refers to, else the one that has its name."""
    referred = joined(name, reference) if reference is not None else None
    names = [referred, *url_candidates(referred)] if referred is not None else []
    names += [f"{name}.map", *([f"{name.removesuffix('.js')}.map"] if name.endswith(".js") else [])]
    return next((maps[one] for one in names if one in maps), None)


def _unlisted(file: CheckedFile, naming: Naming) -> CheckedFile | None:
    """Read a map whose name does not tell that it is one; it must lie in the folder that was named."""
    reference = file.facts.script.reference if file.facts.script is not None else None
    if reference is None or "://" in reference:
        return None
    depth = len(PurePosixPath(file.found.relative).parts)
    own = _place(file.found.path)
    root, path = own.parents[depth - 1], _place(own.parent / _local(reference))
    if path.suffix.lower() not in _UNTOLD or not path.is_relative_to(root) or not path.is_file():
        return None
    relative = path.relative_to(root).as_posix()
    given = file.found.given.removesuffix(file.found.relative) + relative
    return _read(FoundFile(path, relative, given, ArtifactKind.SOURCE_MAP), naming)


def _local(reference: str) -> str:
    """Return a reference as a path on disk, without query and fragment."""
    return unquote(reference.partition("#")[0].partition("?")[0]).replace("\0", "").lstrip("/")


def _place(path: Path) -> Path:
    """Return a path without `.` and `..`; links stay."""
    return Path(os.path.normpath(path.absolute()))
