"""Write the fields of an event as its JSON has them: names of the wire, in the order of the model, without defaults."""

from __future__ import annotations

from typing import Any, cast

from pydantic.alias_generators import to_camel

from provenance_core.events import Cause, Event, Frame

_HEAVY = frozenset(("breadcrumbs", "extra", "debugImages"))
"""What nothing but the reader of an event needs."""
_OUTLINED = ("file", "absPath", "function", "module", "line", "column", "inApp", "contextLine")


SOURCE = ("contextLine", "preContext", "postContext")
"""What a frame tells of the code."""


class ReadFrame(dict[str, Any]):
    """A frame as it is written.

    Attributes:
        outline: What of it the event is grouped and described by.
        is_clean: Whether nothing in it, its variables aside, has the shape of a secret.
    """

    __slots__ = ("is_clean", "outline")

    def __init__(self, fields: dict[str, Any], outline: Frame, *, is_clean: bool) -> None:
        super().__init__(fields)
        self.outline = outline
        self.is_clean = is_clean


def _names(model: type[Cause] | type[Event]) -> tuple[tuple[str, str], ...]:
    return tuple((name, to_camel(name)) for name in model.model_fields if name != "marks")


_EVENT = _names(Event)
_CAUSE = _names(Cause)
_NOTHING: tuple[object, ...] = (None, [], {})


def written(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an event as it is written, but for its marks; its frames are written already."""
    event = _told(fields, _EVENT)
    if event.get("level") == "error":
        del event["level"]
    if "causes" in event:
        event["causes"] = [_cause(cause) for cause in event["causes"]]
    for name in ("runtime", "user", "sdk"):
        if name in event:
            event[name] = {key: value for key, value in event[name].items() if value is not None}
    if "request" in event:
        event["request"] = _request(event["request"])
    if "debugImages" in event:
        event["debugImages"] = [
            {"codeFile": image["code_file"], "debugId": image["debug_id"]} for image in event["debugImages"]
        ]
    return event


def outline_of(event: dict[str, Any]) -> Event:
    """Return what of a written event it is grouped and described by: without breadcrumbs, extra values, variables."""
    told = {name: value for name, value in event.items() if name not in _HEAVY}
    if "frames" in told:
        told["frames"] = [frame_outline(frame) for frame in told["frames"]]
    if "causes" in told:
        told["causes"] = [
            cause | {"frames": [frame_outline(frame) for frame in cause["frames"]]} if "frames" in cause else cause
            for cause in cast("list[dict[str, Any]]", told["causes"])
        ]
    return Event.model_validate(told)


def frame_outline(frame: dict[str, Any]) -> Frame:
    """Return what of a written frame the event is grouped and described by."""
    if isinstance(frame, ReadFrame):
        return frame.outline
    return Frame.model_validate({name: frame[name] for name in _OUTLINED if name in frame})


def without_outlines(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with frames whose outlines are made of what is left of them."""
    for error in (event, *event.get("causes", ())):
        if "frames" in error:
            error["frames"] = [dict(frame) for frame in error["frames"]]
    return event


def marks_of(trimmed: dict[str, int], scrubbed: list[str], repaired: int) -> dict[str, Any]:
    """Return the marks of an event as they are written."""
    marks = {"trimmed": trimmed, "scrubbed": scrubbed, "repaired": repaired}
    return {name: value for name, value in marks.items() if value}


def _told(fields: dict[str, Any], names: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    get = fields.get
    return {wire: value for name, wire in names if (value := get(name)) not in _NOTHING}


def _cause(fields: dict[str, Any]) -> dict[str, Any]:
    cause = _told(fields, _CAUSE)
    if cause["relation"] == "cause":
        del cause["relation"]
    return cause


def _request(fields: dict[str, Any]) -> dict[str, Any]:
    request = {to_camel(name): value for name, value in fields.items() if value is not None}
    if not request.get("headers", True):
        del request["headers"]
    return request
