"""Read ZIP archives of strangers: what is in them is checked before any of it is inflated.

Files are extracted under numbers, never under the names the archive gives them, so that no name can lead elsewhere.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from provenance_core import limits
from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput, TooLarge
from provenance_core.sourcemaps.limits import MAX_MAP_BYTES

MOST_MEMBERS = 10_000
"""Files and folders of an archive. Ours: the largest front ends have some thousand chunks."""

LARGEST_DIRECTORY = 4 * 1024 * 1024
"""Bytes of an archive's list of members, which is read as a whole; ours: 400 a member."""

LARGEST_EXTRACTED = 1024 * 1024 * 1024
"""Bytes of all members that are extracted. Ours: twice the largest archive."""

HIGHEST_RATIO = 100
FREE_OF_RATIO = 16 * 1024 * 1024
"""How many times its own size an archive may inflate to, once that is over so many bytes.

Ours: scripts and their maps shrink to a fifth, zeros to a thousandth.
"""

_PIECE_BYTES = 256 * 1024
_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_LONGEST_COMMENT = 0xFFFF
_ZIP64_MAGIC = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_HIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_ABSOLUTE = re.compile(r"/|[A-Za-z]:")
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, EOFError, struct.error, zlib.error, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Extracted:
    """A member of an archive, and where its bytes are."""

    name: str
    path: Path


class Archive:
    """An archive whose members have harmless names, do not overlap and are compressed in a way that is read here.

    A context: it holds the archive's file open.

    Args:
        path: The archive; it may stand behind a few bytes of something else.

    Raises:
        InvalidInput: It is no ZIP archive, or one that nobody would make.
        TooLarge: It has too many members.
    """

    def __init__(self, path: Path) -> None:
        self._size = path.stat().st_size
        self._file = path.open("rb")
        try:
            _check_end(self._file, self._size)
            self._members = self._read_members()
        except BaseException:
            self._file.close()
            raise
        self._extracted = 0

    def __enter__(self) -> Archive:
        """Hold the archive open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> Sequence[str]:
        """Return the names of its files, `/` between their parts, in the order of the archive."""
        return list(self._members)

    def read(self, name: str, largest: int) -> bytes:
        """Return the bytes of a file.

        Raises:
            InvalidInput: There is none of that name, or it is damaged.
            TooLarge: It has more bytes than it may have.
        """
        info = self._member(name)
        if info.file_size > largest:
            raise TooLarge(f"{quoted(name)} in the archive may have {largest} bytes at most.")
        return b"".join(self._pieces(name, info))

    def extract(self, names: Iterable[str], folder: Path) -> list[Extracted]:
        """Write files into a folder, each under a number.

        Raises:
            InvalidInput: There is none of a name, or one is damaged.
            TooLarge: One has more bytes than a source map may have, or all together inflate to too many.
        """
        wanted = [(name, self._member(name)) for name in names]
        self._check_sizes(wanted)
        extracted: list[Extracted] = []
        for name, info in wanted:
            path = folder / f"member-{self._extracted}"
            self._extracted += 1
            with path.open("xb") as file:
                for piece in self._pieces(name, info):
                    file.write(piece)
            extracted.append(Extracted(name, path))
        return extracted

    def _read_members(self) -> dict[str, zipfile.ZipInfo]:
        try:
            self._zip = zipfile.ZipFile(self._file)
        except _UNREADABLE:
            raise _damaged() from None
        infos = self._zip.infolist()
        if len(infos) > MOST_MEMBERS:
            raise _too_many()
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = _checked_name(info)
            if name in members:
                raise InvalidInput(f"The archive has {quoted(name)} twice; zip it again.")
            if not info.orig_filename.endswith("/"):
                members[name] = info
        self._check_places(infos)
        return members

    def _check_places(self, infos: Sequence[zipfile.ZipInfo]) -> None:
        """Refuse members that share bytes: each byte would be inflated many times."""
        end = 0
        for info in sorted(infos, key=lambda one: one.header_offset):
            if info.header_offset < end:
                raise _damaged()
            end = self._end_of(info)
            if end > self._zip.start_dir:
                raise _damaged()

    def _end_of(self, info: zipfile.ZipInfo) -> int:
        try:
            self._file.seek(info.header_offset)
            magic, *_, name_length, extra_length = _LOCAL.unpack(self._file.read(_LOCAL.size))
        except _UNREADABLE:
            raise _damaged() from None
        if magic != _LOCAL_MAGIC or info.compress_size < 0:
            raise _damaged()
        return info.header_offset + _LOCAL.size + name_length + extra_length + info.compress_size

    def _member(self, name: str) -> zipfile.ZipInfo:
        info = self._members.get(name)
        if info is None:
            raise InvalidInput(f"The archive has no file {quoted(name)}.")
        return info

    def _check_sizes(self, wanted: Sequence[tuple[str, zipfile.ZipInfo]]) -> None:
        for name, info in wanted:
            if info.file_size > MAX_MAP_BYTES:
                raise TooLarge(f"{quoted(name)} in the archive is too large: a file may have {MAX_MAP_BYTES} bytes.")
        total = sum(info.file_size for _, info in wanted)
        if total > LARGEST_EXTRACTED:
            raise TooLarge(f"The archive inflates to more than {LARGEST_EXTRACTED} bytes; send it in several parts.")
        if total > max(FREE_OF_RATIO, HIGHEST_RATIO * self._size):
            raise TooLarge(f"The archive inflates to over {HIGHEST_RATIO} times its size; send its files unzipped.")

    def _pieces(self, name: str, info: zipfile.ZipInfo) -> Iterator[bytes]:
        """Inflate a file: never more than its declared size, which was checked, and refuse it where that is a lie."""
        read = 0
        try:
            with self._zip.open(info) as member:
                while piece := member.read(_PIECE_BYTES):
                    read += len(piece)
                    yield piece
        except _UNREADABLE:
            raise InvalidInput(f"{quoted(name)} in the archive is damaged; zip it again.") from None
        if read != info.file_size:
            raise InvalidInput(f"{quoted(name)} in the archive is cut; zip it again.")


def _check_end(file: BinaryIO, size: int) -> None:
    """Look at the record at an archive's end, where `zipfile` finds it, before it reads the whole list of members."""
    start = max(0, size - _LONGEST_COMMENT - 1 - _END.size - _ZIP64_LOCATOR_BYTES)
    file.seek(start)
    tail = file.read()
    at = len(tail) - _END.size
    if at < 0 or not tail.startswith(_END_MAGIC, at) or not tail.endswith(bytes(2)):
        at = tail.rfind(_END_MAGIC)
    if at < 0 or at + _END.size > len(tail):
        raise InvalidInput("It is no ZIP archive, or is cut; zip it again.")
    _, _, _, _, members, directory, offset, _ = _END.unpack_from(tail, at)
    if tail.startswith(_ZIP64_MAGIC, max(0, at - _ZIP64_LOCATOR_BYTES)) or members == 0xFFFF:
        raise InvalidInput("The archive is in the ZIP64 format, which nothing of this size needs; zip it again.")
    if members > MOST_MEMBERS or directory > LARGEST_DIRECTORY:
        raise _too_many()
    if directory + offset > start + at:
        raise _damaged()


def _checked_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name, unless it could lead out of a folder, or the member is nothing that is uploaded."""
    name = info.orig_filename
    parts = name.split("/")
    if not name or _HIDDEN.search(name) or _ABSOLUTE.match(name) or ".." in parts:
        raise InvalidInput(f"The archive has a file that would lead elsewhere: {quoted(name)}; zip a folder.")
    if len(name) > limits.PATH:
        raise InvalidInput(f"A name in the archive is longer than {limits.PATH} characters.")
    if info.flag_bits & _ENCRYPTED:
        raise InvalidInput("The archive is encrypted; zip it without a password.")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise InvalidInput(f"{quoted(name)} in the archive is a link or a device; zip the files themselves.")
    if info.compress_type not in _METHODS:
        raise InvalidInput(f"{quoted(name)} in the archive is compressed in an unusual way; zip it with deflate.")
    return "/".join(part for part in parts if part not in {"", "."})


def _damaged() -> InvalidInput:
    return InvalidInput("The ZIP archive is damaged; zip it again.")


def _too_many() -> TooLarge:
    return TooLarge(f"An archive may have {MOST_MEMBERS} files at most; send it in several parts.")
