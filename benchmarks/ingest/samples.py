"""Events to send: real envelopes of a folder, or those the tests have. Standard library only."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parents[2] / "tests" / "data" / "events"
SETS = ("small", "large")
"""The sets there are without a folder of envelopes."""

FOLDER_SETS = ("small", "node", "large")
"""The sets that a folder of envelopes is expected to have."""

LARGE_BYTES = 60_000
LARGE_EVENTS = 100
BREADCRUMBS = 30


@dataclass(frozen=True, slots=True)
class Sample:
    """An event, cut where its id stands, and the rest of its envelope's header."""

    header: dict[str, Any]
    pieces: tuple[bytes, ...]

    def payload(self, event_id: bytes) -> bytes:
        """Return the event with another id."""
        return event_id.join(self.pieces)

    def envelope(self, event_id: bytes) -> bytes:
        """Return an envelope that holds the event with another id."""
        payload = self.payload(event_id)
        header = json.dumps({**self.header, "event_id": event_id.decode()}, separators=(",", ":")).encode()
        item = b'{"type":"event","content_type":"application/json","length":%d}' % len(payload)
        return b"\n".join([header, item, payload, b""])


def read_samples(folder: Path | None, name: str) -> list[Sample]:
    """Return the events of a set: those of `folder/name/*.envelope`, or else our own.

    Raises:
        SystemExit: There is no such set.
    """
    if folder is not None:
        found = [_from_envelope(path.read_bytes()) for path in sorted((folder / name).glob("*.envelope"))]
    elif name == "small":
        found = [_sample({}, path.read_bytes()) for path in sorted(EVENTS.glob("*.json"))]
    elif name == "large":
        found = [_sample({}, _grown(number)) for number in range(LARGE_EVENTS)]
    else:
        raise SystemExit(f"Without --envelopes there are the sets {', '.join(SETS)} only.")
    if not found:
        raise SystemExit(f"There are no envelopes in {folder}/{name}.")
    return found


def _from_envelope(raw: bytes) -> Sample:
    header, item, payload = raw.split(b"\n", 2)
    length: int | None = json.loads(item).get("length")
    kept = json.loads(header)
    kept.pop("dsn", None)
    return _sample(kept, payload[:length].rstrip(b"\n"))


def _sample(header: dict[str, Any], payload: bytes) -> Sample:
    """Cut an event where its id stands; one without an id gets one."""
    own: str | None = json.loads(payload).get("event_id")
    if own is None:
        return Sample(header, (b'{"event_id":"', b'",' + payload.lstrip()[1:]))
    return Sample(header, tuple(payload.split(own.encode())))


def _grown(number: int) -> bytes:
    """Return an event as large as web frameworks send them: many frames with their source and variables.

    Each number gives another place in the code, so another issue.
    """
    chance = random.Random(number)
    event: dict[str, Any] = json.loads((EVENTS / "python-chained.json").read_text(encoding="utf-8"))
    crumb = event["breadcrumbs"]["values"][0]
    event["breadcrumbs"]["values"] = [
        {**crumb, "message": f"step {step} of request {chance.randrange(1_000_000)}"} for step in range(BREADCRUMBS)
    ]
    error = event["exception"]["values"][-1]
    error["type"] = f"OrderError{number}"
    frames: list[dict[str, Any]] = []
    error["stacktrace"]["frames"] = frames
    size = len(json.dumps(event))
    while size < LARGE_BYTES:
        frames.append(_frame(number, len(frames), chance))
        size += len(json.dumps(frames[-1])) + 2
    return json.dumps(event, separators=(",", ":")).encode()


def _frame(number: int, depth: int, chance: random.Random) -> dict[str, Any]:
    lines = [
        {"sku": f"'SKU-{chance.randrange(10_000)}'", "qty": str(chance.randrange(9)), "note": "'leave at the door'"}
        for _ in range(6)
    ]
    return {
        "filename": f"shop/step_{depth}.py",
        "abs_path": f"/srv/shop/releases/2026-03/shop/step_{depth}.py",
        "function": f"load_{number}_{depth}",
        "module": f"shop.step_{depth}",
        "lineno": 100 + depth,
        "in_app": depth % 3 == 0,
        "pre_context": [f"def load_{number}_{depth}(order, depth):", '    """Load one part of an order."""', ""],
        "context_line": f"    return load_{number}_{depth + 1}(order, depth + 1)",
        "post_context": ["", "", f"def after_{depth}(order):", "    return order"],
        "vars": {
            "order": {"id": str(chance.randrange(100_000)), "currency": "'EUR'", "lines": lines},
            "token_count": str(chance.randrange(1_000)),
            "cache": {f"'k{key}'": f"'{chance.getrandbits(64):016x}'" for key in range(8)},
        },
    }
