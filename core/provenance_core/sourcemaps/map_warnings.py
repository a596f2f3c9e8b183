"""What is worth knowing of a source map that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WarningCode(StrEnum):
    """What a map lacks that can be used none the less."""

    MISSING_SOURCES_CONTENT = "missing_sources_content"
    """Sources without their text: no lines of code, no names of functions."""
    NO_MAPPINGS = "no_mappings"
    """No position is mapped."""
    OUT_OF_RANGE = "out_of_range"
    """Segments whose position, source or name cannot be, which map nothing."""
    UNSORTED = "unsorted"
    """Segments that stood before their neighbour, and were put in order."""
    NO_SOURCES = "no_sources"
    """No original file is named."""
    MISSING_FILE = "missing_file"
    """The name of the generated file is absent; told in a strict reading only, as many tools leave it out."""


@dataclass(frozen=True, slots=True)
class MapWarning:
    """A warning, and how many of its kind there are."""

    code: WarningCode
    count: int
