"""What a model reads of an answer."""

from __future__ import annotations

from typing import Any

from provenance_core.events import Model
from provenance_server.arguments import Detail
from provenance_server.render import render


def to_json(answer: Model, detail: Detail = Detail.CONCISE) -> dict[str, Any]:
    """Return the content of a tool's result."""
    return render(answer, detail).content
