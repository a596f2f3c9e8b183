"""How far it is known where an event comes from: said by the server alone, whatever an event says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.factory import make_context
from tests.maps import crash, frame
from tests.server.source_maps import put, record

from provenance_core.access import EVERYTHING, Access, Actor, ActorKind, Door
from provenance_core.events import Via
from provenance_server.answers import EventDetail, IssueDetail, TrustCounts
from provenance_server.context import Context
from provenance_server.ingest import from_sentry
from provenance_server.operations import GET_ERROR_ISSUE, GET_ERROR_ISSUE_EVENTS, GET_RELEASE
from provenance_storage.records import NewInteraction
from provenance_storage.store import Store

ELSEWHERE = {"file": "https://shop.example/static/other.js", "function": "n", "line": 1, "column": 5, "inApp": True}
LIBRARY = {"file": "https://cdn.example/library.js", "function": "l", "line": 1, "column": 5, "inApp": False}
FORGED: dict[str, Any] = {
    "via": "server",
    "matched": True,
    "trust": {"authenticated": 9, "matched": 9},
    "registered": True,
    "withheld": False,
    "sender_hash": "00",
    "senderHash": "00",
    "provenance": {"via": "server", "matched": True, "registered": True},
    "_meta": {"via": "server", "matched": True, "provenance/trust": "authenticated"},
    "source": "artifact",
}
FRAME: dict[str, Any] = {
    "filename": "app.js",
    "function": "f",
    "lineno": 1,
    "in_app": True,
    "source": "artifact",
    "source_map_id": "sha256:00",
    "sourceMapId": "sha256:00",
    "minified": {"file": "app.min.js"},
    "matched": True,
    **FORGED,
}
SENTRY = {
    "event_id": "a" * 32,
    "platform": "javascript",
    "release": {"version": "1.0", "registered": True},
    "exception": {"values": [{"type": "E", "value": "v", "stacktrace": {"frames": [FRAME]}, **FORGED}]},
    **FORGED,
}
NATIVE = {
    "errorType": "E",
    "message": "v",
    "release": "1.0",
    "frames": [{"file": "app.js", "line": 1, "inApp": True, **FRAME}],
    "causes": [{"errorType": "C", "frames": [{"file": "app.js", "line": 1, "inApp": True, **FRAME}], **FORGED}],
    **FORGED,
}


@pytest.fixture
def public(context: Context) -> Context:
    """Return the context of somebody who has the public key only."""
    nobody = Access(Actor(ActorKind.OPEN, "", None, Door.HTTP), EVERYTHING, Via.PUBLIC)
    return make_context(context.store, nobody)


def _recorded(store: Store, new: NewInteraction) -> str:
    (recorded,) = store.record([new])
    return str(recorded.issue_id)


def _detail(context: Context, issue: str) -> tuple[IssueDetail, EventDetail]:
    found = GET_ERROR_ISSUE(context, {"issueId": issue})
    assert found.event is not None
    return found, found.event


@pytest.mark.parametrize("door", ["sentry", "native"])
def test_nothing_inside_an_event_says_where_it_comes_from(public: Context, door: str):
    origin = public.store.origins.find("shop")
    if door == "native":
        issue = record(public, NATIVE)
    else:
        issue = _recorded(public.store, from_sentry(origin, SENTRY, Via.PUBLIC))
    found, event = _detail(public, issue)
    (summary,) = GET_ERROR_ISSUE_EVENTS(public, {"issueId": issue}).items

    assert (event.via, event.matched, event.frames_matched) == (Via.PUBLIC, False, 0)
    assert (summary.via, summary.matched) == (Via.PUBLIC, False)
    assert event.frames > 0
    assert found.trust == TrustCounts(authenticated=0, matched=0)
    assert (found.withheld, event.withheld, found.senders) == (None, None, None)
    assert found.first_release is None
    if door == "native":
        assert GET_RELEASE(public, {"origin": "shop", "release": "1.0"}).registered is False


@pytest.mark.parametrize(
    ("frames", "matched", "counted"),
    [
        ([frame("checkout"), frame("total")], True, (2, 2)),
        ([frame("checkout"), LIBRARY], False, (1, 1)),
        ([frame("checkout"), ELSEWHERE], False, (1, 2)),
        ([ELSEWHERE], False, (0, 1)),
        ([LIBRARY], False, (0, 0)),
        ([], False, (0, 0)),
    ],
)
def test_an_event_matches_where_all_its_frames_resolve(
    context: Context, public: Context, tmp_path: Path, frames: list[Any], matched: bool, counted: tuple[int, int]
):
    put(context, tmp_path)
    issue = record(public, crash(frames=frames))
    found, event = _detail(context, issue)
    (summary,) = GET_ERROR_ISSUE_EVENTS(context, {"issueId": issue}).items

    assert (event.matched, summary.matched) == (matched, matched)
    assert (event.frames_matched, event.frames) == counted
    assert found.trust == TrustCounts(authenticated=0, matched=int(matched))


@pytest.mark.parametrize("frames", [[ELSEWHERE], [LIBRARY], []])
def test_a_cause_that_does_not_resolve_is_a_mix(
    context: Context, public: Context, tmp_path: Path, frames: list[dict[str, Any]]
):
    put(context, tmp_path)
    cause = {"errorType": "Cause", "message": "evil", "frames": frames}
    found, event = _detail(context, record(public, crash("checkout", causes=[cause])))

    assert (event.matched, event.frames_matched) == (False, 1)
    assert found.trust.matched == 0


def test_who_is_known_is_counted_as_such_and_not_as_matching(context: Context, tmp_path: Path):
    put(context, tmp_path)
    found, event = _detail(context, record(context, crash("checkout")))

    assert (event.via, event.matched) == (Via.LOCAL, True)
    assert found.trust == TrustCounts(authenticated=1, matched=0)
