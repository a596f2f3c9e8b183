"""What the record of changes says, for people: which thing was changed, and what it became."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from rich.text import Text

from provenance_cli.screen import TITLE, safe
from provenance_server.access_answers import ActivityEntry

_NAMES = ("version", "prefix", "mnemonic", "name")
"""What things are known by, where a record holds it."""


def names_in(items: Sequence[ActivityEntry]) -> dict[str, str]:
    """Return the names that records hold of what was changed, by its id; the rest is known by its id only."""
    names: dict[str, str] = {}
    for item in items:
        told = {**_values(item.before), **_values(item.after)}
        own = item.origin if item.action.startswith("origin.") else None
        name = own or next((told[name] for name in _NAMES if name in told), None)
        if name is not None:
            names.setdefault(item.subject_id, str(name))
    return names


def became(item: ActivityEntry) -> Text:
    """Say what was, what is, and why."""
    parts = [safe(_words(text), TITLE) for text in (item.before, item.after) if text]
    line = Text(" → ").join(parts)
    return Text.assemble(line, "  ", safe(item.note, TITLE, "dim")) if item.note else line


def _values(text: str | None) -> Mapping[str, object]:
    """Return the values of a record; none where it holds a word, or was cut."""
    if text is None or not text.startswith("{"):
        return {}
    try:
        return cast("dict[str, object]", json.loads(text))
    except ValueError:
        return {}


def _words(text: str) -> str:
    values = _values(text)
    if not values and text != "{}":
        return text
    return " ".join(f"{name}={value}" for name, value in _flat(values))


def _flat(values: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value as a word; of a value that holds others, each of them."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, object]", value), f"{above}{name}.")
        elif isinstance(value, list):
            yield f"{above}{name}", ",".join(_word(one) for one in cast("list[object]", value)) or "none"
        else:
            yield f"{above}{name}", _word(value)


def _word(value: object) -> str:
    """Return a value as a word, in quotes where it would be several."""
    if isinstance(value, str) and value and not any(character.isspace() or character in '"=' for character in value):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
