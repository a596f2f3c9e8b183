"""What goes between a server and its writing process: lengths, then values that `marshal` takes.

Both ends are the same program on the same interpreter, and nobody else has the socket.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Generator
from dataclasses import fields
from operator import attrgetter
from typing import Any
from uuid import UUID

from provenance_core.errors import ProvenanceError, TooManyRequests, all_errors
from provenance_core.events import Level, Via
from provenance_storage.records import NewEvent, NewInteraction, Recorded

_LENGTH = struct.Struct("!I")
_INTERACTION = attrgetter(*(field.name for field in fields(NewInteraction) if field.name not in {"via", "event"}))
_EVENT = attrgetter(*(field.name for field in fields(NewEvent) if field.name not in {"level", "tags"}))
_INTERACTION_NAMES = [field.name for field in fields(NewInteraction) if field.name not in {"via", "event"}]
_EVENT_NAMES = [field.name for field in fields(NewEvent) if field.name not in {"level", "tags"}]
"""Names and readers of the columns that go over as they are."""


def framed(value: Any) -> bytes:
    """Return a value as a message."""
    data = marshal.dumps(value)
    return _LENGTH.pack(len(data)) + data


class Unframed:
    """Take bytes as they arrive and give the messages they make."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> Generator[Any]:
        """Add bytes and yield the values of the messages that are whole."""
        received = self._received
        received += data
        start = 0
        while len(received) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(received, start)
            end = start + _LENGTH.size + length
            if len(received) < end:
                break
            yield marshal.loads(memoryview(received)[start + _LENGTH.size : end].tobytes())  # noqa: S302  # see above
            start = end
        del received[:start]


def packed(new: NewInteraction) -> tuple[Any, ...]:
    """Return an interaction as plain values."""
    event = new.event
    values = [value.bytes if isinstance(value, UUID) else value for value in _INTERACTION(new)]
    told = None if event is None else (event.level.value, dict(event.tags), _EVENT(event))
    return (new.via.value, values, told)


def unpacked(values: tuple[Any, ...]) -> NewInteraction:
    """Return the interaction of plain values."""
    via, around, told = values
    named = dict(zip(_INTERACTION_NAMES, around, strict=True))
    for name in ("origin_id", "resource_type_id", "action_id"):
        named[name] = UUID(bytes=named[name])
    event = None
    if told is not None:
        level, tags, rest = told
        event = NewEvent(level=Level(level), tags=tags, **dict(zip(_EVENT_NAMES, rest, strict=True)))
    return NewInteraction(via=Via(via), event=event, **named)


def packed_outcome(outcome: Recorded | Exception) -> tuple[Any, ...]:
    """Return what became of an interaction as plain values; of a fault of ours nothing is told."""
    if isinstance(outcome, Recorded):
        issue = outcome.issue_id.bytes if outcome.issue_id else None
        return (outcome.id.bytes, outcome.received_at, issue, outcome.duplicate)
    if isinstance(outcome, ProvenanceError):
        return (outcome.code, outcome.message, getattr(outcome, "retry_after", None))
    return ()


def unpacked_outcome(values: tuple[Any, ...]) -> Recorded | Exception:
    """Return what became of an interaction."""
    match values:
        case (bytes() as identity, received_at, issue, duplicate):
            return Recorded(UUID(bytes=identity), received_at, UUID(bytes=issue) if issue else None, duplicate)
        case (TooManyRequests.code, message, retry_after):
            return TooManyRequests(message, retry_after)
        case (code, message, _):
            return all_errors()[code](message)
        case _:
            return RuntimeError("The writing process failed at an interaction; its log says why.")
