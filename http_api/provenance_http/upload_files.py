"""Make an upload's files of what was sent: the parts of a form, or the members of a ZIP archive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from provenance_core import limits
from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput
from provenance_http.forms import Part
from provenance_server.archives import Archive
from provenance_server.sourcemap_answers import FileWarning
from provenance_server.uploaded_files import SCRIPTS, UploadedFile

DEFAULT_PREFIX = "~/"
TEXT_FIELDS = ("dist", "urlPrefix", "name")
"""The fields of a form that are no files; `name` is the name of the file after it."""

_ENDINGS = SCRIPTS | {".map"}
_ADDRESS = re.compile(r"~/|[A-Za-z][A-Za-z0-9+.-]*://|/")
_JUNK = re.compile(r"(?:^|/)(?:__MACOSX/|\._)")
"""What macOS puts into archives beside the files: a copy of each one's attributes, under its ending."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request sent: files under the names they have, texts beside them, and what was left out."""

    files: Sequence[tuple[str, Path]]
    texts: dict[str, Any] = field(default_factory=dict[str, Any])
    ignored: int = 0

    def uploaded(self, prefix: str) -> list[UploadedFile]:
        """Return the files under the addresses they are served at.

        Args:
            prefix: What stands before a name that is no address.

        Raises:
            InvalidInput: A name is none, or two files have the same.
        """
        uploaded: dict[str, UploadedFile] = {}
        for given, path in self.files:
            name = _address(given, prefix)
            if name in uploaded:
                raise InvalidInput(f"Two files have the name {quoted(name)}; give each its own.")
            uploaded[name] = UploadedFile(name, path)
        return list(uploaded.values())

    def warnings(self) -> list[FileWarning]:
        """Return what is worth knowing of what was left out."""
        if not self.ignored:
            return []
        message = f"{self.ignored} files of the archive are no scripts and no source maps by their endings; left out."
        return [FileWarning(name="*", code="ignored", message=message)]


def sent_as_form(parts: Sequence[Part]) -> Sent:
    """Return what the parts of a form are.

    A file's name is what a field `name` before it says; else the field's own name where that is an address or has a
    known ending, as in `-F '~/static/app.min.js=@dist/app.min.js'`; else the name of the file, as in
    `-F 'file=@app.min.js;filename=~/static/app.min.js'`.

    Raises:
        InvalidInput: A field is not known, or is there twice.
    """
    files: list[tuple[str, Path]] = []
    texts: dict[str, Any] = {}
    name: str | None = None
    for part in parts:
        if part.field in TEXT_FIELDS and part.filename is None:
            text = part.text(4 * limits.PATH)
            if part.field == "name":
                name = text
            elif part.field in texts:
                raise InvalidInput(f"The field `{part.field}` is there twice; say it once.")
            else:
                texts[part.field] = text
        elif part.filename is not None or _is_name(part.field):
            files.append((name or (part.field if _is_name(part.field) else part.filename or ""), part.path))
            name = None
        else:
            raise InvalidInput(
                f"The form has no field {quoted(part.field)}: it takes {', '.join(TEXT_FIELDS)}, and files, "
                "each with its filename."
            )
    return Sent(files, texts)


def sent_as_archive(path: Path, folder: Path) -> Sent:
    """Extract the scripts and source maps of an archive, and count what else is in it.

    Raises:
        InvalidInput: It is no ZIP archive, is damaged, or has no such files.
        TooLarge: It has too many members, or inflates to too many bytes.
    """
    with Archive(path) as archive:
        wanted = [name for name in archive.names if _ending(name) in _ENDINGS and not _JUNK.search(name)]
        if not wanted:
            endings = ", ".join(sorted(_ENDINGS))
            raise InvalidInput(f"The archive has no scripts and no source maps: none of its files ends in {endings}.")
        extracted = archive.extract(wanted, folder)
        return Sent([(one.name, one.path) for one in extracted], ignored=len(archive.names) - len(wanted))


def _is_name(text: str) -> bool:
    return bool(_ADDRESS.match(text)) or _ending(text) in _ENDINGS


def _ending(name: str) -> str:
    return PurePosixPath(name.partition("?")[0]).suffix.lower()


def _address(name: str, prefix: str) -> str:
    """Return the address of a file: a path from the root stands for any host, other names follow the prefix."""
    if name.startswith("/"):
        name = f"~{name}"
    address = name if _ADDRESS.match(name) else prefix + (name if prefix.endswith("/") else f"/{name}")
    if not name or name.endswith("/") or not name.isprintable() or "\\" in name or ".." in address.split("/"):
        raise InvalidInput(f"{quoted(name)} is no name of a file; name it like `~/static/app.min.js`.")
    if len(address) > limits.PATH:
        raise InvalidInput(f"A file's name may have {limits.PATH} characters at most; {quoted(address)} has more.")
    return address
