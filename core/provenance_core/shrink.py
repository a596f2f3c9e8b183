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
    trim.mark("breadcrumbs.data", len(event["breadcrumbs"]))
    for crumb in event["breadcrumbs"]:
        crumb.pop("data", None)
        crumb["message"] = trim.text(crumb.get("message"), _SMALL_BAG, "breadcrumbs.message")


def _cut_extra(event: dict[str, Any], trim: Trim) -> None:
    event["extra"] = trim.bag(event["extra"], _LARGE_BAG, limits.EXTRA_DEPTH + 1, "extra")


def _cut_contexts(event: dict[str, Any], trim: Trim) -> None:
    event["contexts"] = trim.bag(event["contexts"], _LARGE_BAG, limits.CONTEXT_DEPTH + 1, "contexts")


def _cut_details(event: dict[str, Any], trim: Trim) -> None:
    _keep_details(event, trim, _DETAILED)


def _cut_frames(event: dict[str, Any], trim: Trim) -> None:
    _keep_frames(event, trim, frames=50, causes=10)


def _cut_all(event: dict[str, Any], trim: Trim) -> None:
    """Cut what is left so far that even text of control characters, six bytes each as JSON, fits."""
    _keep_frames(event, trim, frames=20, causes=3)
    _keep_details(event, trim, 1)
    event["breadcrumbs"] = trim.last(event["breadcrumbs"], 10, "breadcrumbs")
    event["debug_images"] = trim.first(event["debug_images"], 10, "debugImages")
    event["fingerprint"] = trim.first(event["fingerprint"] or [], 8, "fingerprint") or None
    for error in (event, *event.get("causes", ())):
        error["stack"] = trim.text(error.get("stack"), limits.MESSAGE, "stack")
        for frame in error["frames"]:
            for name in ("file", "abs_path", "function"):
                frame[name] = trim.text(frame.get(name), _TEXT, "frames")


def _keep_details(event: dict[str, Any], trim: Trim, frames: int) -> None:
    trim.mark("frames.contextLine", len(event["frames"]))
    for error in (event, *event.get("causes", ())):
        for frame in error["frames"][frames:]:
            for name in ("context_line", "pre_context", "post_context", "vars"):
                frame.pop(name, None)


def _keep_frames(event: dict[str, Any], trim: Trim, *, frames: int, causes: int) -> None:
    event["causes"] = trim.first(event.get("causes", []), causes, "causes")
    for error in (event, *event["causes"]):
        error["frames"] = trim.first(error["frames"], frames, "frames")


_STEPS: tuple[Callable[[dict[str, Any], Trim], None], ...] = (
    _cut_breadcrumbs,
    _cut_extra,
    _cut_contexts,
    _cut_details,
    _cut_frames,
    _cut_all,
)
