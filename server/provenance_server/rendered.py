"""What a tool gives back: the content a model reads, and beside it what only hosts and the App read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TREND = "provenance/trend"
FLOW = "ifc"

UNTRUSTED: dict[str, Any] = {FLOW: {"integrity": "untrusted", "confidentiality": "private"}}


@dataclass(frozen=True, slots=True)
class Rendered:
    """The structured content of a result, which its text repeats, and its `_meta`."""

    content: dict[str, Any]
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
