"""Read artifact bundles as sentry-cli makes them: a ZIP archive with a manifest, behind eight bytes of header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from provenance_core.artifacts import ArtifactKind
from provenance_core.errors import InvalidInput
from provenance_core.json_text import loads
from provenance_server.archives import Archive
from provenance_server.uploaded_files import UploadedFile, is_storable

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 16 * 1024 * 1024
"""Bytes of a manifest; ours: 10,000 files of 1,600 bytes each."""

_MAGIC = b"SYSB"
_VERSION = 2
_KINDS = {"minified_source": ArtifactKind.SCRIPT, "source_map": ArtifactKind.SOURCE_MAP}
_REFERENCES = ("sourcemap", "x-sourcemap")


@dataclass(frozen=True, slots=True)
class SentryBundle:
    """What is in a bundle: scripts and source maps, and which build its manifest says they are of."""

    files: list[UploadedFile]
    release: str | None
    dist: str | None


def read_bundle(path: Path, folder: Path) -> SentryBundle:
    """Extract a bundle's scripts and source maps into a folder; files of other kinds stay where they are.

    Raises:
        InvalidInput: It is no bundle, or one that nobody would make.
        TooLarge: It has too many files, or inflates to too many bytes.
    """
    _check_header(path)
    with Archive(path) as archive:
        manifest = _object(loads(archive.read(MANIFEST, LARGEST_MANIFEST)).value)
        listed = {
            name: facts
            for name, told in _object(manifest.get("files", {})).items()
            if (facts := _object(told)).get("type") in _KINDS
        }
        extracted = archive.extract(listed, folder)
    files = [_file(one.name, one.path, listed[one.name]) for one in extracted]
    if not files:
        raise InvalidInput("The bundle has no minified sources and no source maps.")
    return SentryBundle(files, _text(manifest.get("release")), _text(manifest.get("dist")))


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(len(_MAGIC) + 4)
    if head[: len(_MAGIC)] != _MAGIC or int.from_bytes(head[len(_MAGIC) :], "little") != _VERSION:
        raise InvalidInput("The upload is no artifact bundle of version 2; upload with sentry-cli 2 or newer.")


def _file(member: str, path: Path, facts: Mapping[str, Any]) -> UploadedFile:
    told = _object(facts.get("headers") or {})
    headers = {name.lower(): _text(value) for name, value in told.items()}
    return UploadedFile(
        name=_text(facts.get("url")) or "~/" + member.removeprefix("files/_/_/"),
        path=path,
        kind=_KINDS[facts["type"]],
        debug_id=headers.get("debug-id"),
        reference=next((headers[name] for name in _REFERENCES if headers.get(name)), None),
    )


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput("The manifest of the bundle does not have the form that sentry-cli gives it.")
    return cast("dict[str, Any]", value)


def _text(value: object) -> str | None:
    if isinstance(value, str) and not is_storable(value):
        raise InvalidInput("The manifest of the bundle has a text that is not valid Unicode, or has a NUL.")
    return value if isinstance(value, str) and value else None
