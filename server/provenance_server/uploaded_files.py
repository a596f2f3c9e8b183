"""Uploaded files: what each is, what it says of its source map, and the map that a script may carry."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from provenance_core import limits
from provenance_core.artifacts import ArtifactKind
from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput, TooLarge
from provenance_core.sourcemaps.limits import MAX_MAP_BYTES
from provenance_core.sourcemaps.references import inline_map, parse_debug_id, read_script
from provenance_storage.records import NewArtifact

SCRIPTS = frozenset({".js", ".mjs", ".cjs", ".jsx", ".css", ".jsbundle", ".bundle", ".hbc"})
"""Endings of generated files."""

MOST_REFUSALS = 10
"""Files that are named where an upload is refused."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that was uploaded; what its sender tells of it goes before what stands in it.

    Attributes:
        name: The address it is served under, `~` standing for any host: `~/static/app.min.js`.
        path: Where its bytes are.
        kind: What it is; by its name unless told.
        debug_id: Its debug id, where that is told beside it.
        reference: Where its source map is, where that is told beside it.
    """

    name: str
    path: Path
    kind: ArtifactKind | None = None
    debug_id: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class UploadedMap:
    """A source map to be indexed: its name for people, where its bytes are, and their hash and number."""

    name: str
    path: Path
    hash: bytes
    size: int


def read_files(files: Sequence[UploadedFile], folder: Path) -> tuple[list[NewArtifact], dict[bytes, UploadedMap]]:
    """Return what files are, and the maps among and in them by their hashes.

    Args:
        files: The files.
        folder: Where maps are written that lie in scripts.

    Raises:
        InvalidInput: One is neither script nor source map, or its name cannot be one.
        TooLarge: One is too large.
    """
    artifacts: list[NewArtifact] = []
    maps: dict[bytes, UploadedMap] = {}
    unknown: list[str] = []
    for file in files:
        _check_file(file)
        kind = file.kind or _kind(file)
        if kind is ArtifactKind.SOURCE_MAP:
            found = UploadedMap(file.name, file.path, _hash(file.path), file.path.stat().st_size)
            maps.setdefault(found.hash, found)
            debug_id = parse_debug_id(file.debug_id)
            artifacts.append(NewArtifact(file.name, kind, found.hash, found.size, debug_id=debug_id))
        elif kind is ArtifactKind.SCRIPT:
            artifact, inline = _script(file, folder)
            artifacts.append(artifact)
            if inline is not None:
                maps.setdefault(inline.hash, inline)
        else:
            unknown.append(file.name)
    if unknown:
        shown = ", ".join(quoted(name) for name in unknown[:MOST_REFUSALS])
        raise InvalidInput(f"Neither a script (.js, .mjs, .cjs, .css) nor a source map (.map): {shown}.")
    return artifacts, maps


def is_storable(text: str) -> bool:
    """Say whether every store takes a text: it has no NUL and no lone surrogates."""
    return _UNSTORABLE.search(text) is None


def _check_file(file: UploadedFile) -> None:
    if len(file.name) > limits.PATH or not file.name.isprintable():
        raise InvalidInput(
            f"A file's name has {limits.PATH} printable characters at most; {quoted(file.name)} has not."
        )
    if file.reference is not None and not is_storable(file.reference):
        raise InvalidInput(
            f"What is told beside {quoted(file.name)} of its source map must be valid Unicode without NUL."
        )
    if file.path.stat().st_size > MAX_MAP_BYTES:
        raise TooLarge(f"{quoted(file.name)} is larger than the {MAX_MAP_BYTES} bytes that a file may have.")


def _kind(file: UploadedFile) -> ArtifactKind | None:
    """Return what a file is by its name's ending, and where that tells nothing, by how it begins."""
    ending = PurePosixPath(file.name.partition("?")[0]).suffix.lower()
    if ending == ".map":
        return ArtifactKind.SOURCE_MAP
    if ending in SCRIPTS:
        return ArtifactKind.SCRIPT
    if ending in {"", ".json"}:
        with file.path.open("rb") as opened:
            start = opened.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith(b"{") and b'"version"' in start:
            return ArtifactKind.SOURCE_MAP
    return None


def _script(file: UploadedFile, folder: Path) -> tuple[NewArtifact, UploadedMap | None]:
    """Return a script, and the map that it carries in a `data:` address."""
    text = file.path.read_text("utf-8", "replace")
    told = read_script(text)
    own = told.source_map_url
    reference = file.reference or (own if own is not None and is_storable(own) else None)
    inline: UploadedMap | None = None
    if reference is not None and reference.startswith("data:"):
        data = inline_map(reference)
        reference = None
        if data is not None:
            content = hashlib.sha256(data).digest()
            path = folder / f"{content.hex()}.map"
            path.write_bytes(data)
            inline = UploadedMap(file.name, path, content, len(data))
    return NewArtifact(
        file.name,
        ArtifactKind.SCRIPT,
        _hash(file.path),
        file.path.stat().st_size,
        debug_id=parse_debug_id(file.debug_id) or told.debug_id,
        reference=reference[: limits.PATH] if reference else None,
        map_hash=inline.hash if inline is not None else None,
    ), inline


def _hash(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
