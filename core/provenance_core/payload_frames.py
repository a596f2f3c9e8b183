"""Read the frames of one stack, most recent call first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provenance_core import limits
from provenance_core.coerce import flag, sequence, whole
from provenance_core.in_app import is_in_app
from provenance_core.trim import Trim

_TEXTS = (
    ("filename", "file", limits.PATH, "file"),
    ("abs_path", "abs_path", limits.PATH, "absPath"),
    ("function", "function", limits.FUNCTION, "function"),
    ("module", "module", limits.MODULE, "module"),
)
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
_CONTEXT = limits.CONTEXT_LINE * limits.CONTEXT_LINES


def read_frames(
    trim: Trim, raw: list[dict[str, Any]], prefix: str, platform: str | None, limit: int = limits.MAX_FRAMES
) -> list[dict[str, Any]]:
    """Return the fields of the frames nearest the crash.

    Args:
        trim: What was cut so far.
        raw: Frames with the names Sentry gives their fields, most recent call first.
        prefix: The path of the exception: empty, or ending in a dot.
        platform: The event's platform, for frames that do not say whose code they are.
        limit: How many frames there is room for.
    """
    raw = trim.first(raw, limit, f"{prefix}frames")
    frames = [_frame(trim, frame, f"{prefix}frames.{index}.", platform) for index, frame in enumerate(raw)]
    for index in _detailed(frames, trim, prefix):
        _add_details(trim, frames[index], raw[index], f"{prefix}frames.{index}.")
    return frames


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


def _frame(trim: Trim, raw: dict[str, Any], prefix: str, platform: str | None) -> dict[str, Any]:
    get = raw.get
    frame: dict[str, Any] = {}
    for key, name, limit, wire in _TEXTS:
        value = get(key)
        if value is not None:
            short = type(value) is str and len(value) <= limit
            frame[name] = value if short else trim.text(value, limit, prefix + wire)
    if not frame.get("file"):
        frame["file"] = frame.get("abs_path") or trim.text(get("package"), limits.PATH, f"{prefix}file")
    line = get("lineno")
    if line is not None:
        frame["line"] = whole(line)
        frame["column"] = whole(get("colno"))
    in_app = flag(get("in_app"))
    frame["in_app"] = _whose(trim, raw, frame, platform) if in_app is None else in_app
    return frame


def _whose(trim: Trim, raw: dict[str, Any], frame: dict[str, Any], platform: str | None) -> bool:
    return is_in_app(
        file=frame.get("file"),
        abs_path=frame.get("abs_path"),
        module=frame.get("module"),
        function=frame.get("function"),
        platform=trim.text(raw.get("platform"), limits.PLATFORM, "platform") or platform,
    )


def _detailed(frames: list[dict[str, Any]], trim: Trim, prefix: str) -> list[int]:
    """Return which frames keep lines and variables: the application's first, half of them from each end."""
    room = limits.MAX_DETAILED_FRAMES
    if len(frames) <= room:
        return list(range(len(frames)))
    trim.mark(f"{prefix}frames.contextLine", len(frames))
    ours = [index for index, frame in enumerate(frames) if frame["in_app"]]
    if len(ours) >= room:
        return _both_ends(ours, room)
    others = [index for index, frame in enumerate(frames) if not frame["in_app"]]
    return ours + _both_ends(others, room - len(ours))


def _both_ends(indexes: list[int], room: int) -> list[int]:
    if len(indexes) <= room:
        return indexes
    head = (room + 1) // 2
    return indexes[:head] + indexes[len(indexes) - (room - head) :]


def _add_details(trim: Trim, frame: dict[str, Any], raw: dict[str, Any], prefix: str) -> None:
    get = raw.get
    line = get("context_line")
    if line is not None:
        frame["context_line"] = trim.text(line, limits.CONTEXT_LINE, prefix + "contextLine")
    lines = get("pre_context")
    if lines:
        frame["pre_context"] = _lines(trim, lines, prefix + "preContext", trim.last)
    lines = get("post_context")
    if lines:
        frame["post_context"] = _lines(trim, lines, prefix + "postContext", trim.first)
    variables = get("vars")
    if variables:
        frame["vars"] = trim.bag_of(variables, limits.VARS, limits.VARS_DEPTH, prefix + "vars")


def _lines(trim: Trim, raw: object, path: str, nearest: Callable[[list[Any], int, str], list[Any]]) -> list[str]:
    lines = nearest(sequence(raw), limits.CONTEXT_LINES, path)
    try:
        if len("".join(lines)) <= _CONTEXT:
            return lines
    except TypeError:
        pass
    return [trim.text(line, limits.CONTEXT_LINE, path) or "" for line in lines]
