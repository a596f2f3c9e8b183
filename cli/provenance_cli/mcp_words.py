"""Read the words of `provenance mcp` without the command line's parser, which a host would have to wait for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

COMMAND = "mcp"

_VALUES = {"--api-url": "apiUrl", "--api-key": "apiKey", "--database-url": "databaseUrl", "--origin": "origin"}
_SWITCHES = {"--read-only": "readOnly", "--lockdown": "lockdown"}


def mcp_flags(words: Sequence[str]) -> dict[str, str | None] | None:
    """Return what the words of `provenance mcp` say, by the names of the settings.

    None where they are another command's, or not plain: the parser then says what is wrong, or prints the help.
    """
    flags: dict[str, str | None] = {}
    left = iter(words)
    commands = 0
    for word in left:
        name, equals, value = word.partition("=")
        if word == COMMAND:
            commands += 1
        elif word in _SWITCHES:
            flags[_SWITCHES[word]] = "true"
        elif name in _VALUES and equals:
            flags[_VALUES[name]] = value
        elif word in _VALUES:
            flags[_VALUES[word]] = _value(left)
        else:
            return None
    return flags if commands == 1 and None not in flags.values() else None


def _value(left: Iterator[str]) -> str | None:
    """Return the value that follows an option; none where that looks like another option, or like the command."""
    value = next(left, "-")
    return None if value.startswith("-") or value == COMMAND else value
