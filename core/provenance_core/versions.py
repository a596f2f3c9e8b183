"""The order of release versions: semantic versions where they are, else the order of creation."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(
    r"(?:[^\s@]+@|@[^\s@]+@)?[vV]?"
    r"(?P<numbers>\d{1,18}(?:\.\d{1,18}){1,3})"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z.-]+)?"
)
_PARTS = 4


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """What decides which of two releases is newer; `created_at` in microseconds since 1970."""

    version: str
    created_at: int


def sort_key(version: str) -> str | None:
    """Return a text that sorts as the semantic version does, or None where the version is none.

    Precedence as semver.org 2.0.0 item 11, with two to four numbers; a `package@` prefix, a leading `v` and the
    build after `+` do not count.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = [_number(part) for part in match["numbers"].split(".")]
    numbers += [_number("0")] * (_PARTS - len(numbers))
    return ".".join(numbers) + _prerelease(match["pre"])


def _number(digits: str) -> str:
    stripped = digits.lstrip("0") or "0"
    return f"{len(stripped):02d}{stripped}"


def _prerelease(text: str | None) -> str:
    """Encode a pre-release below its release: `~` sorts after every identifier, and fewer fields sort lower."""
    if text is None:
        return "~"
    fields = text.split(".")
    return "".join("!0" + _padded(field) if field.isdigit() else "!1" + field for field in fields)


def _padded(digits: str) -> str:
    stripped = digits.lstrip("0") or "0"
    return f"{len(stripped):04d}{stripped}"


def is_newer(one: ReleaseOrder, other: ReleaseOrder) -> bool:
    """Say whether one release is newer than another: semver order where both have one, else creation."""
    key, other_key = sort_key(one.version), sort_key(other.version)
    if key is not None and other_key is not None:
        return key > other_key
    return one.created_at > other.created_at
