"""Artifacts: the files a bundler writes, uploaded so that frames of a release can be led back to their sources."""

from __future__ import annotations

from enum import StrEnum


class ArtifactKind(StrEnum):
    """What an uploaded file is: generated code or style, or the map that leads back from it."""

    SCRIPT = "script"
    SOURCE_MAP = "source_map"
