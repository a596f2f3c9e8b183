"""Find scripts and source maps in folders, and the names that an upload gives them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from provenance_core.artifacts import ArtifactKind
from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput

SCRIPTS = (".js", ".mjs", ".cjs", ".jsbundle", ".bundle", ".css")
MAPS = (".map",)

_LEFT_OUT = frozenset(("node_modules",))
_ARCHIVES = (".zip", ".tgz", ".gz", ".tar")
_EXPECTED = f"Expected are files that end in {', '.join(SCRIPTS)} or {', '.join(MAPS)}"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A script or a source map on disk.

    Args:
        path: Where it is.
        relative: Its path below what was named on the command line, with slashes.
        given: Its path as the command line would say it, with slashes.
        kind: What its name tells.
    """

    path: Path
    relative: str
    given: str
    kind: ArtifactKind


@dataclass(frozen=True, slots=True)
class Naming:
    """How files are named: a prefix, and what is taken off the front of their paths.

    Args:
        url_prefix: The front of the URL, as `~/static/`, where `~` stands for any scheme and host.
        strip_prefix: Folders to leave out, below what was named, as named, or from the root of the disk.
    """

    url_prefix: str = "~/"
    strip_prefix: str | None = None

    def name(self, file: FoundFile) -> str:
        """Return the name of a file, as a frame's URL would end."""
        return self._front() + (self.stripped(file) or file.relative)

    def stripped(self, file: FoundFile) -> str | None:
        """Return a file's path without the folders to leave out, or None where it does not begin with them."""
        if not self.strip_prefix:
            return None
        front = PurePosixPath(PurePath(self.strip_prefix).as_posix())
        for path in (file.relative, file.given, file.path.absolute().as_posix()):
            if PurePosixPath(path).is_relative_to(front) and PurePosixPath(path) != front:
                return PurePosixPath(path).relative_to(front).as_posix()
        return None

    def _front(self) -> str:
        prefix = self.url_prefix.strip()
        if "://" not in prefix:
            prefix = f"~/{prefix.removeprefix('~').lstrip('/')}"
        return prefix if prefix.endswith("/") else f"{prefix}/"


def find_files(paths: Sequence[Path]) -> list[FoundFile]:
    """Return the scripts and source maps that paths name: files, and what is in folders below them.

    `node_modules` and folders whose names begin with a dot are left out unless a path names them; links to folders are
    not followed.

    Raises:
        InvalidInput: A path is not there, is of no such kind, or nothing is found.
    """
    found: dict[Path, FoundFile] = {}
    looked_at = 0
    for path in paths:
        for file, relative in _below(path):
            looked_at += 1
            kind = kind_of(file.name)
            if kind is not None:
                given = (path / relative if path.is_dir() else path).as_posix()
                found.setdefault(Path(os.path.normpath(file.absolute())), FoundFile(file, relative, given, kind))
    if not found:
        where = ", ".join(quoted(str(path)) for path in paths)
        raise InvalidInput(
            f"No script and no source map in {where}; {looked_at:,} files were looked at. {_EXPECTED}; node_modules "
            "and folders that begin with a dot count only where they are named. Does the build write source maps?"
        )
    return list(found.values())


def kind_of(name: str) -> ArtifactKind | None:
    """Return what a file is by its name, or None where it is neither."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in MAPS:
        return ArtifactKind.SOURCE_MAP
    return ArtifactKind.SCRIPT if suffix in SCRIPTS else None


def _below(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that a path names, each with its path below it, in the order of their names."""
    if path.is_dir():
        for folder, folders, files in os.walk(path, onerror=_refuse):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT)
            for name in sorted(files):
                file = Path(folder) / name
                if file.is_file():
                    yield file, file.relative_to(path).as_posix()
        return
    if not path.is_file():
        raise InvalidInput(f"There is no file or folder {quoted(str(path))}. Name what the build wrote, as ./dist.")
    if path.suffix.lower() in _ARCHIVES:
        raise InvalidInput(f"{quoted(str(path))} is an archive. Unpack it and name the folder.")
    if kind_of(path.name) is None:
        raise InvalidInput(f"{quoted(str(path))} is neither a script nor a source map. {_EXPECTED}.")
    yield path, path.name


def _refuse(error: OSError) -> None:
    raise InvalidInput(f"{quoted(str(error.filename))} cannot be read: {error.strerror}.") from None
