"""Write the fields of an event as its JSON has them: names of the wire, in the order of the model, without defaults."""

from __future__ import annotations

from typing import Any, cast

import orjson
from pydantic.alias_generators import to_camel

from provenance_core.events import Cause, Event, Frame

_HEAVY = frozenset(("breadcrumbs", "extra", "debugImages"))
"""What nothing but the reader of an event needs."""
_OUTLINED = ("file", "absPath", "function", "module", "line", "column", "inApp", "contextLine", "source")


SOURCE = ("contextLine", "preContext", "postContext")
"""What a frame tells of the code."""


class ReadFrame(dict[str, Any]):
    """A frame as it is written.

    Attributes:
        outline: What of it the event is grouped and described by.
        is_clean: Whether nothing in it, its variables aside, has the shape of a secret.
        text: It as JSON, its variables aside.
        variables: Its variables as JSON; nothing where it has none.
        nested: The lists and objects among its variables, as JSON.
    """

    __slots__ = ("is_clean", "nested", "outline", "text", "variables")

    outline: Frame
    is_clean: bool
    text: bytes
    variables: bytes
    nested: tuple[bytes, ...]

    @classmethod
    def read(cls, fields: dict[str, Any], *, is_clean: bool) -> ReadFrame:
        """Return a frame without variables."""
        frame = cls(fields)
        frame.outline = frame_outline(fields)
        frame.is_clean = is_clean
        frame.text = orjson.dumps(fields)
        frame.variables = b""
        frame.nested = ()
        return frame

    def again(self) -> ReadFrame:
        """Return the frame as another event has it, to be given variables of its own."""
        frame = ReadFrame(self)
        frame.outline = self.outline
        frame.is_clean = self.is_clean
        frame.text = self.text
        frame.variables = b""
        frame.nested = ()
        return frame


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


def folded(event: dict[str, Any]) -> dict[str, Any]:
    """Return those fields of a written event that hold frames, with the frames as the JSON they are known as."""
    stacks: dict[str, Any] = {}
    if "frames" in event:
        stacks["frames"] = _folded(event["frames"])
    if "causes" in event:
        stacks["causes"] = [
            {**cause, "frames": _folded(cause["frames"])} if "frames" in cause else cause for cause in event["causes"]
        ]
    return stacks


def _folded(frames: list[dict[str, Any]]) -> Any:
    """Return frames as JSON, or themselves where one is not known as JSON."""
    texts: list[bytes] = []
    for frame in frames:
        if not isinstance(frame, ReadFrame) or ("vars" in frame and not frame.variables):
            return frames
        texts.append(b'%b,"vars":%b}' % (frame.text[:-1], frame.variables) if frame.variables else frame.text)
    return orjson.Fragment(b"[" + b",".join(texts) + b"]")


def frame_outline(frame: dict[str, Any]) -> Frame:
    """Return what of a written frame the event is grouped and described by."""
    return frame.outline if isinstance(frame, ReadFrame) else outline_of_fields(frame)


def outline_of_fields(frame: dict[str, Any]) -> Frame:
    """Return the outline of a frame as its fields are now."""
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
    return {wire: value for name, wire in names if (value := get(name)) or value not in _NOTHING}


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
