"""Resolve the frames of one event in several ways, each in turn, and keep the best time of each."""

from __future__ import annotations

import mmap
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sourcemap

from provenance_core.access import Door, local_access
from provenance_core.origins import OriginConfig
from provenance_core.sourcemaps.index import Index
from provenance_core.sourcemaps.resolving import OpenMap, resolve_event
from provenance_server.context import Context, DirectRecorder
from provenance_server.source_maps import SourceMaps
from provenance_server.uploaded_files import UploadedFile
from provenance_server.uploading import UploadTarget, upload
from provenance_storage.records import PartKind
from provenance_storage.store import Store

FRAMES = 50
RELEASE = "1.0.0"
URL = "https://shop.example/static/app.min.js"
NAME = "~/static/app.min.js.map"
TIMES = 5
WARM_TIMES = 200

Place = tuple[int, int]
"""A position of the generated file: line and column from 0 on."""


@dataclass(frozen=True, slots=True)
class Resolving:
    """Seconds of processor time for an event of `FRAMES` frames.

    Attributes:
        reference: With `sourcemap`, parsing the map each time; it gives no lines of code and no functions.
        store: With nothing kept on this machine: the index is fetched from the store.
        file: With the index as a file that nobody has open, nor has checked since the process began.
        open: With the index open, and none of its positions remembered.
        warm: With what the last event like it left.
    """

    reference: float
    store: float
    file: float
    open: float
    warm: float


def measure(path: Path) -> Resolving:
    """Resolve an event by a map in each way; all of them must find all of its frames.

    Raises:
        SystemExit: Frames were not found.
    """
    text = path.read_text("utf-8-sig")
    places = _places(text)
    with tempfile.TemporaryDirectory(prefix="provenance-bench-") as home:
        folder = Path(home) / "indexes"
        with closing(Store.open(f"sqlite:///{home}/store.sqlite3")) as store:
            origin = store.origins.create("shop", "Shop", None, OriginConfig())
            maps = SourceMaps(store, folder)
            context = Context(store, DirectRecorder(store), local_access("benchmark", Door.CLI), maps)
            upload(context, UploadTarget("shop", RELEASE), [UploadedFile(NAME, path)])
            (content,) = {row.hash for row in store.artifacts.list(origin.id, _release(context), 10, None)[0]}
            index = Path(home) / "index"
            index.write_bytes(b"".join(store.artifacts.read_part(origin.id, content, PartKind.INDEX)))

            def from_store() -> int:
                for file in folder.glob("*"):
                    file.unlink()
                return _resolved(SourceMaps(store, folder), origin.id, places)

            def from_file() -> int:
                with index.open("rb") as file:
                    found = Index(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                found.check()
                return _looked_up(found, places)

            opened = Index(index.read_bytes())
            _resolved(maps, origin.id, places)
            return Resolving(
                reference=_best(lambda: _parsed(text, places), TIMES),
                store=_best(from_store, TIMES),
                file=_best(from_file, TIMES),
                open=_best(lambda: _looked_up(opened, places), TIMES),
                warm=_best(lambda: _resolved(maps, origin.id, places), WARM_TIMES),
            )


def _release(context: Context) -> Any:
    return context.store.releases.find(context.store.origins.find("shop").id, RELEASE).id


def _places(text: str) -> list[Place]:
    """Return mapped positions all over the generated file, the same at every call."""
    tokens = [token for token in sourcemap.loads(text).tokens if token.src is not None]
    return [(token.dst_line, token.dst_col) for token in random.Random(1).sample(tokens, FRAMES)]


def _parsed(text: str, places: list[Place]) -> int:
    index = sourcemap.loads(text)
    return len([index.lookup(line, column) for line, column in places])


def _looked_up(index: Index, places: list[Place]) -> int:
    opened = OpenMap("map", index)
    return resolve_event(_event(places), lambda wanted: [opened] * len(wanted))


def _resolved(maps: SourceMaps, origin_id: Any, places: list[Place]) -> int:
    resolve = maps.resolver(origin_id)
    return resolve(_event(places)) if resolve is not None else 0


def _event(places: list[Place]) -> dict[str, Any]:
    frames = [
        {"file": URL, "function": "m", "line": line + 1, "column": column + 1, "inApp": True} for line, column in places
    ]
    return {"platform": "javascript", "release": RELEASE, "frames": frames}


def _best(run: Callable[[], int], times: int) -> float:
    """Return the shortest of several runs, in seconds of this process's processor time."""
    seconds: list[float] = []
    for _ in range(times):
        began = time.process_time()
        found = run()
        seconds.append(time.process_time() - began)
        if found != FRAMES:
            raise SystemExit(f"{found} of {FRAMES} frames were found.")
    return min(seconds)
