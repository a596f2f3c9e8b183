"""Cursors: opaque texts that say where a walk through a list goes on.

A cursor is digits: bytes as one large number, three digits of which cost a model one token. The bytes are a mark of
their form, what identifies the filters, the numbers (those near the first as their difference from it), and an id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from uuid import UUID

from provenance_core.errors import InvalidInput
from provenance_server.arguments import Arguments

_INT64 = 1 << 63
_FORM = 1
_FILTERS = 4
_ID = 16
_LONGEST = 1_000


def write_cursor(arguments: Arguments, numbers: tuple[int, ...], identity: UUID) -> str:
    """Return the cursor after a row, good for the same filters only.

    Args:
        arguments: The arguments of the list.
        numbers: What the list is ordered by, and whatever else the next page needs.
        identity: The id of the last row shown.
    """
    return _written(arguments, _packed(numbers), identity)


def write_name_cursor(arguments: Arguments, name: str, identity: UUID) -> str:
    """Return the cursor after a row of a list that is ordered by names."""
    return _written(arguments, name.encode("utf-8", "surrogatepass"), identity)


def read_name_cursor(arguments: Arguments, cursor: str | None) -> tuple[str, UUID] | None:
    """Return the name and the id of the row after which a page begins, or None for the first page.

    Raises:
        InvalidInput: As `read_cursor` does.
    """
    if cursor is None:
        return None
    name, found = _parts(arguments, cursor)
    try:
        return name.decode("utf-8", "surrogatepass"), found
    except ValueError:
        raise not_ours() from None


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
    packed, found = _parts(arguments, cursor)
    numbers = tuple(_unpacked(packed))
    if len(numbers) != count or not all(-_INT64 <= number < _INT64 for number in numbers):
        raise not_ours()
    return numbers, found


def read_position(arguments: Arguments, cursor: str | None) -> tuple[int, UUID] | None:
    """Return the number and the id of the row after which a page begins, or None for the first page.

    Raises:
        InvalidInput: As `read_cursor` does.
    """
    found = read_cursor(arguments, cursor, 1)
    return (found[0][0], found[1]) if found is not None else None


def _written(arguments: Arguments, position: bytes, identity: UUID) -> str:
    return str(int.from_bytes(bytes([_FORM]) + filters_of(arguments) + position + identity.bytes))


def _parts(arguments: Arguments, cursor: str) -> tuple[bytes, UUID]:
    """Return what a cursor holds before the id, and the id."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _LONGEST):
        raise not_ours()
    number = int(cursor)
    packed = number.to_bytes((number.bit_length() + 7) // 8)
    if len(packed) < 1 + _FILTERS + _ID or packed[0] != _FORM:
        raise not_ours()
    if packed[1 : 1 + _FILTERS] != filters_of(arguments):
        raise of_other_filters()
    return packed[1 + _FILTERS : -_ID], UUID(bytes=packed[-_ID:])


def filters_of(arguments: Arguments) -> bytes:
    """Return what identifies the filters; the page's size may change while walking."""
    text = arguments.model_dump_json(exclude={"cursor", "limit", "after"})
    return hashlib.sha256(f"{type(arguments).__name__}{text}".encode()).digest()[:_FILTERS]


def _packed(numbers: Sequence[int]) -> bytes:
    """Return numbers as varints of their size, their sign, and whether they are told from the first: moments are."""
    packed = bytearray()
    for position, number in enumerate(numbers):
        step = number - numbers[0]
        near = position > 0 and abs(step) < abs(number)
        told = step if near else number
        packed += varint(abs(told) << 2 | (told < 0) << 1 | near)
    return bytes(packed)


def _unpacked(packed: bytes) -> Iterator[int]:
    first = 0
    for position, code in enumerate(varints(packed)):
        number = (-1 if code & 2 else 1) * (code >> 2) + (first if code & 1 else 0)
        if position == 0:
            first = number
        yield number


def varint(code: int) -> bytes:
    """Return a number as bytes of seven bits each, the lowest first."""
    found = bytearray()
    while code > 0x7F:
        found.append(code & 0x7F | 0x80)
        code >>= 7
    return bytes([*found, code])


def varints(packed: bytes) -> Iterator[int]:
    """Return the numbers that bytes hold.

    Raises:
        InvalidInput: The last one is cut.
    """
    code, shift = 0, 0
    for byte in packed:
        code |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield code
            code, shift = 0, 0
    if shift:
        raise not_ours()


def of_other_filters() -> InvalidInput:
    """Return the refusal of a cursor of another list."""
    return InvalidInput("The cursor belongs to a list with other filters; repeat them unchanged or leave it out.")


def not_ours() -> InvalidInput:
    """Return the refusal of what is no cursor."""
    return InvalidInput("The cursor is not one this server gave; leave it out to begin at the first page.")
