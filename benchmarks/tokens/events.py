"""The events to read: real ones in sets, and those made to be too large."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.ingest.samples import FOLDER_SETS, read_samples

SHARED = Path(os.environ.get("PROVENANCE_SHARED") or Path(__file__).parents[2].parent / "shared") / "envelopes"
COMMITTED = "tests"
TITLES = "titles"
FRAMES, MESSAGE, TITLE, VARIABLE, BREADCRUMBS = 1_000, 200_000, 20_000, 100_000, 50
LISTED = 20
_WORDS = "order 88123 of customer 4711 could not be priced because article mug-42 is unknown; "

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """An event that began an issue.

    Attributes:
        events: The set it belongs to: our origin, the peer's project.
        issue: The id of its issue in our store.
        event: As an SDK sent it.
    """

    events: str
    issue: str
    event: Event


def real_sets(folder: Path | None) -> dict[str, list[Event]]:
    """Return real events in sets: those of the tests, and those of a folder of envelopes or else grown ones."""
    sets = {COMMITTED: list(_read(None, "small"))}
    for name in FOLDER_SETS if folder is not None else ("large",):
        sets[name] = list(_read(folder, name))
    return sets


def _read(folder: Path | None, name: str) -> Iterator[Event]:
    for sample in read_samples(folder, name):
        event: Event = json.loads(sample.payload(uuid4().hex.encode()))
        yield {key: value for key, value in event.items() if key != "timestamp"}  # as if it happened now


def hostile_sets() -> dict[str, list[Event]]:
    """Return events that somebody made too large: one in each set, but for a list of long titles."""
    value = _text(VARIABLE)
    crumbs = [
        {"type": "http", "category": "httplib", "level": "info", "timestamp": 1_773_480_000 + number, "data": data}
        for number, data in enumerate(
            {"url": f"https://api.example/orders/{number}", "method": "GET", "status_code": 200}
            for number in range(BREADCRUMBS)
        )
    ]
    return {
        "frames": [_event("RecursionError", "too deep", [_frame(number) for number in range(FRAMES)])],
        "message": [_event("ValueError", _text(MESSAGE), [_frame(1)])],
        "variable": [_event("KeyError", "mug-42", [_frame(1) | {"vars": {"order": value, "user": "'ada'"}}])],
        "breadcrumbs": [_event("TimeoutError", "no answer", [_frame(1)]) | {"breadcrumbs": {"values": crumbs}}],
        TITLES: [_event(f"LongTitle{number}Error", _text(TITLE), [_frame(number)]) for number in range(LISTED)],
    }


def _text(length: int) -> str:
    return (_WORDS * (length // len(_WORDS) + 1))[:length]


def _event(kind: str, value: str, frames: list[Event]) -> Event:
    """Return an event; its frames begin with the outermost call, as the protocol wants."""
    return {
        "event_id": uuid4().hex,
        "platform": "python",
        "level": "error",
        "release": "shop@1.4.2",
        "environment": "production",
        "exception": {"values": [{"type": kind, "value": value, "stacktrace": {"frames": frames}}]},
    }


def _frame(number: int) -> Event:
    return {
        "filename": f"shop/step_{number % 40}.py",
        "abs_path": f"/srv/shop/shop/step_{number % 40}.py",
        "function": f"load_{number}",
        "module": f"shop.step_{number % 40}",
        "lineno": 10 + number,
        "in_app": True,
        "pre_context": ["def load(order, depth):", '    """Load one part of an order."""'],
        "context_line": f"    return load_{number + 1}(order, depth + 1)",
        "post_context": ["", ""],
    }
