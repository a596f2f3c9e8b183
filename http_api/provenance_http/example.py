"""What an example of an operation is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """What a caller asks and is answered."""

    arguments: Json
    answer: Json
