"""Find where a value ends that a text quotes: a string at any level of escaping, an object, a call, a bare word."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPENING = re.compile(r"""[bBuUrRfF]{0,2}(\\{0,255})(["'])""")
_BARE = re.compile(r"""(?:<[^<>\n]{0,200}>|[^\s&;,"'<>(){}|\[\]])[^\s&;,"'<>(){}|\[\]]*+""")
_SIGN = re.compile(r"""["'{}\[\]()]""")
_AFTER = re.compile(r"(?:\s|\\{1,255}[nrt]){0,255}(?:[,}\])]|\Z)")
"""What follows a string: it tells backslashes that end one from those of a text that was escaped without its quotes."""
_OPENING_BRACKETS = ("(", "[", "{")


@dataclass(frozen=True, slots=True)
class Opened:
    """A string that opens with a quote behind `level` backslashes; `inside` is where its content begins."""

    inside: int
    quote: str
    level: int


def opened_at(text: str, position: int) -> Opened | None:
    """Return the string that opens at a position."""
    match = _OPENING.match(text, position)
    return Opened(match.end(), match[2], len(match[1])) if match else None


def closed_at(text: str, opened: Opened) -> tuple[int, int]:
    """Return where the content of a string ends, and the string itself; of one that was cut, the end of the text.

    A quote within it is escaped once more than the one it opened with. A quote escaped less ends what is around it.
    """
    position, unit = opened.inside, opened.level + 1
    while (found := text.find(opened.quote, position)) >= 0:
        before = text[position:found]
        slashes = len(before) - len(before.rstrip("\\"))
        if slashes < opened.level:
            return found - slashes, found - slashes
        more = slashes - opened.level
        if more == 0 or (more % unit == 0 and more // unit % 2 == 0 and _AFTER.match(text, found + 1)):
            return found - opened.level, found + 1
        position = found + 1
    return len(text), len(text)


class Patience:
    """Bound what is read of one text for the ends of its brackets: values in values would be read again and again.

    Args:
        text: The text; once four times its length was read, brackets are taken to reach its end.
    """

    __slots__ = ("_left",)

    def __init__(self, text: str) -> None:
        self._left = 4 * len(text) + 1_000

    def end_of_brackets(self, text: str, position: int) -> int:
        """Return where brackets end that open at a position."""
        end = _end_of_brackets(text, position) if self._left > 0 else len(text)
        self._left -= end - position
        return end


def end_of_value(text: str, position: int, patience: Patience) -> int:
    """Return where a value ends that opens with no quote: an object, a list, a call, an expression or a word."""
    while position < len(text):
        if text.startswith(_OPENING_BRACKETS, position):
            position = patience.end_of_brackets(text, position)
            continue
        bare = _BARE.match(text, position)
        if bare is None:
            break
        position = bare.end()
    return position


def _end_of_brackets(text: str, position: int) -> int:
    depth = 0
    while match := _SIGN.search(text, position):
        sign, position = match[0], match.end()
        if sign in {'"', "'"}:
            before = text[max(0, match.start() - 255) : match.start()]
            slashes = len(before) - len(before.rstrip("\\"))
            position = closed_at(text, Opened(position, sign, slashes))[1]
        elif sign in _OPENING_BRACKETS:
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                return position
    return len(text)
