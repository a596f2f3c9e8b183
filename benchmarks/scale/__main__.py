"""Fill stores of several sizes and print what the larger ones cost: recording, lists and details."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.databases import Fresh, fresh_database
from benchmarks.machine import describe
from benchmarks.provenance import serving
from benchmarks.report import figure, print_table, quantile
from benchmarks.scale.fill import BATCH, Filler, Size, SpreadClock
from benchmarks.scale.reads import Reader, Times, pages, resolve_some, time_details, time_lists
from provenance_storage.store import Store

BATCHES = (16, 128)
RECORDED = 2_048
"""Events recorded to time a size of batch."""

MOVED = 512
"""Events recorded between the first page of a list and its second."""

EVENTS_PER_ISSUE = 10
"""The fewest: a small store has fewer issues than are asked for."""

WORST_RATIO = 1.5
WORST_MS = 20.0


@dataclass(slots=True)
class Measured:
    """What was measured of a store of one size; rates in events per second."""

    events: int
    issues: int
    bytes: int = 0
    filled: float = 0.0
    rates: dict[str, float] = field(default_factory=dict[str, float])
    times: dict[str, Times] = field(default_factory=dict[str, Times])


def measure(size: Size, database: Fresh, home: Path) -> Measured:
    """Fill a store and measure it: first recording, then what a server answers."""
    measured = Measured(size.events, size.issues)
    clock = SpreadClock(size.events // BATCH + sum(RECORDED // batch for batch in BATCHES))
    with closing(Store.open(database.url, clock)) as store:
        filler = Filler(store, size)
        measured.filled = filler.fill()
        for batch in BATCHES:
            measured.rates[f"record, {batch} a batch"] = _rate(store, filler, batch)
        measured.bytes = database.stored_bytes()
        with serving(database.url, home) as server, closing(Reader(server)) as reader:
            resolve_some(server, reader)
            lists = pages(reader)
            measured.times = time_lists(reader, lists) | time_details(reader)
            store.record(filler.batch(MOVED))
            begun = {f"list, second page, {MOVED} events later": lists["list, second page"]}
            measured.times |= time_lists(reader, begun)
    return measured


def _rate(store: Store, filler: Filler, size: int) -> float:
    """Return the events a second recorded in batches of a size, by the median batch: the machine may be busy."""
    seconds: list[float] = []
    for _ in range(RECORDED // size):
        batch = filler.batch(size)
        began = time.perf_counter()
        store.record(batch)
        seconds.append(time.perf_counter() - began)
        store.database.tidy(idle=False)
    return size / quantile(seconds, 0.5)


def main() -> None:
    """Measure each size and print the largest beside the smallest."""
    options = _options()
    results: list[Measured] = []
    for events in options.events:
        with tempfile.TemporaryDirectory(prefix="provenance-bench-") as folder:
            database = fresh_database(options.database_url, Path(folder))
            try:
                size = Size(events, min(options.issues, max(events // EVENTS_PER_ISSUE, 1)))
                results.append(measure(size, database, Path(folder)))
            finally:
                database.remove()
    _print(results)
    if options.json:
        report = {"machine": describe(), "results": [asdict(result) for result in results]}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _print(results: Sequence[Measured]) -> None:
    sizes = [f"{result.events:,} events, {result.issues:,} issues" for result in results]
    recording = "Recording; the ratio says how much slower the last store is"
    print_table(recording, ["", *sizes, "ratio", ""], _recording(results))
    print_table("Reading, p50 / p99 ms", ["", *sizes, "ratio of p50", ""], _reading(results))


def _recording(results: Sequence[Measured]) -> list[list[str]]:
    rows = [
        ["file, MB", *(figure(result.bytes / 1e6) for result in results), "", ""],
        ["filled, events/s", *(figure(result.filled) for result in results), "", ""],
    ]
    for name, rate in results[0].rates.items():
        ratio = rate / results[-1].rates[name]
        rates = [figure(result.rates[name]) for result in results]
        rows.append([f"{name}, events/s", *rates, f"{ratio:.2f}", _flag(ratio, None)])
    return rows


def _reading(results: Sequence[Measured]) -> list[list[str]]:
    rows: list[list[str]] = []
    for name, large in results[-1].times.items():
        ratio = large.p50 / results[0].times[name].p50
        times = [f"{found.p50:.2f} / {found.p99:.2f}" for found in (result.times[name] for result in results)]
        rows.append([name, *times, f"{ratio:.2f}", _flag(ratio, large.p99)])
    return rows


def _flag(ratio: float, p99: float | None) -> str:
    """Mark what is too much slower in the larger store, and what is too slow there."""
    marks = [f"> {WORST_RATIO}x"] if ratio > WORST_RATIO else []
    return " ".join([*marks, f"p99 > {WORST_MS:.0f} ms"] if p99 is not None and p99 > WORST_MS else marks)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    add = parser.add_argument
    add("--events", type=_numbers, default=[10_000, 1_000_000], help="sizes, by comma (default: 10000,1000000)")
    add("--issues", type=int, default=100_000, help="issues, at most a tenth of the events (default: %(default)s)")
    add("--database-url", help="a PostgreSQL server on which databases may be made (default: SQLite)")
    add("--json", type=Path, metavar="OUT", help="write everything that was measured here")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
