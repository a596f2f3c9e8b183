"""Events to test with: those committed beside the tests, and the real envelopes of a shared folder where it is."""

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

_EVENTS = Path(__file__).parent / "data" / "events"
_SHARED = Path(os.environ.get("PROVENANCE_SHARED") or Path(__file__).parents[1].parent / "shared")


def events() -> dict[str, dict[str, Any]]:
    """Return the committed Sentry events by name, one or more of each kind of SDK."""
    return {path.stem: orjson.loads(path.read_bytes()) for path in sorted(_EVENTS.glob("*.json"))}


def envelopes(name: str) -> list[Path]:
    """Return the real envelopes of a kind (`small`, `large`, `node`), or skip the test where they are not."""
    found = sorted((_SHARED / "envelopes" / name).glob("*.envelope"))
    if not found:
        pytest.skip("the shared envelopes are not here; set PROVENANCE_SHARED to their folder")
    return found


def shared_envelopes() -> bool:
    """Say whether the shared folder of real envelopes is here."""
    return (_SHARED / "envelopes").is_dir()
