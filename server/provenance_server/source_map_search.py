"""Find the artifacts that a generated file's frames are resolved by: by debug id, else by release and address.

The order is that of Sentry's Symbolicator; the end of a path is ours: a server knows its files by where they lie on its
disk, and a site may be uploaded without the folder it is served from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from provenance_core.artifacts import ArtifactKind
from provenance_core.errors import NotFound
from provenance_core.events import Unresolved
from provenance_core.in_app import is_in_app
from provenance_core.sourcemaps.index import INDEX_VERSION
from provenance_core.sourcemaps.references import joined, suffix_candidates, url_candidates
from provenance_core.sourcemaps.resolving import Wanted
from provenance_server.sourcemap_answers import Step
from provenance_storage.records import ArtifactRecord, ReleaseRecord
from provenance_storage.store import Store

MOST_NAMES = 4_000
"""Names asked for at once; some databases take only so many values in a statement."""


@dataclass(frozen=True, slots=True)
class Located:
    """What was found for a generated file; `unresolved` says what is missing.

    Attributes:
        looked_for: Names it was looked for under, best first.
        step: How something was found.
        script: The generated file, where it was uploaded.
        identity: What frames call the map: the id of the artifact that it is, or lies in.
        map_hash: The map's content.
        map_name: The name of the artifact the map is, or lies in.
        unresolved: Why there is no map.
        problem: What is wrong with the map.
    """

    looked_for: tuple[str, ...] = ()
    step: Step | None = None
    script: ArtifactRecord | None = None
    identity: str | None = None
    map_hash: bytes | None = None
    map_name: str | None = None
    unresolved: Unresolved | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Choice:
    """An artifact with how it was found: a script, or a map without one."""

    step: Step
    artifact: ArtifactRecord


class Search:
    """Look for the artifacts of one build of one origin.

    Args:
        store: Where they are.
        origin_id: The origin.
        release: The release that an event names.
        dist: The build that it names.
    """

    def __init__(self, store: Store, origin_id: UUID, release: str | None, dist: str | None) -> None:
        self._store = store
        self._origin_id = origin_id
        self._release = release
        self._dist = dist or ""

    @cached_property
    def release(self) -> ReleaseRecord | None:
        """The release, where the origin has one of that version."""
        if self._release is None:
            return None
        try:
            found = self._store.releases.find(self._origin_id, self._release)
        except NotFound:
            return None
        return found if found.version == self._release else None  # an event names no release by our id

    def locate(self, wanted: Sequence[Wanted]) -> list[Located]:
        """Return what there is for generated files, in their order, with a few questions to the store for all."""
        by_debug_id = self._by_debug_ids(one.debug_id for one in wanted)
        looked_for = [(*url_candidates(one.path), *_path_ends(one)) for one in wanted]
        by_name = self._by_names(name for names in looked_for for one in names for name in (one, f"{one}.map"))
        found = [self._choice(one, names, by_debug_id, by_name) for one, names in zip(wanted, looked_for, strict=True)]
        maps = self._maps_of_scripts([choice.artifact for choice in found if isinstance(choice, _Choice)])
        located = [
            self._located(names, choice, maps) for names, choice in zip(map(_once, looked_for), found, strict=True)
        ]
        return self._checked(located)

    def _choice(
        self,
        one: Wanted,
        names: Sequence[str],
        by_debug_id: dict[str, list[ArtifactRecord]],
        by_name: dict[str, list[ArtifactRecord]],
    ) -> _Choice | Unresolved:
        by_id = self._of_debug_id(by_debug_id.get(one.debug_id, []) if one.debug_id else [], names)
        if by_id is not None and (by_id.artifact.kind is ArtifactKind.SOURCE_MAP or by_id.artifact.map_hash):
            return by_id
        return self._named(one, names, by_name) or by_id or self._missing(one)

    def _of_debug_id(self, rows: Sequence[ArtifactRecord], names: Sequence[str]) -> _Choice | None:
        """Return the map of a debug id; the script of the frame's name, where several maps have it; else any script."""
        if not rows:
            return None
        maps = [row for row in rows if row.kind is ArtifactKind.SOURCE_MAP]
        if len({row.hash for row in maps}) > 1:
            beside = {f"{name}.map" for name in names}
            named = [row for row in maps if row.name in beside] or [row for row in rows if row.name in names]
            return _Choice(Step.DEBUG_ID, self._best(named or maps))
        return _Choice(Step.DEBUG_ID, self._best(maps or [row for row in rows if row.map_hash] or rows))

    def _named(self, one: Wanted, names: Sequence[str], by_name: dict[str, list[ArtifactRecord]]) -> _Choice | None:
        """Return the script of the best name, or the map beside where it would be."""
        exact = set(url_candidates(one.path))
        for name in names:
            for kind, ending in ((ArtifactKind.SCRIPT, ""), (ArtifactKind.SOURCE_MAP, ".map")):
                rows = [row for row in by_name.get(f"{name}{ending}", ()) if row.kind is kind]
                if rows and (best := self._of_dist(rows)) is not None:
                    return _Choice(Step.URL if name in exact else Step.PATH_END, best)
        return None

    def _missing(self, one: Wanted) -> Unresolved:
        return Unresolved.NO_RELEASE if self._release is None and not one.debug_id else Unresolved.NO_ARTIFACT

    def _maps_of_scripts(self, artifacts: Sequence[ArtifactRecord]) -> dict[UUID, ArtifactRecord]:
        """Return the maps of scripts by the scripts' ids: where they say it is, else beside them, else by debug id."""
        scripts = [one for one in artifacts if one.kind is ArtifactKind.SCRIPT and one.map_hash is None]
        names = {script.id: _map_names(script) for script in scripts}
        by_name = self._by_names(name for own in names.values() for name in own)
        by_debug_id = self._by_debug_ids(script.debug_id for script in scripts)
        found: dict[UUID, ArtifactRecord] = {}
        for script in scripts:
            named = [row for name in names[script.id] for row in by_name.get(name, ())]
            rows = [row for row in named if row.kind is ArtifactKind.SOURCE_MAP]
            best = self._of_dist(rows)
            if best is None and script.debug_id:
                same = by_debug_id.get(script.debug_id, [])
                best = next((row for row in same if row.kind is ArtifactKind.SOURCE_MAP), None)
            if best is not None:
                found[script.id] = best
        return found

    def _located(
        self, names: tuple[str, ...], choice: _Choice | Unresolved, maps: dict[UUID, ArtifactRecord]
    ) -> Located:
        if isinstance(choice, Unresolved):
            return Located(names, unresolved=choice)
        artifact = choice.artifact
        script = artifact if artifact.kind is ArtifactKind.SCRIPT else None
        found = maps.get(artifact.id) if script is not None else artifact
        if script is not None and script.map_hash is not None:
            return Located(names, choice.step, script, str(script.id), script.map_hash, script.name)
        if found is None:
            return Located(names, choice.step, script, unresolved=Unresolved.NO_SOURCE_MAP)
        return Located(names, choice.step, script, str(found.id), found.hash, found.name)

    def _checked(self, located: Sequence[Located]) -> list[Located]:
        """Say of maps that cannot be used what is wrong with them."""
        hashes = {one.map_hash for one in located if one.map_hash is not None}
        known = self._store.artifacts.known_maps(self._origin_id, hashes) if hashes else {}
        checked: list[Located] = []
        for one in located:
            record = known.get(one.map_hash) if one.map_hash is not None else None
            if one.map_hash is None or (record and not record.problem and record.index_version == INDEX_VERSION):
                checked.append(one)
                continue
            reason = Unresolved.MALFORMED_MAP if record and record.problem else Unresolved.UNREADABLE_MAP
            problem = record.problem if record else None
            checked.append(
                Located(one.looked_for, one.step, one.script, one.identity, None, one.map_name, reason, problem)
            )
        return checked

    def _by_debug_ids(self, debug_ids: Iterable[str | None]) -> dict[str, list[ArtifactRecord]]:
        wanted = {one for one in debug_ids if one}
        rows = self._store.artifacts.by_debug_ids(self._origin_id, sorted(wanted)) if wanted else []
        found: dict[str, list[ArtifactRecord]] = {}
        for row in rows:
            if row.debug_id is not None:
                found.setdefault(row.debug_id, []).append(row)
        return found

    def _by_names(self, names: Iterable[str]) -> dict[str, list[ArtifactRecord]]:
        wanted = list(dict.fromkeys(names))
        found: dict[str, list[ArtifactRecord]] = {}
        if self._release is None or not wanted or self.release is None:
            return found
        for start in range(0, len(wanted), MOST_NAMES):
            some = wanted[start : start + MOST_NAMES]
            for row in self._store.artifacts.by_names(self._origin_id, self.release.id, some):
                found.setdefault(row.name, []).append(row)
        return found

    def _best(self, rows: Sequence[ArtifactRecord]) -> ArtifactRecord:
        """Return the artifact of the event's own release, where several builds have the same debug id."""
        own = self.release.id if self.release is not None else None
        return next((row for row in rows if row.release_id == own and row.dist == self._dist), rows[0])

    def _of_dist(self, rows: Sequence[ArtifactRecord]) -> ArtifactRecord | None:
        """Return the artifact of the event's build, else one of no build.

        Where the event names none, that of any build, if it is the same in all.
        """
        for dist in (self._dist, ""):
            for row in rows:
                if row.dist == dist:
                    return row
        return rows[0] if not self._dist and len({row.hash for row in rows}) == 1 else None


def _path_ends(one: Wanted) -> tuple[str, ...]:
    """Return the ends of a file's path that it may have been uploaded under.

    Libraries, extensions and what other sites serve have files of the same names.
    """
    if not is_in_app(file=one.path.removeprefix("async "), platform="javascript"):
        return ()
    ends = suffix_candidates(one.path)
    return ends if one.is_near else tuple(end for end in ends if end.count("/") > 1)


def _map_names(script: ArtifactRecord) -> list[str]:
    """Return the names that a script's map may have."""
    name = script.name
    referred = joined(name, script.reference) if script.reference else None
    beside = [f"{name}.map", *([f"{name.removesuffix('.js')}.map"] if name.endswith(".js") else [])]
    return _once_list([*([referred, *url_candidates(referred)] if referred else []), *beside])


def _once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _once_list(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))
