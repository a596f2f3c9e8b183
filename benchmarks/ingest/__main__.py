"""Measure how fast events are taken in, and print how that compares with a peer on the same machine."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.ingest import tables
from benchmarks.ingest.bugsink import Bugsink, default_folder
from benchmarks.ingest.load import Target
from benchmarks.ingest.measure import ROOT, Sender, SetResult, measure_memory, measure_set
from benchmarks.ingest.samples import FOLDER_SETS, SETS, read_samples
from benchmarks.ingest.stages import profile
from benchmarks.ingest.subjects import Provenance, Subject
from benchmarks.machine import describe, stop


def main() -> None:
    """Run what the command line asks for, and exit with 1 where a store does not hold what it should."""
    options = _options()
    report: dict[str, Any] = {"machine": describe()}
    if options.ceiling:
        report["ceiling"] = _ceiling(options)
    elif options.profile:
        report["profile"] = {name: _profile(options, name) for name in options.sets}
    elif options.rss_events:
        subject = Provenance(options.database_url)
        report["memory"] = measure_memory(subject, _sender(options), options.sets[0], options.rss_events)
        tables.print_memory(report["memory"])
    else:
        results = _compare(options)
        tables.print_comparison(results)
        report["results"] = [asdict(result) for result in results]
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    problems = [problem for result in report.get("results", []) for problem in result["problems"]]
    if problems:
        raise SystemExit("\n".join(["", *problems]))


def _compare(options: argparse.Namespace) -> list[SetResult]:
    """Measure each set with us, then with the peer."""
    makers: list[tuple[Callable[[], Subject], int]] = [(lambda: Provenance(options.database_url), options.events)]
    if options.peer:
        makers.append((lambda: Bugsink(options.bugsink), options.peer_events or options.events))
    return [
        measure_set(make(), _sender(options), name, options.clients, events)
        for name in options.sets
        for make, events in makers
    ]


def _sender(options: argparse.Namespace) -> Sender:
    return Sender(options.envelopes, options.loadgen, options.procs)


def _profile(options: argparse.Namespace, name: str) -> dict[str, float]:
    rates = profile(read_samples(options.envelopes, name), options.database_url)
    tables.print_rates(name, rates)
    return rates


def _ceiling(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the load generator against a server that does nothing."""
    command = [sys.executable, "-m", "benchmarks.ingest.null_server"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    runs: list[dict[str, Any]] = []
    with server.stdout as output:
        target = Target(output.readline().strip(), "1", "0" * 32)
        for name in options.sets:
            for clients in options.clients:
                sending = _sender(options).command(target, name, clients, options.events)
                done = subprocess.run(sending, cwd=ROOT, capture_output=True, text=True, check=True)
                runs.append({"set": name, "clients": clients, **json.loads(done.stdout)})
        stop(server)
    tables.print_ceiling(runs)
    return runs


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    add = parser.add_argument
    add("--peer", choices=["bugsink"], help="measure this product as well")
    add("--bugsink", type=Path, default=default_folder(), help="where it is installed, once (default: %(default)s)")
    add("--envelopes", type=Path, help="folder with a folder of *.envelope files for each set")
    add("--sets", type=lambda text: text.split(","), help="sets of events, by comma (default: all there are)")
    add("--clients", type=_numbers, default=[1, 4, 16], help="numbers of clients, by comma")
    add("--events", type=int, default=4_000, help="events for each number of clients (default: %(default)s)")
    add("--peer-events", type=int, help="the same for the peer (default: as many)")
    add("--procs", type=int, default=1, help="processes of the load generator")
    add("--loadgen", type=Path, help="another load generator, which brings its own sets")
    add("--database-url", help="a PostgreSQL server on which databases may be made (default: SQLite)")
    add("--json", type=Path, metavar="OUT", help="write everything that was measured here")
    add("--ceiling", action="store_true", help="only: how fast the load generator is on a server that does nothing")
    add("--profile", action="store_true", help="only: events per second of each stage, and of the raw limit")
    add("--rss-events", type=int, help="only: our memory before and after so many events of the first set")
    options = parser.parse_args(arguments)
    options.sets = options.sets or list(FOLDER_SETS if options.envelopes or options.loadgen else SETS)
    return options


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
