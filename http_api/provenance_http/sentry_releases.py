"""Releases as sentry-cli sees them: one of a name for the organization, where there is one of each origin.

Commits and deploys are not kept: of commits the newest one becomes the release's `ref`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from provenance_core.clean import clean_line, quoted
from provenance_core.errors import Conflict, InvalidInput, NotFound
from provenance_core.limits import RELEASE
from provenance_core.moments import format_moment
from provenance_http.sentry_calls import Call, Json, Reply
from provenance_server import answers
from provenance_server.arguments import LARGEST_LIMIT
from provenance_server.operations import CREATE_RELEASE, GET_RELEASES
from provenance_server.uploaded_files import is_storable
from provenance_storage.records import OriginRecord, ReleaseRecord

Held = list[tuple[OriginRecord, ReleaseRecord]]


def save_release(call: Call) -> Reply:
    """Register a release of the projects named, or of those that have it; asking again updates it."""
    version = call.needed("version")
    if call.text("status") == "archived":
        raise InvalidInput("Releases are not archived here; `sentry-cli releases delete` removes one's source maps.")
    origins = call.origins() or [origin for origin, _ in _held(call, version)]
    if not origins:
        raise InvalidInput(f"There is no release {quoted(version)}; to create it, name its projects with `-p`.")
    saved = _register(call, origins, version)
    created = any(release.created for release in saved)
    return Reply(_shown(call, _existing(call, version)), 201 if created else 200)


def update_release(call: Call) -> Reply:
    """Change a release that is there: when it was released, its URL, and its `ref` from commits or refs."""
    version = call.named["version"]
    held = _existing(call, version)
    _register(call, call.origins() or [origin for origin, _ in held], version)
    return Reply(_shown(call, _existing(call, version)))


def read_release(call: Call) -> Reply:
    """Return a release."""
    return Reply(_shown(call, _existing(call, call.named["version"])))


def delete_release(call: Call) -> Reply:
    """Delete a release and its source maps; one that events mention stays, as one that nobody registered."""
    version = call.named["version"]
    held = _existing(call, version)
    if len(held) > 1:
        names = ", ".join(origin.mnemonic for origin, _ in held)
        raise Conflict(
            f"Several projects have a release {quoted(version)}: {names}. Delete each one's own: "
            "DELETE /api/origins/<origin>/releases/<version>."
        )
    for origin, release in held:
        call.store.releases.delete(origin.id, release.id, by=call.context.actor)
    return Reply(None, 204)


def list_releases(call: Call) -> Reply:
    """Return the newest hundred releases of a project, or of each one."""
    origins = call.origins() or call.every_origin()
    rows: dict[str, Json] = {}
    for origin in origins:
        page = GET_RELEASES(call.context, {"origin": str(origin.id), "limit": LARGEST_LIMIT})
        for release in page.items:
            version = release.version or release.reported.version
            if version is None:  # withheld: several that nobody registered are not one without a name
                continue
            known = rows.setdefault(version, _row(version, release.created_at))
            known["newGroups"] += release.new_issues
            known["projects"].append(_project(origin))
            for name, value in (("dateReleased", release.date_released), ("ref", release.ref), ("url", release.url)):
                known[name] = known[name] or value
    return Reply(list(rows.values()))


def no_previous_release(call: Call) -> Reply:
    """Say that no release before has commits: they are not kept, so that all of a repository's newest are sent."""
    return Reply({})


def take_deploy(call: Call) -> Reply:
    """Answer a deploy with itself; deploys are not kept: which environment has a release is told by its events."""
    _existing(call, call.named["version"])
    told = {name: call.text(name) for name in ("name", "url", "dateStarted", "dateFinished")}
    return Reply({"id": "0", "environment": call.needed("environment"), **told}, 201)


def _held(call: Call, version: str) -> Held:
    """Return the origins that have a release of a version: of the path's project, or all."""
    held: Held = []
    for origin in call.origins() if "project" in call.named else call.every_origin():
        try:
            held.append((origin, call.store.releases.find(origin.id, version)))
        except NotFound:
            continue
    return held


def _existing(call: Call, version: str) -> Held:
    held = _held(call, version)
    if not held:
        raise NotFound(
            f"No project has a release {quoted(version)}; create it: `sentry-cli releases new -p <project>`."
        )
    return held


def _register(call: Call, origins: Iterable[OriginRecord], version: str) -> list[answers.CreatedRelease]:
    told = {"url": call.text("url"), "dateReleased": call.text("dateReleased"), "ref": _ref(call)}
    details = {name: value for name, value in told.items() if value is not None}
    return [
        CREATE_RELEASE(call.context, {"origin": str(origin.id), "version": version, **details}) for origin in origins
    ]


def _ref(call: Call) -> str | None:
    """Return what a release is made of: its ref, the newest of its commits, or the commit of its first repository."""
    ref = call.text("ref")
    commits = [_object(commit) for commit in call.items("commits")]
    refs = [_object(one) for one in call.items("refs")]
    if ref is None and commits:
        newest = max(commits, key=lambda commit: str(commit.get("timestamp") or ""))
        ref = _text(newest.get("id"))
    if ref is None and refs:
        ref = _text(refs[0].get("commit"))
    return ref[:RELEASE] if ref else None


def _shown(call: Call, held: Held) -> Json:
    """Return a release with what its origins know of it."""
    first = min((release for _, release in held), key=lambda release: release.created_at)
    shown = _row(first.version, format_moment(first.created_at))
    for origin, release in held:
        shown["projects"].append(_project(origin))
        shown["newGroups"] += call.store.releases.statistics(origin.id, [release.id])[release.id].new_issues
        released = format_moment(release.date_released) if release.date_released is not None else None
        for name, value in (("dateReleased", released), ("ref", release.ref), ("url", release.url)):
            shown[name] = shown[name] or value
    return shown


def _row(version: str, created: str) -> Json:
    """Return a release in Sentry's form; a version that events told is made harmless for a screen."""
    shown = clean_line(version, RELEASE)
    nothing: Json = dict.fromkeys(("ref", "url", "dateReleased", "dateStarted", "lastEvent", "lastCommit"))
    counts = {"newGroups": 0, "commitCount": 0, "deployCount": 0}
    empty: Json = {"projects": [], "authors": [], "data": {}}
    return (
        {"version": shown, "shortVersion": shown, "status": "open", "dateCreated": created} | nothing | counts | empty
    )


def _project(origin: OriginRecord) -> Mapping[str, Any]:
    return {"id": origin.number, "slug": origin.mnemonic, "name": origin.name}


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise InvalidInput("A commit must be a JSON object.")
    return cast("Json", value)


def _text(value: object) -> str | None:
    if isinstance(value, str) and not is_storable(value):
        raise InvalidInput("A commit must be valid Unicode without NUL.")
    return value if isinstance(value, str) and value else None
