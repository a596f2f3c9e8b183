"""The cursor of what happens to issues: it says of many origins how far each was read, and is short all the same."""

from __future__ import annotations

import base64
import binascii

from provenance_server.access_arguments import ListChanges
from provenance_server.cursors import filters_of, not_ours, of_other_filters, varint, varints
from provenance_storage.changes import LAST, ChangesPosition, Mark


def write_changes_cursor(arguments: ListChanges, position: ChangesPosition) -> str:
    """Return a position as a text that is good for the same filters only.

    Moments are told from -1 on, and those of an origin from those of all on; small numbers take few bytes.
    """
    common = position.all
    numbers = [common.event + 1, common.status + 1]
    for number, mark in sorted(position.ahead.items()):
        later = mark.later(common)
        numbers += [number, later.event - common.event, later.status - common.status]
    data = filters_of(arguments) + b"".join(map(varint, numbers))
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_changes_cursor(arguments: ListChanges) -> ChangesPosition | None:
    """Return the position that the arguments name, or None where they name none.

    Raises:
        InvalidInput: It is not one of ours, or of a list with other filters.
    """
    if arguments.after is None:
        return None
    try:
        data = base64.b64decode(arguments.after + "=" * (-len(arguments.after) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise not_ours() from None
    filters = filters_of(arguments)
    numbers = list(varints(data[len(filters) :]))
    if len(numbers) < 2 or len(numbers) % 3 != 2:
        raise not_ours()
    if not data.startswith(filters):
        raise of_other_filters()
    event, status, *rest = numbers
    common = _mark(event - 1, status - 1)
    ahead = zip(*(iter(rest),) * 3, strict=True)
    return ChangesPosition(
        common, {number: _mark(common.event + later, common.status + more) for number, later, more in ahead}
    )


def _mark(event: int, status: int) -> Mark:
    return Mark(min(event, LAST), min(status, LAST))
