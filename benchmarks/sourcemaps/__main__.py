"""Print what source maps cost: to resolve by, to index, and in the server's memory."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.report import figure, print_table, ratio
from benchmarks.sourcemaps import memory, resolving

CORPUS = Path("tests/sourcemaps/corpus")
MAPS = ("bootstrap", "hls.js", "antd", "babel-standalone", "mermaid")
FLAT = "hls.js"
COLD, WARM = 20.0, 1_000.0
"""How many times faster than parsing each time it has to be, with a map of so many megabytes or more."""

LARGE = 6.0

_BUILD = """
import sys, time
from provenance_core.sourcemaps.building import build_index
from pathlib import Path


def held(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


data = Path(sys.argv[1]).read_bytes()
Path("/proc/self/clear_refs").write_text("5")  # begin the peak anew
before, began = held("VmRSS:"), time.process_time()
built = build_index(data)
print(time.process_time() - began, held("VmHWM:") - before, built.segments, len(built.index))
"""
_MEGABYTE = 1_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sourcemaps", description=__doc__)
    parser.add_argument("--map", type=Path, action="append", help="a source map; those of the corpus unless given")
    parser.add_argument("--flat", type=int, default=200, help="different maps to resolve by; 0 for none")
    arguments = parser.parse_args()
    maps: list[Path] = arguments.map or [_of_corpus(name) for name in MAPS]
    print(", ".join(f"{name}: {value}" for name, value in describe().items()))
    _print_building(maps)
    enough = _print_resolving(maps)
    if arguments.flat:
        _print_memory(maps[0] if arguments.map else _of_corpus(FLAT), arguments.flat)
    sys.exit(0 if enough else 1)


def _of_corpus(name: str) -> Path:
    found = sorted(CORPUS.glob(f"{name}@*/**/*.map"))
    if not found:
        raise SystemExit("The maps are not here: run `make corpus`, or name one with --map.")
    return found[0]


def _print_building(maps: list[Path]) -> None:
    rows: list[list[str]] = []
    for path in maps:
        done = subprocess.run([sys.executable, "-c", _BUILD, path], capture_output=True, text=True, check=True)
        seconds, kilobytes, segments, size = map(float, done.stdout.split())
        megabytes = path.stat().st_size / _MEGABYTE
        rows.append(
            [
                path.name,
                figure(megabytes),
                f"{segments:,.0f}",
                figure(seconds * 1000),
                figure(seconds * 1000 / megabytes),
                figure(kilobytes / 1024),
                figure(kilobytes / 1024 / megabytes),
                figure(size / _MEGABYTE),
            ]
        )
    header = ["map", "MB", "mappings", "ms", "ms a MB", "peak MiB", "MiB a MB", "index MB"]
    print_table("Building an index, once, when a map is uploaded", header, rows)


def _print_resolving(maps: list[Path]) -> bool:
    rows: list[list[str]] = []
    enough = True
    for path in maps:
        found = resolving.measure(path)
        fast = found.reference > COLD * found.file and found.reference > WARM * found.warm
        enough = enough and (fast or path.stat().st_size < LARGE * _MEGABYTE)
        rows.append([path.name, *(figure(seconds * 1000) for seconds in _columns(found))])
        rows.append(["", "1x", *(ratio(found.reference, seconds) for seconds in _columns(found)[1:])])
    header = ["map", "parsed each time", "from the store", "from its file", "open", "warm"]
    print_table(f"Resolving an event of {resolving.FRAMES} frames, ms of processor time", header, rows)
    return enough


def _columns(found: resolving.Resolving) -> list[float]:
    return [found.reference, found.store, found.file, found.open, found.warm]


def _print_memory(path: Path, maps: int) -> None:
    rows = [[str(one.maps), figure(one.rss / 1024**2), figure(one.pss / 1024**2)] for one in memory.measure(path, maps)]
    print_table(
        f"Memory of a server that resolves by {maps} maps like {path.name}, MiB", ["events", "RSS", "PSS"], rows
    )


if __name__ == "__main__":
    main()
