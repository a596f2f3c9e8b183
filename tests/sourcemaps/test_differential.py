"""Our index of real source maps answers as other readers do: `sourcemap` for Python, trace-mapping for JavaScript."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sourcemap
from sourcemap.exceptions import SourceMapDecodeError
from tests.sourcemaps.builds import FETCHED, HERE, needed, node_modules

from provenance_core.sourcemaps.building import build_index
from provenance_core.sourcemaps.index import Index

CORPUS = HERE / "corpus"
MAPS = sorted(CORPUS.glob("*/*.map"))
FEWEST_PACKAGES = 14
LOOKUPS = 10_000
SEED = 20_240_229
NODE_SECONDS = 60
SHOWN = 5

Answer = tuple[str | None, int, int, str | None] | None
"""Source, line and column from 0 on, and name; None where a position maps to nothing."""
Position = tuple[int, int, set[Answer]]
"""Line, column, and the answers of all segments that stand there: a reader may take any of them."""


def _named(path: Path) -> str:
    return str(path.relative_to(CORPUS))


every_map = pytest.mark.parametrize("path", MAPS or [CORPUS / "absent" / "absent"], ids=_named)


@pytest.fixture(scope="module", autouse=True)
def _ready() -> None:
    needed(MAPS, f"the corpus of source maps is not fetched: {FETCHED}")
    node_modules()


@pytest.fixture
def positions(path: Path, tmp_path: Path) -> Iterator[Callable[[], list[Position]]]:
    """Let trace-mapping work beside us; the function waits for what it answers."""
    answers = tmp_path / "answers.json"
    with answers.open("wb") as out:
        command = ["node", str(HERE / "trace.mjs"), str(path), str(SEED), str(LOOKUPS)]
        with subprocess.Popen(command, stdout=out) as process:

            def wait() -> list[Position]:
                assert process.wait(NODE_SECONDS) == 0
                return _read(json.loads(answers.read_bytes()), path)

            yield wait
            process.kill()


def _read(answers: dict[str, Any], path: Path) -> list[Position]:
    """Return the positions with the names that ECMA-426 gives their sources."""
    root = json.loads(path.read_bytes()).get("sourceRoot")
    front = f"{root.removesuffix('/')}/" if root else ""
    sources = [None if source is None else front + source for source in answers["sources"]]
    return [
        (line, column, {found and (sources[found[0]], *found[1:]) for found in map(_tuple, there)})
        for line, column, there in answers["positions"]
    ]


def _tuple(answer: list[Any] | None) -> Any:
    return None if answer is None else tuple(answer)


@every_map
def test_every_lookup_is_that_of_another_reader(path: Path, positions: Callable[[], list[Position]]) -> None:
    data = path.read_bytes()
    built = build_index(data)
    stock = _stock(data)
    wrong: list[str] = []
    with closing(Index(built.index)) as index:
        for line, column, allowed in positions():
            ours = _ours(index, line, column)
            if not _is_one_of(ours, allowed):
                wrong.append(f"{line}:{column} is {ours}, and by trace-mapping {allowed}")
            if stock and not _is_one_of(ours, {theirs := stock(line, column)}, _names(allowed)):
                wrong.append(f"{line}:{column} is {ours}, and by sourcemap {theirs}")

    assert not wrong, f"{len(wrong)} of {LOOKUPS} lookups differ: " + "; ".join(wrong[:SHOWN])


def test_the_corpus_is_of_many_packages_and_sizes_and_has_index_maps() -> None:
    sizes = sorted(path.stat().st_size for path in MAPS)
    sections = [path for path in MAPS if json.loads(path.read_bytes()).get("sections")]

    assert len({path.parent for path in MAPS}) >= FEWEST_PACKAGES
    assert sizes[0] < 200_000
    assert sizes[-1] > 13_000_000
    assert len(sections) >= 3


def _ours(index: Index, line: int, column: int) -> Answer:
    found = index.lookup(line, column)
    return found and (index.source(found.source).name, found.line, found.column, found.name)


def _is_one_of(ours: Answer, allowed: set[Answer], more_names: AbstractSet[str | None] = frozenset()) -> bool:
    """Say whether an answer is allowed; its name may be that of any segment at the position."""
    if ours is None:
        return None in allowed
    return any(found and found[:3] == ours[:3] for found in allowed) and ours[3] in _names(allowed) | more_names


def _names(answers: set[Answer]) -> set[str | None]:
    return {found[3] for found in answers if found}


def _stock(data: bytes) -> Callable[[int, int], Answer] | None:
    """Return the lookup of the `sourcemap` package as it is; None where it cannot open a map that it should."""
    try:
        index = sourcemap.loads(data.decode())
    except (SourceMapDecodeError, KeyError):  # no `names`, `sections`
        return None

    def lookup(line: int, column: int) -> Answer:
        try:
            token = index.lookup(line, column)
        except IndexError:
            return None
        if token.dst_line != line or token.src is None:
            return None
        return (token.src, token.src_line, token.src_col, token.name)

    return lookup
