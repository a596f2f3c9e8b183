"""A message without its particulars: `user 17 not found` and `user 18 not found` are one sentence."""

from __future__ import annotations

import re

_CODE_WORD = (
    r"status(?:[ _-]?code)?|response[ _-]code|errno|err(?:or)?[ _-]?(?:code|no|number)|code|sqlstate|signal"
    r"|exit(?:ed)?(?:[ _-](?:with[ _-])?(?:code|status))?|hresult|http(?:/[\d.]{1,3})?|react error|react-dom"
)
_HTTP_WORD = r"Client Error|Server Error|Internal|Not Found|Bad |Unauthorized|Forbidden|Service|Gateway|Conflict|Too "

# Tried in this order at each place. `keep` first: a code says which error it is, unlike other numbers.
_RULES = (
    (
        "keep",
        rf"(?i:\b(?:{_CODE_WORD})['\"]?(?:\s?[:=\[(#]|\sis|\sof|\swas)?\s?['\"]?\#?"
        r"(?:-?0x[0-9a-f]{1,8}|-\d{1,10}|\d{1,5}|\d{1,2}[a-z]\d{2,3}|\d[a-z0-9]{4})\b(?![.:]\d))"
        rf"|\b[1-5]\d\d\ (?={_HTTP_WORD})|\bORA-\d{{5}}\b",
    ),
    ("email", r"\b[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}\b"),
    ("url", r"\b(?:[a-z][a-z0-9+]{1,15})://[^\s'\"<>)\]}]{1,2048}"),
    ("path", r"(?<![\w/])(?:/tmp|/var/folders|/private/var|/var/tmp|/dev/shm)/[^\s'\":;,)\]]{1,500}"),
    (
        "date",
        r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?\s?(?:Z\b|UTC\b|[+-]\d\d:?\d\d\b)?)?",
    ),
    ("date", r"\b(?:\d{1,2}[/.]\d{1,2}[/.]\d{4}|\d{4}/\d\d/\d\d)\b"),
    (
        "date",
        r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )?"
        r"(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\ \d{1,2}|"
        r"\d{1,2}\ (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6})(?:,?\ \d{4})?\b",
    ),
    ("time", r"\b\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?\b"),
    ("uuid", r"\b[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\b"),
    ("ip", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\w.]*\d)"),
    ("ip", r"(?<![\w:])\[?(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\]?(?::\d{1,5})?(?![\w:])"),
    (
        "ip",
        r"(?<![\w:])\[?(?=(?:[0-9a-fA-F]{1,4}:){0,6}:)(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}\]?(?::\d{1,5})?"
        r"(?![\w:])",
    ),
    ("n", r"\b0[xX][0-9a-fA-F]{1,64}\b|(?<=@)[0-9a-f]{5,8}\b"),
    ("n", r"\b(?=[a-fA-F]{0,64}\d)(?=\d{0,64}[a-fA-F])[0-9a-fA-F]{7,64}\b"),
    (
        "n",
        r"(?<![A-Za-z0-9])(?=[A-Za-z]{0,40}\d)(?=\d{0,40}[A-Za-z])(?=(?:[A-Za-z]{0,40}\d){3})[A-Za-z0-9]{8,64}\b",
    ),
    ("value", r"(?<==)'[^'\n]{0,200}'|(?<==)\"[^\"\n]{0,200}\"|(?<=\)=\()[^)\n]{0,200}(?=\))"),
    ("bool", r"(?<==)(?:true|false|True|False)\b"),
    ("n", r"(?<![A-Za-z\d])[-+]?\d+(?:[.,_]\d+){0,8}(?:[eE][-+]?\d{1,4})?(?=\D|$)|(?<=[A-Za-z])\d{4,}"),
)
# One group a rule; the index of the group is the index of the rule.
_PATTERN = re.compile("|".join(f"({pattern})" for _, pattern in _RULES))
_NAMES = tuple(name for name, _ in _RULES)
_MAX_INPUT = 2_048
_MAX_OUTPUT = 512
_MAX_LINES = 2


def parameterise(message: str) -> str:
    """Replace what varies between occurrences of one error by placeholders: `user <n> not found`.

    Only the first two lines that are not empty count. Numbers that name an error (after status, errno, code,
    SQLSTATE, signal, exit) stay.
    """
    lines = [line.strip() for line in message[:_MAX_INPUT].splitlines() if line.strip()]
    text = " ".join(" ".join(lines[:_MAX_LINES]).split())
    return _PATTERN.sub(_placeholder, text)[:_MAX_OUTPUT]


def _placeholder(match: re.Match[str]) -> str:
    name = _NAMES[(match.lastindex or 1) - 1]
    return match[0] if name == "keep" else f"<{name}>"
