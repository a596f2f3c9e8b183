"""Take in uploaded scripts and source maps: read them, index the maps, and publish all of an upload at once."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provenance_core import limits
from provenance_core.errors import Conflict, InvalidInput, NotFound, ProvenanceError, TooLarge, Unavailable
from provenance_server.arguments import CreateRelease
from provenance_server.context import Context
from provenance_server.debug_id_pairs import with_debug_ids
from provenance_server.map_intake import MapIntake, Progress
from provenance_server.parsing import parse_arguments
from provenance_server.resolving_again import resolve_again
from provenance_server.sourcemap_answers import Upload
from provenance_server.sourcemap_arguments import MOST_FILES
from provenance_server.uploaded_files import UploadedFile, UploadedMap, is_storable, read_files
from provenance_storage.records import NewArtifact, OriginRecord, Published, ReleaseRecord
from provenance_storage.releases import ReleaseDetails

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Whose files are uploaded.

    Attributes:
        origin: Mnemonic, number or id.
        release: Version or id; a version that is not known is registered. None where debug ids are enough.
        dist: Build of the release; empty for all.
    """

    origin: str
    release: str | None
    dist: str = ""


def upload(
    context: Context,
    target: UploadTarget,
    files: Sequence[UploadedFile],
    *,
    lenient: bool = False,
    progress: Progress | None = None,
) -> Upload:
    """Store files, resolve the issues again that they help, and return what became of them.

    All of an upload is there at once, or nothing of it. Maps that are kept, but of no use as they are, are built again.

    Args:
        context: Where.
        target: Whose they are.
        files: The files; the caller deletes them.
        lenient: Keep a malformed map, so that it can be said of its frames; else the upload is refused for it.
        progress: Is told how many bytes of maps are indexed, and of how many.

    Raises:
        InvalidInput: A file is neither script nor source map, or a map is malformed.
        TooLarge: A file is too large, or there are too many.
        Unavailable: A map could not be indexed now, or this machine's disk does not take or give a file.
    """
    _check_target(target)
    _check_count(files)
    origin = context.origin(target.origin)
    with _folder() as folder:
        intake = MapIntake(context.store.artifacts, origin, folder, progress, lenient=lenient)
        artifacts, maps = read_files(files, folder)
        artifacts = with_debug_ids(artifacts, intake.indexed(maps))
        _check_findable(target, artifacts)
        release = _release(context, origin, target.release)
        release_id = release.id if release is not None else None
        publish = context.store.artifacts.publish
        published = _published(
            intake, maps, lambda: publish(origin.id, release_id, target.dist, artifacts, by=context.actor)
        )
    return Upload(
        origin=origin.mnemonic,
        release=release.version if release is not None else None,
        release_id=str(release.id) if release is not None else None,
        dist=target.dist or None,
        added=published.added,
        replaced=published.replaced,
        unchanged=published.unchanged,
        resolved_issues=_resolved(context, origin, release, artifacts) if _helps(published, intake) else 0,
        warnings=intake.warnings,
    )


@contextmanager
def _folder() -> Generator[Path]:
    """Give a folder for an upload's files, and say what to do where this machine's disk does not take or give one."""
    try:
        with tempfile.TemporaryDirectory(prefix="provenance-upload-", ignore_cleanup_errors=True) as name:
            yield Path(name)
    except OSError as error:
        told = os.strerror(error.errno) if error.errno else "a file cannot be read or written"
        raise Unavailable(
            f"Nothing was uploaded, because of this machine's disk: {told}. Its folder for temporary files must be "
            "writable, with room for the upload; free some, or set TMPDIR to a folder on a larger disk."
        ) from None


def _published(intake: MapIntake, maps: dict[bytes, UploadedMap], publish: Callable[[], Published]) -> Published:
    """Publish files; a map that was known may have been swept since, where nothing had referred to it for a day."""
    try:
        return publish()
    except Conflict:
        intake.indexed(maps, again=True)
        return publish()


def _helps(published: Published, intake: MapIntake) -> bool:
    return bool(published.added or published.replaced or intake.built)


def _resolved(
    context: Context, origin: OriginRecord, release: ReleaseRecord | None, artifacts: Sequence[NewArtifact]
) -> int:
    """Resolve issues again; the files are stored, whatever becomes of it."""
    try:
        return resolve_again(context, origin, release, {one.debug_id for one in artifacts if one.debug_id})
    except ProvenanceError as error:
        _log.warning("Issues were not resolved again after an upload. %s", error.message)
        return 0


def _check_target(target: UploadTarget) -> None:
    if len(target.dist) > limits.DIST or not target.dist.isprintable():
        raise InvalidInput(f"`dist` must have at most {limits.DIST} printable characters.")
    if target.release is not None and not is_storable(target.release):
        raise InvalidInput("The release's version must be valid Unicode without NUL.")


def _check_count(files: Sequence[UploadedFile]) -> None:
    if len(files) > MOST_FILES:
        raise TooLarge(f"An upload may have {MOST_FILES} files at most; send fewer at a time.")
    if not files:
        raise InvalidInput("The upload has no files; send scripts (.js) and source maps (.map).")


def _check_findable(target: UploadTarget, artifacts: Sequence[NewArtifact]) -> None:
    """Refuse files that no frame could ever be matched with."""
    lost = [artifact.name for artifact in artifacts if target.release is None and artifact.debug_id is None]
    if len(lost) == len(artifacts):
        raise InvalidInput("Say which release these files are of, or give them debug ids: else no frame leads to them.")


def _release(context: Context, origin: OriginRecord, reference: str | None) -> ReleaseRecord | None:
    """Return a release; one that is not known, or that only events mention, is registered."""
    if reference is None:
        return None
    releases = context.store.releases
    try:
        found = releases.find(origin.id, reference)
    except NotFound:
        version = parse_arguments(CreateRelease, {"origin": origin.mnemonic, "version": reference}).version
        return releases.register(origin.id, version, ReleaseDetails(), by=context.actor)[0]
    if found.registered:
        return found
    return releases.register(origin.id, found.version, ReleaseDetails(), by=context.actor)[0]
