"""What tests of source maps do again and again: upload, record, resolve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.maps import files, script, source_map

from provenance_core.events import Unresolved
from provenance_server import sourcemap_answers as answers
from provenance_server.context import Context
from provenance_server.operations import GET_ERROR_ISSUE, RECORD_INTERACTION, RESOLVE_FRAMES
from provenance_server.uploading import UploadTarget, upload

APP = {"~/static/app.min.js": script(), "~/static/app.min.js.map": source_map()}


def put(
    context: Context,
    folder: Path,
    named: dict[str, Any] | None = None,
    release: str | None = "1.0.0",
    dist: str = "",
    **more: Any,
) -> answers.Upload:
    return upload(context, UploadTarget("shop", release, dist), files(folder, named or APP), **more)


def record(context: Context, event: dict[str, Any]) -> str:
    raw = {"resourceType": "ERROR", "origin": "shop", "interaction": event}
    recorded = RECORD_INTERACTION(context, raw)
    assert recorded.issue_id is not None
    return recorded.issue_id


def first_frame(context: Context, issue: str) -> Any:
    event = GET_ERROR_ISSUE(context, {"issueId": issue}).event
    assert event is not None
    assert event.reported is not None
    return event.reported.frames[0]


def resolve(context: Context, *frames: Any, **more: Any) -> answers.ResolvedStack:
    return RESOLVE_FRAMES(context, {"origin": "shop", "release": "1.0.0", "frames": list(frames)} | more)


def reason(context: Context, given: Any, **more: Any) -> Unresolved | None:
    return resolve(context, given, **more).reported.frames[0].unresolved
