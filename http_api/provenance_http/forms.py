"""Read forms (multipart/form-data, RFC 7578): each part into a file of its own, whatever its name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput, TooLarge

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # what a sender gets wrong is answered, not logged

FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form: the field's name, the file's name where it is one, and where its bytes are."""

    field: str
    filename: str | None
    path: Path
    size: int

    def text(self, longest: int) -> str:
        """Return a part's bytes as text.

        Raises:
            InvalidInput: They are no UTF-8.
            TooLarge: There are more of them than there may be.
        """
        if self.size > longest:
            raise TooLarge(f"The field {quoted(self.field)} may have {longest} bytes at most.")
        return _decoded(self.path.read_bytes())


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary that a form's content type names; None where it is no form.

    Raises:
        InvalidInput: It is a form and names none.
    """
    kind, options = parse_options_header(content_type)
    if kind.decode("latin-1") != FORM:
        return None
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidInput("The content-type of a form must name its boundary; let your HTTP client set that header.")
    return boundary


def read_form(
    pieces: Iterator[bytes], boundary: bytes, folder: Path, *, most_parts: int, largest_part: int
) -> Sequence[Part]:
    """Write the parts of a form into a folder, each under a number; to be called in a worker thread.

    Raises:
        InvalidInput: It is no such form, or is cut before its end.
        TooLarge: It has too many parts, or one of them is too large.
    """
    reader = _Reader(folder, most_parts, largest_part)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.begin,
                "on_header_field": reader.header_name,
                "on_header_value": reader.header_value,
                "on_header_end": reader.header_end,
                "on_headers_finished": reader.open,
                "on_part_data": reader.data,
                "on_part_end": reader.close_part,
                "on_end": reader.end,
            },
        )
        for piece in pieces:
            if not reader.ended:  # what follows the form is nothing
                parser.write(piece)
    except FormParserError:
        raise InvalidInput("The body is not the form that its content-type says it is; send it again.") from None
    finally:
        reader.close()
    if not reader.ended:
        raise InvalidInput("The form is cut before its end; send it again.")
    return reader.parts


class _Reader:
    """Take what the parser tells."""

    def __init__(self, folder: Path, most: int, largest: int) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._folder = folder
        self._most = most
        self._largest = largest
        self._file: BinaryIO | None = None
        self._named: tuple[str, str | None] = ("", None)
        self._size = 0
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""

    def begin(self) -> None:
        if len(self.parts) >= self._most:
            raise TooLarge(f"A form may have {self._most} parts at most; send it in several.")
        self._headers = {}
        self._name = self._value = b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        field, filename = options.get(b"name"), options.get(b"filename")
        if field is None:
            raise InvalidInput("A part of the form has no name; give each one.")
        self._named = (_decoded(field), _decoded(filename) if filename is not None else None)
        self._file = self._path().open("xb")
        self._size = 0

    def data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._size > self._largest:
            raise TooLarge(f"{quoted(self._named[1] or self._named[0])} is too large: {self._largest} bytes at most.")
        if self._file is not None:
            self._file.write(data[start:end])

    def close_part(self) -> None:
        self.close()
        self.parts.append(Part(*self._named, self._path(), self._size))

    def end(self) -> None:
        self.ended = True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _path(self) -> Path:
        return self._folder / f"part-{len(self.parts)}"


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidInput("Names and texts of a form must be UTF-8.") from None
