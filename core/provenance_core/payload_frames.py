"""Read the frames of one stack, most recent call first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from provenance_core import limits
from provenance_core.event_writing import SOURCE, ReadFrame
from provenance_core.known_frames import add_source, read_known, read_names
from provenance_core.trim import Trim

_SENTRY_NAMES = {
    "file": "filename",
    "absPath": "abs_path",
    "line": "lineno",
    "column": "colno",
    "inApp": "in_app",
    "contextLine": "context_line",
    "preContext": "pre_context",
    "postContext": "post_context",
}
ReadError = Callable[[Trim, dict[str, Any], str, str | None, int], dict[str, Any]]


def read_frames(
    trim: Trim, raw: list[dict[str, Any]], prefix: str, platform: str | None, limit: int = limits.MAX_FRAMES
) -> list[dict[str, Any]]:
    """Return the frames nearest the crash as they are written: names of the wire, in their order, without defaults.

    Args:
        trim: What was cut so far.
        raw: Frames with the names Sentry gives their fields, most recent call first.
        prefix: The path of the exception: empty, or ending in a dot.
        platform: The event's platform, for frames that do not say whose code they are.
        limit: How many frames there is room for.
    """
    raw = trim.first(raw, limit, f"{prefix}frames")
    frames = _known(raw, platform)
    if frames is not None:
        detailed = _detailed(frames, trim, prefix)
        if len(detailed) < len(frames):
            _without_source(frames, detailed)
        for index in detailed:
            _add_variables(trim, frames[index], raw[index], prefix, index)
        return frames
    frames = [read_names(trim, frame, f"{prefix}frames.{index}.", platform) for index, frame in enumerate(raw)]
    for index in _detailed(frames, trim, prefix):
        add_source(trim, frames[index], raw[index], f"{prefix}frames.{index}.")
        _add_variables(trim, frames[index], raw[index], prefix, index)
    return frames


def _without_source(frames: list[dict[str, Any]], detailed: list[int]) -> None:
    """Take the lines of code off all frames but some."""
    for index in set(range(len(frames))).difference(detailed):
        frames[index] = {name: value for name, value in frames[index].items() if name not in SOURCE}


def read_causes(trim: Trim, raw: list[dict[str, Any]], platform: str | None, read: ReadError) -> list[dict[str, Any]]:
    """Return the fields of the causes nearest the error, which share the room for frames.

    Args:
        trim: What was cut so far.
        raw: The causes, nearest first.
        platform: The event's platform.
        read: Reads one cause with its path, the platform and how many frames there is room for.
    """
    room = limits.MAX_CAUSE_FRAMES
    causes: list[dict[str, Any]] = []
    for index, item in enumerate(trim.first(raw, limits.MAX_CAUSES, "causes")):
        cause = read(trim, item, f"causes.{index}.", platform, min(room, limits.MAX_FRAMES))
        room -= len(cause["frames"])
        causes.append(cause)
    return causes


def with_sentry_names(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a frame of the native payload under the names Sentry gives its fields."""
    return {_SENTRY_NAMES.get(name, name): value for name, value in raw.items()}


def _known(raw: list[dict[str, Any]], platform: str | None) -> list[dict[str, Any]] | None:
    """Return the frames with their lines of code, where none of them needs a cut."""
    frames: list[dict[str, Any]] = []
    for item in raw:
        frame = read_known(item, platform)
        if frame is None:
            return None
        frames.append(frame)
    return frames


def _add_variables(trim: Trim, frame: dict[str, Any], raw: dict[str, Any], prefix: str, index: int) -> None:
    variables: object = raw.get("vars")
    if not variables:
        return
    if isinstance(frame, ReadFrame) and isinstance(variables, dict):
        whole = trim.whole(cast("dict[str, Any]", variables), limits.VARS, limits.VARS_DEPTH)
        if whole:
            frame["vars"] = variables
            frame.variables, frame.nested = whole
            return
    kept = trim.bag_of(cast("object", variables), limits.VARS, limits.VARS_DEPTH, f"{prefix}frames.{index}.vars")
    if kept:
        frame["vars"] = kept


def _detailed(frames: list[dict[str, Any]], trim: Trim, prefix: str) -> list[int]:
    """Return which frames keep lines and variables: the application's first, half of them from each end."""
    room = limits.MAX_DETAILED_FRAMES
    if len(frames) <= room:
        return list(range(len(frames)))
    trim.mark(f"{prefix}frames.contextLine", len(frames))
    ours = [index for index, frame in enumerate(frames) if "inApp" in frame]
    if len(ours) >= room:
        return _both_ends(ours, room)
    others = [index for index, frame in enumerate(frames) if "inApp" not in frame]
    return ours + _both_ends(others, room - len(ours))


def _both_ends(indexes: list[int], room: int) -> list[int]:
    if len(indexes) <= room:
        return indexes
    head = (room + 1) // 2
    return indexes[:head] + indexes[len(indexes) - (room - head) :]
