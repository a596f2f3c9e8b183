"""Read the exceptions of a Sentry event: the outermost and its causes, nearest first."""

from __future__ import annotations

import re
from typing import Any

from provenance_core import limits
from provenance_core.coerce import flag, mapping, objects, values
from provenance_core.payload_frames import read_causes, read_frames
from provenance_core.trim import Trim

_MEMBER = re.compile(r"\[\d{1,9}\]$")


def read_exceptions(trim: Trim, raw: object, platform: str | None) -> dict[str, Any]:
    """Return the fields of the outermost exception, with its `causes`.

    Sentry lists the oldest cause first, so the last one is the outermost.
    """
    listed = values(raw)
    if not listed:
        return {}
    listed.reverse()
    nearest = listed[1 : limits.MAX_CAUSES + 1]
    groups = {
        _id(item) for item in (listed[0], *nearest) if flag(mapping(item.get("mechanism")).get("is_exception_group"))
    }
    outer = _exception(trim, listed[0], "", platform, limits.MAX_FRAMES)
    causes = read_causes(trim, listed[1:], platform, _exception)
    for cause, item in zip(causes, nearest, strict=True):
        cause["relation"] = _relation(mapping(item.get("mechanism")), groups)
    outer["causes"] = causes
    if any(cause["handled"] is False for cause in causes):
        outer["handled"] = False
    return outer


def stack_frames(stacktrace: object) -> list[dict[str, Any]]:
    """Return the frames of a Sentry stack trace, most recent call first."""
    frames = objects(mapping(stacktrace).get("frames"))
    frames.reverse()
    return frames


def thread_frames(raw: object) -> list[dict[str, Any]]:
    """Return the frames of the thread that crashed, else of the current one, else of the first with any."""
    threads = sorted(
        values(raw),
        key=lambda thread: (flag(thread.get("crashed")) is not True, flag(thread.get("current")) is not True),
    )
    stacks = (stack_frames(thread.get("stacktrace")) for thread in threads)
    nothing: list[dict[str, Any]] = []
    return next((frames for frames in stacks if frames), nothing)


def _exception(trim: Trim, raw: dict[str, Any], prefix: str, platform: str | None, room: int) -> dict[str, Any]:
    mechanism = mapping(raw.get("mechanism"))
    return {
        "error_type": trim.text(raw.get("type"), limits.ERROR_TYPE, f"{prefix}errorType"),
        "message": trim.text(raw.get("value"), limits.MESSAGE, f"{prefix}message"),
        "module": trim.text(raw.get("module"), limits.MODULE, f"{prefix}module"),
        "handled": flag(mechanism.get("handled")),
        "mechanism": trim.text(mechanism.get("type"), limits.MECHANISM, f"{prefix}mechanism"),
        "synthetic": flag(mechanism.get("synthetic")) or None,
        "frames": read_frames(trim, stack_frames(raw.get("stacktrace")), prefix, platform, room),
    }


def _relation(mechanism: dict[str, Any], groups: set[int | None]) -> str:
    """Tell a cause, a context and a group's member apart; Python and JavaScript name the attribute."""
    source = mechanism.get("source")
    if isinstance(source, str):
        if source in {"__context__", "context"}:
            return "context"
        if source in {"__cause__", "cause"}:
            return "cause"
        if _MEMBER.search(source):
            return "member"
    parent = mechanism.get("parent_id")
    return "member" if isinstance(parent, int) and parent in groups else "cause"


def _id(raw: dict[str, Any]) -> int | None:
    found = mapping(raw.get("mechanism")).get("exception_id")
    return found if isinstance(found, int) else None
