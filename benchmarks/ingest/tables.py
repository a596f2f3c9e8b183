"""What is printed of the measurements. A ratio says how many times better we are than the peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.ingest.measure import SetResult
from benchmarks.report import figure, print_table, ratio

_RATES = (("visible_per_s", "visible/s"), ("accepted_per_s", "accepted/s"))
_COSTS = (("p50_ms", "p50 ms"), ("p99_ms", "p99 ms"), ("server_cpu_ms_per_event", "CPU ms/event"))
_MEMORY = (("rss_mib", "RSS MiB"), ("pss_mib", "PSS MiB"), ("peak_rss_mib", "peak RSS MiB"))


def print_comparison(results: Sequence[SetResult]) -> None:
    """Print speed for each number of clients, then memory and disk for each set."""
    pairs = [[result for result in results if result.set == name] for name in dict.fromkeys(r.set for r in results)]
    servers = list(dict.fromkeys(result.server for result in results))
    header = ["set", "clients", *_titles([title for _, title in (*_RATES, *_COSTS)], servers)]
    print_table(f"Speed: {' against '.join(servers)}", header, [row for pair in pairs for row in _speed(pair)])
    header = ["set", *_titles([*(title for _, title in _MEMORY), "disk kB/event"], servers)]
    print_table("Memory after the last run, sum of all processes; disk", header, [_size(pair) for pair in pairs])


def _titles(names: Sequence[str], servers: Sequence[str]) -> list[str]:
    """Return the titles of columns: ours alone, or ours, the peer's and the ratio."""
    return [title for name in names for title in (name, "peer", "ratio")[: 1 if len(servers) == 1 else 3]]


def _speed(pair: Sequence[SetResult]) -> list[list[str]]:
    rows: list[list[str]] = []
    for runs in zip(*(result.runs for result in pair), strict=True):
        row = [pair[0].set, str(runs[0]["clients"])]
        for key, _ in _RATES:
            row += _cells([run[key] for run in runs], more_is_better=True)
        for key, _ in _COSTS:
            row += _cells([run[key] for run in runs])
        rows.append(row)
    return rows


def _size(pair: Sequence[SetResult]) -> list[str]:
    row = [pair[0].set]
    for key, _ in _MEMORY:
        row += _cells([result.runs[-1][key] for result in pair])
    return row + _cells([result.bytes_per_event / 1e3 for result in pair])


def _cells(values: Sequence[float | None], *, more_is_better: bool = False) -> list[str]:
    if len(values) == 1:
        return [figure(values[0])]
    ours, peers = values
    return [figure(ours), figure(peers), ratio(ours, peers) if more_is_better else ratio(peers, ours)]


def print_memory(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print our memory by how many events were sent."""
    cells = [[figure(row["events"]), figure(row["rss_mib"]), figure(row["pss_mib"])] for row in rows]
    print_table("Memory, sum of all processes", ["events", "RSS MiB", "PSS MiB"], cells)


def print_rates(name: str, rates: Mapping[str, float]) -> None:
    """Print how many events a second each stage does, and how long one takes it."""
    cells = [[stage, figure(rate), figure(1e6 / rate)] for stage, rate in rates.items()]
    print_table(f"Where the time goes, one core: {name}", ["stage", "events/s", "µs/event"], cells)


def print_ceiling(runs: Sequence[Mapping[str, Any]]) -> None:
    """Print how fast the load generator is, and what an event costs it."""
    cells = [
        [
            run["set"],
            str(run["clients"]),
            figure(run["accepted_per_s"]),
            figure(run["loadgen_cpu_s"] / run["sent"] * 1e6),
        ]
        for run in runs
    ]
    print_table("The load generator alone", ["set", "clients", "requests/s", "CPU µs/request"], cells)
