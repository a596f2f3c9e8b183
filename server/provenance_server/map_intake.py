"""Index the source maps of an upload and keep them: those that are kept already, and of use, are not built again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput, ProvenanceError, Unavailable
from provenance_server.index_building import BUILDING, BuiltFile, IndexBuilder, NotBuilt
from provenance_server.map_warnings import built_warnings, kept_warnings, map_facts, problem_facts
from provenance_server.sourcemap_answers import FileWarning
from provenance_server.uploaded_files import MOST_REFUSALS, UploadedMap
from provenance_server.usable_maps import usable_maps
from provenance_storage.artifacts import Artifacts
from provenance_storage.records import OriginRecord

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""


class MapIntake:
    """Index the maps of one upload and put them into the store.

    Args:
        artifacts: Where they are kept.
        origin: Whose they are.
        folder: An empty folder for the indexes.
        progress: Is told how many bytes of maps are indexed, and of how many.
        lenient: Keep malformed maps with what is wrong with them; else they are refused.

    Attributes:
        warnings: What is worth knowing of the maps.
        built: How many maps the store had not, or not in a way that they could be used.
    """

    def __init__(
        self, artifacts: Artifacts, origin: OriginRecord, folder: Path, progress: Progress | None, *, lenient: bool
    ) -> None:
        self._artifacts = artifacts
        self._origin = origin
        self._folder = folder
        self._progress = progress
        self._lenient = lenient
        self.warnings: list[FileWarning] = []
        self.built = 0

    def indexed(self, maps: dict[bytes, UploadedMap], *, again: bool = False) -> dict[bytes, str | None]:
        """Index the maps that the store cannot use, or all of them again; return the debug ids of all.

        Raises:
            InvalidInput: One is malformed, and that is not allowed.
            Unavailable: One could not be built now, or not be kept.
            OSError: A file cannot be read or written.
        """
        usable = {} if again else usable_maps(self._artifacts, self._origin.id, list(maps))
        built = self._built([one for content, one in maps.items() if content not in usable])
        self._check(built)
        made = {one.hash: done for one, done in built}
        self.warnings = [
            warning
            for content, one in maps.items()
            for warning in (
                built_warnings(one.name, made[content])
                if content in made
                else kept_warnings(one.name, usable[content].warnings)
            )
        ]
        for one, done in built:
            self._put(one, done)
        self.built = sum(isinstance(done, BuiltFile) for done in made.values())
        fresh = {content: done.debug_id if isinstance(done, BuiltFile) else None for content, done in made.items()}
        return {content: one.debug_id for content, one in usable.items()} | fresh

    def _built(self, fresh: Sequence[UploadedMap]) -> list[tuple[UploadedMap, BuiltFile | NotBuilt]]:
        if not fresh:
            return []
        built: list[tuple[UploadedMap, BuiltFile | NotBuilt]] = []
        size, total = 0, sum(one.size for one in fresh)
        with BUILDING, IndexBuilder() as builder:
            for one in fresh:
                built.append((one, builder.build(one.path, self._folder / f"{one.hash.hex()}.index")))
                size += one.size
                if self._progress is not None:
                    self._progress(size, total)
        return built

    def _check(self, built: Sequence[tuple[UploadedMap, BuiltFile | NotBuilt]]) -> None:
        """Refuse malformed maps, unless they are allowed, and those that could not be built now."""
        failed = [(one, done) for one, done in built if isinstance(done, NotBuilt)]
        malformed = [(one, done) for one, done in failed if not done.passes]
        if malformed and not self._lenient:
            raise _refusal(malformed)
        passing = [(one, done) for one, done in failed if done.passes]
        if passing:
            raise _not_now(passing)

    def _put(self, one: UploadedMap, built: BuiltFile | NotBuilt) -> None:
        with one.path.open("rb") as raw:
            if isinstance(built, NotBuilt):
                facts = problem_facts(one.hash, one.size, built)
                self._artifacts.put_map(self._origin.id, facts, raw, None)
                return
            with built.index.open("rb") as index:
                facts = map_facts(one.hash, one.size, built)
                self._artifacts.put_map(self._origin.id, facts, raw, index, renew=True)
        built.index.unlink()


def _refusal(refused: Sequence[tuple[UploadedMap, NotBuilt]]) -> ProvenanceError:
    return InvalidInput(f"Nothing was uploaded, because of malformed source maps: {_shown(refused)}.")


def _not_now(refused: Sequence[tuple[UploadedMap, NotBuilt]]) -> ProvenanceError:
    return Unavailable(
        f"Nothing was uploaded, because source maps could not be read now: {_shown(refused)}. Try again; where that "
        "does not help, leave them out."
    )


def _shown(refused: Sequence[tuple[UploadedMap, NotBuilt]]) -> str:
    shown = "; ".join(f"{quoted(one.name)}: {done.problem}" for one, done in refused[:MOST_REFUSALS])
    return f"{shown}; and {len(refused) - MOST_REFUSALS} more" if len(refused) > MOST_REFUSALS else shown
