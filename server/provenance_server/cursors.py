"""Cursors: opaque texts that say where a walk through a list goes on."""

from __future__ import annotations

import base64
import binascii
import hashlib
from uuid import UUID

from provenance_core.errors import InvalidInput
from provenance_core.ids import parse_uuid
from provenance_server.arguments import Arguments

_INT64 = 1 << 63


def write_cursor(arguments: Arguments, numbers: tuple[int, ...], identity: UUID) -> str:
    """Return the cursor after a row, good for the same filters only.

    Args:
        arguments: The arguments of the list.
        numbers: What the list is ordered by, and whatever else the next page needs.
        identity: The id of the last row shown.
    """
    text = ".".join([_filters(arguments), *(str(number) for number in numbers), identity.hex])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def write_name_cursor(arguments: Arguments, name: str, identity: UUID) -> str:
    """Return the cursor after a row of a list that is ordered by names."""
    text = ".".join([_filters(arguments), name.encode("utf-8", "surrogatepass").hex(), identity.hex])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_name_cursor(arguments: Arguments, cursor: str | None) -> tuple[str, UUID] | None:
    """Return the name and the id of the row after which a page begins, or None for the first page.

    Raises:
        InvalidInput: As `read_cursor` does.
    """
    if cursor is None:
        return None
    parts, found = _parts(arguments, cursor)
    try:
        (name,) = parts
        return bytes.fromhex(name).decode("utf-8", "surrogatepass"), found
    except ValueError:
        raise _bad() from None


def read_cursor(arguments: Arguments, cursor: str | None, count: int) -> tuple[tuple[int, ...], UUID] | None:
    """Return what a cursor holds, or None where there is none.

    Args:
        arguments: The arguments of the list.
        cursor: The text a page before this one gave.
        count: How many numbers it must hold.

    Raises:
        InvalidInput: It is not one of ours, or of a list with other filters.
    """
    if cursor is None:
        return None
    numbers, found = _parts(arguments, cursor)
    if len(numbers) != count or not all(_is_number(number) for number in numbers):
        raise _bad()
    return tuple(int(number) for number in numbers), found


def read_position(arguments: Arguments, cursor: str | None) -> tuple[int, UUID] | None:
    """Return the number and the id of the row after which a page begins, or None for the first page.

    Raises:
        InvalidInput: As `read_cursor` does.
    """
    found = read_cursor(arguments, cursor, 1)
    return (found[0][0], found[1]) if found is not None else None


def _parts(arguments: Arguments, cursor: str) -> tuple[list[str], UUID]:
    """Return what a cursor holds before the id, and the id."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise _bad() from None
    made_for, _, position = text.partition(".")
    *values, identity = position.split(".")
    found = parse_uuid(identity)
    if found is None:
        raise _bad()
    if made_for != _filters(arguments):
        raise InvalidInput("The cursor belongs to a list with other filters; repeat them unchanged or leave it out.")
    return values, found


def _filters(arguments: Arguments) -> str:
    """Return what identifies the filters; the page's size may change while walking."""
    text = arguments.model_dump_json(exclude={"cursor", "limit"})
    return hashlib.sha256(f"{type(arguments).__name__}{text}".encode()).hexdigest()[:12]


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdigit() and len(text) < 20 and -_INT64 <= int(text) < _INT64


def _bad() -> InvalidInput:
    return InvalidInput("The cursor is not one this server gave; leave it out to begin at the first page.")
