"""A message without its particulars: `user 17 not found` and `user 18 not found` are one sentence.

`docs/grouping.md` says what is replaced and why, `tests/data/pairs` has the cases.
"""

from __future__ import annotations

import re
from functools import lru_cache

# What may stand between the word and its number: `status code: 404`, `code=5`, `status of 404`, `"status":500`.
_IS = r"['\"]?(?:\s?[:=\[(\#]|\sis|\sof|\swas)?\s?['\"]?\#?"
_NUMBERED_WORD = (
    r"errno|winerror|err(?:or)?[ _-]?(?:code|no|number)|sql_?state|signal|hresult|ntstatus|react error|react-dom"
    r"|(?:os|system|socket|curl|mysql|sql|rpc|api)[ _-]error"
    r"|exit(?:ed)?(?:[ _-](?:with[ _-])?(?:code|status))?"
    r"|(?:with|and|by|return(?:ed)?|result|native|vendor|system|os|grpc|api|database)[ _-]code"
)
# A code after any other word is data: `promo code 48213`, `zip code 90210`.
_BARE_CODE = r"(?<![A-Za-z][ _-])(?<!\w)code"
_NUMBER = r"(?:-?0x[0-9a-f]{1,8}|-\d{1,10}|\d{1,5}|\d{1,2}[a-z]\d{2,3}|\d[a-z0-9]{4}|[a-z]{1,6}\d{2,6})\b(?![.:]\d)"
_HTTP_WORD = r"Client Error|Server Error|Internal|Not Found|Bad |Unauthorized|Forbidden|Service|Gateway|Conflict|Too "
# A code says which error it is, unlike other numbers.
_CODE = (
    rf"(?i:(?:\b(?:{_NUMBERED_WORD})|{_BARE_CODE}){_IS}{_NUMBER})"
    rf"|(?i:\b(?:http(?:/[\d.]{{1,3}})?(?:[ _-](?:error|status|code)){{0,2}}){_IS}[1-5]\d\d\b(?![.:]?\d))"
    rf"|(?i:\b(?:status|response|responded\ with)(?:[ _-]?code)?{_IS}\d{{1,3}}\b(?![.:]?\d))"
    rf"|\b[1-5]\d\d\ (?={_HTTP_WORD})|\bORA-\d{{5}}\b|\b[Ee]rror:?\ [A-Z]{{1,6}}\d{{2,6}}\b"
)
# Codes by name: those of POSIX and of the resolver, as Node, Ruby and C write them.
_SYSTEM_ERROR = re.compile(
    r"E(?:ACCES|ADDRINUSE|ADDRNOTAVAIL|AGAIN|AI_AGAIN|BADF|BUSY|CANCELED|CONNABORTED|CONNREFUSED|CONNRESET|EXIST"
    r"|FBIG|HOSTUNREACH|INVAL|IO|ISDIR|LOOP|MFILE|NAMETOOLONG|NETUNREACH|NFILE|NOENT|NOMEM|NOSPC|NOTCONN|NOTDIR|NOTEMPTY"
    r"|NOTFOUND|NOTSUP|PERM|PIPE|PROTO|ROFS|TIMEDOUT|XDEV)\b"
)
_UNIT = r"(?:ns|[uµμ]s|ms|sec|s|min|m|hrs|h|d|[kKMGTP]i?B|[kKMG]?bps|bytes)"
# Values of JSON are data, but those of keys that name an error: `{"id": 17, "error": "invalid_grant"}`.
_TELLING_KEY = r"(?i:err|code|type|message|msg|reason|status|kind|detail|title|description|exception)"

# Tried in this order at each place.
_RULES = (
    ("keep", _CODE),
    (
        "json",
        rf"\"(?!\w{{0,40}}{_TELLING_KEY})[\w.-]{{1,60}}\":\s?(?:\"[^\"\n]{{0,500}}\"|true|false|null)"
        rf"|'(?!\w{{0,40}}{_TELLING_KEY})[\w.-]{{1,60}}':\s?(?:'[^'\n]{{0,500}}'|True|False|None)",
    ),
    ("email", r"\b[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}\b"),
    ("url", r"\b(?:[a-z][a-z0-9+]{1,15})://(?:[^\s'\"<>()\[\]{}]|\[[^\s\[\]]{0,60}\]){1,2048}"),
    ("path", r"(?<![\w/])(?:/tmp|/var/folders|/private/var|/var/tmp|/dev/shm)/[^\s'\":;,)\]]{1,500}"),
    ("home", r"(?<![\w/])(?:/home|/Users)/[\w.-]{1,64}(?=/)|\b[A-Z]:\\{1,2}Users\\{1,2}[\w.-]{1,64}(?=\\)"),
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
    ("n", r"\bP(?=T?\d)(?:\d{1,6}[YMWD]){0,4}(?:T(?:\d{1,6}(?:[.,]\d{1,6})?[HMS]){1,3})?\b"),
    ("time", r"\b\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?\b(?!:[0-9A-Fa-f])"),
    ("uuid", r"\b[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\b"),
    ("ip", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\w.]*\d)"),
    ("mac", r"\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b"),
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
    ("values", r"(?i:\bvalues)\s?(?:,?\s?\([^()]{0,1000}\)){1,50}"),
    ("value", r"(?<==)'[^'\n]{0,200}'|(?<==)\"[^\"\n]{0,200}\"|(?<=\)=\()[^)\n]{0,200}(?=\))"),
    ("bool", r"(?<==)(?:true|false|True|False)\b"),
    ("n", rf"(?<![A-Za-z\d])[-+]?(?:\d+(?:[.,]\d+)?{_UNIT}\s?){{1,5}}(?<!\s)(?![A-Za-z\d])"),
    (
        "n",
        r"(?<![A-Za-z\d])[-+]?\d+(?:[.,_]\d+){0,8}(?:[eE][-+]?\d{1,4}|-?(?:rc|alpha|beta|dev|post)\.?\d{1,4})?(?=\D|$)|(?<=[A-Za-z])\d{4,}",
    ),
)
# One group a rule; the index of the group is the index of the rule.
_PATTERN = re.compile("|".join(f"({pattern})" for _, pattern in _RULES))
_NAMES = tuple(name for name, _ in _RULES)
_MAX_INPUT = 2_048
_MAX_OUTPUT = 512
_MAX_LINES = 2
_CODES = re.compile(_CODE)
# Searching for a word costs a hundredth of trying the pattern at each character; most messages have none.
_CODE_HINTS = (
    *("code", "err", "sql", "signal", "hresult", "ntstatus", "exit", "http", "status", "respon", "ora-", "internal"),
    *("not found", "bad ", "unauthorized", "forbidden", "service", "gateway", "conflict", "too "),
)
_DIGIT = re.compile(r"\d")
_LAST_WORD = re.compile(r"[-\w]+$")
_HTTP_STATUS = re.compile(r"(?i:http|status|respon)[^\n]*\b[1-5]\d\d$|[1-5]\d\d$")
_SQLSTATE_LENGTH = 5
_CODES_WITHIN = 256
_MAX_CODES = 3


def parameterise(message: str) -> str:
    """Replace what varies between occurrences of one error by placeholders: `user <n> not found`.

    Only the first two lines that are not empty count. Numbers that name an error (after status, errno, code,
    SQLSTATE, signal, exit) stay.
    """
    return _PATTERN.sub(_placeholder, _first_lines(message))[:_MAX_OUTPUT]


def error_codes(message: str) -> list[str]:
    """Return the codes in a message that say which error it is: `5xx`, `40`, `28` and `ECONNREFUSED`.

    Of an HTTP status and of an SQLSTATE it is the class: an upstream that falters answers now 502, now 503.
    """
    return list(_codes_in(message[:_CODES_WITHIN]))


@lru_cache(maxsize=256)
def _codes_in(text: str) -> tuple[str, ...]:
    found: list[str] = []
    if "E" in text:
        found += [code[0] for code in _SYSTEM_ERROR.finditer(text) if not text[: code.start()][-1:].isalnum()]
    if _DIGIT.search(text) is not None:
        lower = text.lower()
        if any(hint in lower for hint in _CODE_HINTS):
            codes = (_class_of(code.rstrip()) for code in _CODES.findall(_first_lines(text)))
            found += [code for code in codes if code]
    return tuple(dict.fromkeys(found))[:_MAX_CODES]


def _class_of(code: str) -> str:
    """Return what of a code counts beside a stack, as RFC 9110 and ISO 9075 class them."""
    number = _LAST_WORD.search(code)
    if number is None:
        return ""
    if code[:3].lower() == "sql" and len(number[0]) == _SQLSTATE_LENGTH:
        return number[0][:2]
    return f"{number[0][0]}xx" if _HTTP_STATUS.match(code) else number[0]


def _first_lines(message: str) -> str:
    lines = [line.strip() for line in message[:_MAX_INPUT].splitlines() if line.strip()]
    return " ".join(" ".join(lines[:_MAX_LINES]).split())


def _placeholder(match: re.Match[str]) -> str:
    name = _NAMES[(match.lastindex or 1) - 1]
    if name == "keep":
        return match[0]
    if name == "json":
        return f"{match[0].partition(':')[0]}: <value>"
    return "VALUES (<value>)" if name == "values" else f"<{name}>"
