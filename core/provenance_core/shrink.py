"""Bring an event whose parts are each within their limits under the limit of the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from provenance_core import limits
from provenance_core.trim import Trim

_SMALL_BAG = 1024
_LARGE_BAG = 16_384
_DETAILED = 5
_TEXT = 256


def shrink(event: dict[str, Any], size: int, trim: Trim) -> bool:
    """Cut an event, in place, until its JSON fits; say whether anything was cut.

    The steps go from what explains an error least to what explains it most.
    """
    step = 0
    while size > limits.MAX_EVENT_BYTES and step < len(_STEPS):
        _STEPS[step](event, trim)
        size = len(orjson.dumps(event))
        step += 1
    return step > 0


def _cut_breadcrumbs(event: dict[str, Any], trim: Trim) -> None:
    crumbs = event.get("breadcrumbs", [])
    trim.mark("breadcrumbs.data", len(crumbs))
    for crumb in crumbs:
        crumb.pop("data", None)
        _cut(crumb, "message", _SMALL_BAG, trim, "breadcrumbs.message")


def _cut_extra(event: dict[str, Any], trim: Trim) -> None:
    event["extra"] = trim.bag(event.get("extra", {}), _LARGE_BAG, limits.EXTRA_DEPTH + 1, "extra")


def _cut_contexts(event: dict[str, Any], trim: Trim) -> None:
    event["contexts"] = trim.bag(event.get("contexts", {}), _LARGE_BAG, limits.CONTEXT_DEPTH + 1, "contexts")


def _cut_details(event: dict[str, Any], trim: Trim) -> None:
    _keep_details(event, trim, _DETAILED)


def _cut_frames(event: dict[str, Any], trim: Trim) -> None:
    _keep_frames(event, trim, frames=50, causes=10)


def _cut_all(event: dict[str, Any], trim: Trim) -> None:
    """Cut what is left so far that even text of control characters, six bytes each as JSON, fits."""
    _keep_frames(event, trim, frames=20, causes=3)
    _keep_details(event, trim, 1)
    for name, most, take in (
        ("breadcrumbs", 10, trim.last),
        ("debugImages", 10, trim.first),
        ("fingerprint", 8, trim.first),
    ):
        if name in event:
            event[name] = take(event[name], most, name)
    for error in (event, *event.get("causes", ())):
        _cut(error, "stack", limits.MESSAGE, trim, "stack")
        for frame in error.get("frames", ()):
            for name in ("file", "absPath", "function"):
                _cut(frame, name, _TEXT, trim, "frames")


def _cut(owner: dict[str, Any], name: str, limit: int, trim: Trim, path: str) -> None:
    if name in owner:
        owner[name] = trim.text(owner[name], limit, path)


def _keep_details(event: dict[str, Any], trim: Trim, frames: int) -> None:
    trim.mark("frames.contextLine", len(event.get("frames", ())))
    for error in (event, *event.get("causes", ())):
        for frame in error.get("frames", ())[frames:]:
            for name in ("contextLine", "preContext", "postContext", "vars"):
                frame.pop(name, None)


def _keep_frames(event: dict[str, Any], trim: Trim, *, frames: int, causes: int) -> None:
    if "causes" in event:
        event["causes"] = trim.first(event["causes"], causes, "causes")
    for error in (event, *event.get("causes", ())):
        if "frames" in error:
            error["frames"] = trim.first(error["frames"], frames, "frames")


_STEPS: tuple[Callable[[dict[str, Any], Trim], None], ...] = (
    _cut_breadcrumbs,
    _cut_extra,
    _cut_contexts,
    _cut_details,
    _cut_frames,
    _cut_all,
)
