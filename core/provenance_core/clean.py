"""Make characters visible that would hide, reorder or fake text on a screen or in a model's input."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U00016fe4"  # soft hyphen, fillers
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff"  # zero width, bidirectional, separators
    "\ufe00-\ufe0f\ud800-\udfff\ue000-\uf8ff"  # variation selectors, lone surrogates, private use
    "\U00013430-\U00013440\U0001bca0-\U0001bca3"  # controls of hieroglyphs and of shorthand
    "\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"  # music, tags, private planes
    "]+"
)
_RUN_SHOWN = 3
_ZERO_WIDTH_JOINER = "\u200d"
_EMOJI_SELECTOR = "\ufe0f"


def clean(text: str) -> str:
    r"""Return the text with hidden characters written out as `\u{202e}`; emoji sequences stay.

    The set follows OWASP's LLM01 (2026) item 5 and the sanitiser of github-mcp-server; a run of more than three is
    told as its length, so that a hidden message is noticed but not carried.
    """
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_visible, text)


def clean_line(text: str, limit: int) -> str:
    """Return the text cleaned, on one line, and cut to a number of characters with what was cut said."""
    line = clean(text.replace("\r\n", "\n")).replace("\n", "\\n").replace("\t", " ")
    return cut(line, limit)


def cut(text: str, limit: int) -> str:
    """Return the text cut to a number of characters, saying how many are left out."""
    return text if len(text) <= limit else f"{text[:limit]}… (+{len(text) - limit} chars)"


def quoted(text: str, limit: int = 100) -> str:
    """Quote a caller's own argument for an error message: cleaned, on one line, cut."""
    return f"'{clean_line(text, limit)}'"


def _visible(match: re.Match[str]) -> str:
    run = match[0]
    if _joins_emoji(match):
        return run
    if len(run) > _RUN_SHOWN:
        return f"[{len(run)} invisible characters]"
    return "".join(f"\\u{{{ord(character):x}}}" for character in run)


def _joins_emoji(match: re.Match[str]) -> bool:
    """Say whether the run only selects or joins emoji, as in a flag or a family."""
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    if match[0] == _EMOJI_SELECTOR:
        return _is_symbol(before)
    joins = match[0] in {_ZERO_WIDTH_JOINER, _EMOJI_SELECTOR + _ZERO_WIDTH_JOINER}
    return joins and _is_symbol(before) and _is_symbol(after)


def _is_symbol(character: str) -> bool:
    return bool(character) and (unicodedata.category(character) in {"So", "Sk", "Sm"} or character in "#*0123456789")
