"""The operation that says of each frame of an event why it is resolved, or what is missing."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import orjson

from provenance_core import limits
from provenance_core.errors import InvalidInput
from provenance_core.events import Frame, FrameSource, Minified, Unresolved
from provenance_core.sourcemaps.resolving import Build, OpenMap, Wanted, frames_of, resolve_event
from provenance_server.context import Context
from provenance_server.event_lookup import find_event
from provenance_server.operation import implements
from provenance_server.operations import EXPLAIN_SOURCEMAPS
from provenance_server.source_map_search import Located, Search
from provenance_server.sourcemap_answers import (
    FrameExplanation,
    ReportedBuild,
    ReportedLookup,
    SourceMapExplanation,
)
from provenance_server.sourcemap_arguments import ExplainSourcemaps
from provenance_storage.records import OriginRecord

MOST_NAMES = 2_000
"""Names of a release's artifacts among which those are looked for that a frame may have meant."""

MOST_ALIKE = 5
MOST_COMPARED = 10
MOST_CANDIDATES = 200
MOST_LETTERS = 12
"""Different files of one event that are compared, with how many names each, and how much longer or shorter those are:
anybody may send an event of very many files."""

MOST_ELSEWHERE = 5
_RELEASES_LOOKED_AT = 50

_ADVICE = {
    Unresolved.NO_LINE: "The frame has no line; only a frame with a line can be resolved.",
    Unresolved.NO_COLUMN: "The frame has no column, and its line has code of several places; report columns.",
    Unresolved.NO_RELEASE: "The event names neither a release nor a debug id: set `release` in the SDK to the version "
    "that the source maps are uploaded for, or inject debug ids when you build.",
    Unresolved.NO_ARTIFACT: "Nothing is uploaded under these names: upload the file and its map with a --url-prefix "
    "that makes one of them.",
    Unresolved.NO_SOURCE_MAP: "The script is uploaded, its source map is not: upload it with the script.",
    Unresolved.MALFORMED_MAP: "The source map cannot be used; build it again and upload it.",
    Unresolved.NO_MAPPING: "The source map has nothing at this position: it is of another build of this file, or the "
    "bundler made this code itself.",
    Unresolved.UNREADABLE_MAP: "The source map could not be read now; the server's log says why. Upload it again if "
    "that stays.",
}


@implements(EXPLAIN_SOURCEMAPS)
def explain_sourcemaps(context: Context, arguments: ExplainSourcemaps) -> SourceMapExplanation:
    """Explain for each frame of an event which source map was looked for, what was found, and what to do."""
    store = context.store
    row = find_event(context, arguments.id, arguments.origin)
    if row.issue_id is None:
        raise InvalidInput("Only events have frames; this interaction is of another resource type.")
    origin = store.origins.all([row.origin_id])[0]
    event = _as_reported(orjson.loads(store.interactions.payload(row))["interaction"])
    release, dist = event.get("release"), event.get("dist")
    search = Search(store, origin.id, release, dist)
    names = store.artifacts.names(origin.id, search.release.id, MOST_NAMES) if search.release is not None else []
    explained = _explained(context, origin, event, search, _Alike(names))
    registered = search.release is not None and search.release.registered
    lacks = any(frame.unresolved is not None for frame in explained)
    return SourceMapExplanation(
        id=str(row.id),
        issue_id=str(row.issue_id),
        origin=origin.mnemonic,
        via=row.via,
        release=release if registered else None,
        artifacts=len(names),
        elsewhere=_elsewhere(context, origin) if lacks and not names else [],
        advice=_overall(context, origin, has_release=search.release is not None, lacks=lacks and not names),
        frames=explained,
        reported=ReportedBuild(version=None if registered else release, dist=dist),
    )


def _as_reported(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event with its frames as they were before they were resolved."""
    for error in (event, *event.get("causes", ())):
        if "frames" in error:
            error["frames"] = [_frame_as_reported(frame) for frame in error["frames"]]
    return event


def _frame_as_reported(frame: dict[str, Any]) -> dict[str, Any]:
    if frame.get("source") != FrameSource.ARTIFACT:
        return {name: value for name, value in frame.items() if name != "unresolved"}
    minified = Minified.model_validate(frame.get("minified") or {}).model_dump(by_alias=True, exclude_none=True)
    return {**minified, "inApp": frame.get("inApp")}


def _explained(
    context: Context, origin: OriginRecord, event: dict[str, Any], search: Search, alike: _Alike
) -> list[FrameExplanation]:
    """Resolve an event as it would be resolved now, and say of each frame what became of it."""
    build = Build.of(event)
    before = list(frames_of(event))
    wanted = [build.wanted(frame) for frame in before]
    asked = list(dict.fromkeys(one for one in wanted if one is not None))
    located = dict(zip(asked, search.locate(asked) if asked else [], strict=True))

    def find(those: Sequence[Wanted]) -> list[OpenMap | Unresolved | None]:
        return [_opened(context, origin, located[one]) for one in those]

    resolve_event(event, find)
    return [
        _explanation(frame, one, located.get(one) if one is not None else None, result, alike)
        for frame, one, result in zip(before, wanted, frames_of(event), strict=True)
    ]


def _opened(context: Context, origin: OriginRecord, located: Located) -> OpenMap | Unresolved | None:
    if located.map_hash is None or located.identity is None:
        return located.unresolved
    return context.source_maps.open(origin.id, located.map_hash, located.identity) or Unresolved.UNREADABLE_MAP


def _explanation(
    frame: dict[str, Any], wanted: Wanted | None, located: Located | None, result: dict[str, Any], alike: _Alike
) -> FrameExplanation:
    told = ReportedLookup(
        file=frame.get("file"), line=frame.get("line"), column=frame.get("column"), function=frame.get("function")
    )
    if wanted is None or located is None:
        return FrameExplanation(reported=told)
    is_resolved = result.get("source") == FrameSource.ARTIFACT
    reason = None if is_resolved else Unresolved(result.get("unresolved") or located.unresolved)
    more = {
        "debug_id": wanted.debug_id,
        "looked_for": list(located.looked_for),
        "original": Frame.model_validate(result) if is_resolved else None,
    }
    return FrameExplanation(
        unresolved=reason,
        found_by=located.step,
        artifact=located.script.name if located.script is not None else None,
        source_map=located.map_name,
        source_map_id=located.identity,
        problem=located.problem,
        alike=alike.to(wanted.path) if reason is Unresolved.NO_ARTIFACT else [],
        advice=_ADVICE[reason] if reason is not None else None,
        reported=told.model_copy(update=more),
    )


class _Alike:
    """Find the artifacts that a file may have meant: of the same name first, then those spelt alike.

    Args:
        names: The artifacts' names.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._known: dict[str, list[str]] = {}

    def to(self, path: str) -> list[str]:
        """Return the artifacts for a path; nothing for one of too many different files."""
        file = path[: limits.PATH].partition("?")[0].rpartition("/")[2]
        if file not in self._known and len(self._known) < MOST_COMPARED:
            self._known[file] = self._found(file)
        return self._known.get(file, [])

    def _found(self, file: str) -> list[str]:
        ends = {name.rpartition("/")[2]: name for name in self._names}
        same = [name for name in self._names if name.rpartition("/")[2] == file]
        near = [end for end in ends if abs(len(end) - len(file)) <= MOST_LETTERS][:MOST_CANDIDATES]
        close = [ends[end] for end in difflib.get_close_matches(file, near, n=MOST_ALIKE, cutoff=0.6)]
        return list(dict.fromkeys([*same, *close]))[:MOST_ALIKE]


def _elsewhere(context: Context, origin: OriginRecord) -> list[str]:
    """Return the newest registered releases of the origin that do have source maps."""
    releases, _, _ = context.store.releases.list(origin.id, "", _RELEASES_LOOKED_AT, None)
    counts = context.store.artifacts.count(origin.id, [release.id for release in releases])
    having = [release.version for release in releases if release.registered and counts.get(release.id)]
    return having[:MOST_ELSEWHERE]


def _overall(context: Context, origin: OriginRecord, *, has_release: bool, lacks: bool) -> str | None:
    """Say what is missing for the event as a whole, where its release has nothing and its frames lack something."""
    if not context.store.artifacts.version(origin.id):
        return "Nothing was ever uploaded for this origin: see `provenance sourcemaps upload --help`."
    if lacks and has_release:
        return "Nothing is uploaded for the release that the event names; compare it with the releases that have maps."
    return None
