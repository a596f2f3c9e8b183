"""Measure one server: send a set of events through so many clients, and wait until all can be seen."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.ingest.load import Target
from benchmarks.ingest.subjects import Subject

ROOT = Path(__file__).parents[2]
WARM_EVENTS = 100
STALL_SECONDS = 30
SAMPLE_SECONDS = 0.25
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sender:
    """How events are sent.

    Attributes:
        envelopes: Where the sets are; our own events if nowhere.
        program: Another load generator that takes the same measurements.
        procs: Processes that share the clients.
    """

    envelopes: Path | None = None
    program: Path | None = None
    procs: int = 1

    def command(self, target: Target, name: str, clients: int, events: int) -> list[str]:
        """Return the command that sends so many events."""
        program = [str(self.program)] if self.program else ["-m", "benchmarks.ingest.load"]
        folder = ["--envelopes", str(self.envelopes)] if self.envelopes and not self.program else []
        where = ["--url", target.url, "--project", target.project, "--key", target.key]
        how = ["--set", name, "-c", str(clients), "-n", str(events), "--procs", str(self.procs)]
        return [sys.executable, *program, *where, *how, *folder]


@dataclass(slots=True)
class SetResult:
    """What was measured of one server with one set of events."""

    server: str
    set: str
    runs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    bytes_per_event: float = 0.0
    problems: list[str] = field(default_factory=list[str])


def measure_set(subject: Subject, sender: Sender, name: str, clients: Sequence[int], events: int) -> SetResult:
    """Measure a server with one set, on an empty store, through each number of clients in turn."""
    result = SetResult(subject.name, name)
    with started(subject):
        sent = send(subject, sender, name, 1, min(WARM_EVENTS, events))["accepted"]
        for count in clients:
            _say(f"{subject.name}: {events} events of {name} through {count} clients")
            result.runs.append(send(subject, sender, name, count, events))
            sent += result.runs[-1]["accepted"]
        subject.stop()
        result.bytes_per_event = subject.stored_bytes() / max(sent, 1)
        result.problems = _problems(subject, result.runs, sent)
    return result


@contextmanager
def started(subject: Subject) -> Generator[None]:
    """Start a server; at the end stop it and remove its store."""
    try:
        subject.start()
        yield
    finally:
        try:
            subject.stop()
        finally:
            subject.remove()


def send(subject: Subject, sender: Sender, name: str, clients: int, events: int) -> dict[str, Any]:
    """Send events, wait until they can be seen, and return what that took."""
    before, seen = subject.usage(pss=False), subject.visible()
    process = subprocess.Popen(
        sender.command(subject.target, name, clients, events), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    peak = before.rss
    while process.poll() is None:
        time.sleep(SAMPLE_SECONDS)
        peak = max(peak, subject.usage(pss=False).rss)
    printed = process.communicate()[0]
    if process.returncode:
        raise SystemExit("The load generator failed.")
    run: dict[str, Any] = json.loads(printed)
    run.setdefault("clients", clients)
    run["accepted"] = sum(count for code, count in run["codes"].items() if code.startswith("2"))
    waited = _drain(subject, seen + run["accepted"], run.pop("ended", time.perf_counter()))
    after = subject.usage()
    run["visible"] = subject.visible() - seen
    run["visible_per_s"] = round(run["visible"] / (run["send_s"] + waited), 1)
    run["server_cpu_ms_per_event"] = round((after.cpu - before.cpu) * 1e3 / max(run["visible"], 1), 3)
    run |= {"rss_mib": after.rss / MIB, "pss_mib": after.pss / MIB, "peak_rss_mib": max(peak, after.rss) / MIB}
    run["processes"] = after.processes
    return run


def _drain(subject: Subject, expected: int, ended: float) -> float:
    """Wait until so many events can be seen, or no more come; return how long after the last answer that was."""
    seen, changed = subject.visible(), time.perf_counter()
    if seen >= expected:
        return 0.0
    while seen < expected and time.perf_counter() - changed < STALL_SECONDS:
        time.sleep(0.1)
        now = subject.visible()
        if now != seen:
            seen, changed = now, time.perf_counter()
    return changed - ended


def _problems(subject: Subject, runs: Sequence[dict[str, Any]], sent: int) -> list[str]:
    found = subject.problems()
    refused = [f"{run['clients']} clients: {run['codes']}" for run in runs if run["accepted"] != run["sent"]]
    lost = sent - subject.visible()
    return found + refused + ([f"{lost} of {sent} accepted events cannot be seen"] if lost else [])


def measure_memory(subject: Subject, sender: Sender, name: str, events: int) -> list[dict[str, Any]]:
    """Return the memory of a server before and after many events; they are sent 10,000 at a time."""
    rows: list[dict[str, Any]] = []
    with started(subject):
        send(subject, sender, name, 1, min(WARM_EVENTS, events))
        for sent in range(0, events + 1, 10_000):
            if sent:
                _say(f"{sent} of {events} events")
                send(subject, sender, name, 4, 10_000)
            used = subject.usage()
            rows.append({"events": sent, "rss_mib": used.rss / MIB, "pss_mib": used.pss / MIB})
    return rows


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)
