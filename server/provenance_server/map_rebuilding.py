"""Build the indexes again that an earlier version of this program has left, from the source maps that are kept."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from provenance_core.errors import ProvenanceError, Unavailable
from provenance_core.sourcemaps.index import INDEX_VERSION
from provenance_server.index_building import IndexBuilder, NotBuilt
from provenance_server.map_warnings import map_facts, problem_facts
from provenance_storage.records import PartKind, SourceMapRecord
from provenance_storage.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """What was rebuilt.

    Attributes:
        rebuilt: How many maps have an index of this version by now, or are known to be malformed.
        after: Where the next call goes on; None where no map is left, but for those that could not be rebuilt.
    """

    rebuilt: int
    after: tuple[UUID, bytes] | None


def rebuild_outdated(
    store: Store, builder: IndexBuilder, limit: int, after: tuple[UUID, bytes] | None = None
) -> Rebuilding:
    """Build indexes of an earlier version again, some at a time; servers see them once they are there.

    A map that cannot be read or built now is passed by, and its reason logged.

    Args:
        store: The store.
        builder: What builds them.
        limit: How many maps are looked at.
        after: Where the call before ended.

    Raises:
        Unavailable: The store cannot be used, or this machine's disk does not take or give a file.
    """
    outdated = store.artifacts.outdated_maps(INDEX_VERSION, limit, after)
    rebuilt = 0
    try:
        for record in outdated:
            rebuilt += _rebuilt(store, builder, record)
    except OSError as error:
        told = os.strerror(error.errno) if error.errno else "a file cannot be read or written"
        raise Unavailable(
            f"Source maps of an earlier version cannot be indexed again: {told}. The folder for temporary files must "
            "be writable, with room for them; free some, or start the server with TMPDIR on a larger disk."
        ) from None
    last = outdated[-1] if len(outdated) == limit else None
    return Rebuilding(rebuilt, (last.origin_id, last.hash) if last is not None else None)


def _rebuilt(store: Store, builder: IndexBuilder, record: SourceMapRecord) -> bool:
    try:
        with tempfile.TemporaryDirectory(prefix="provenance-upload-", ignore_cleanup_errors=True) as name:
            return _rebuild(store, builder, record, Path(name))
    except ProvenanceError as error:
        _log.warning("A source map was not indexed again. %s", error.message)
        return False


def _rebuild(store: Store, builder: IndexBuilder, record: SourceMapRecord, folder: Path) -> bool:
    path = folder / "map"
    with path.open("xb") as file:
        for piece in store.artifacts.read_part(record.origin_id, record.hash, PartKind.MAP):
            file.write(piece)
    built = builder.build(path, folder / "index")
    if isinstance(built, NotBuilt):
        if built.passes:
            _log.warning("A source map was not indexed again: %s.", built.problem)
            return False
        facts = problem_facts(record.hash, record.size, built)
        store.artifacts.put_map(record.origin_id, facts, None, None)
        return True
    with built.index.open("rb") as index:
        facts = map_facts(record.hash, record.size, built)
        store.artifacts.put_map(record.origin_id, facts, None, index)
    return True
