"""Know what is sensitive: by the name of a key, and by the shape of a text.

Source: Relay's `@common:filter` for the words, headers and shapes; GlitchTip for matching a key word by word (so that
`author` and `tokenizer` are no secrets) and for the check digits of card numbers. facts/security-and-scale.md 2.7.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

FILTERED = "[Filtered]"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORDS = frozenset(
    (
        *("auth", "authorization", "credential", "credentials", "password", "passwords", "passwd", "passphrase"),
        *("pwd", "passcode", "secret", "secrets", "token", "otp", "csrf", "xsrf", "jwt", "cookie", "cookies"),
        *("apikey", "privatekey", "sessionid", "ssn", "cvv", "cvc", "bearer", "sentrysid", "phpsessid"),
    )
)
_PAIRS = frozenset(
    (
        *("api key", "api keys", "private key", "access key", "secret key", "encryption key", "signing key"),
        *("account key", "auth key", "two factor", "session id", "card number", "credit card", "set cookie"),
        "connection string",
    )
)
_PARTS = (
    *("password", "passwd", "passphrase", "apikey", "privatekey", "secretkey", "accesskey", "credential"),
    *("clientsecret", "phpsessid"),
)
_ENDINGS = ("token", "secret", "passcode")
_HARMLESS_ENDINGS = frozenset(
    ("count", "counts", "limit", "type", "length", "usage", "budget", "expires", "expiry", "expiration", "ttl", "field")
)
_HEADERS = frozenset(("x-forwarded-for", "x-real-ip"))
"""Headers that are sensitive besides those whose words are."""
_NOTHING = frozenset(("", "None", "null", "undefined", "nil", "True", "False", "true", "false", "''", '""', FILTERED))
"""What tells nothing but that there is no value, and often is the bug."""


def is_empty(value: object) -> bool:
    """Say whether a value under a sensitive key gives nothing away."""
    return (
        value is None or isinstance(value, bool) or value in ({}, []) or (isinstance(value, str) and value in _NOTHING)
    )


@lru_cache(maxsize=8192)
def is_sensitive(key: str) -> bool:
    """Say whether a key names something sensitive, as `apiKey`, `DB_PASSWORD` and `X-Auth-Token` do."""
    words = [word.lower() for word in _WORD.findall(key[:200])]
    if not words or words[-1] in _HARMLESS_ENDINGS:
        return False
    if not _WORDS.isdisjoint(words) or any(word.endswith(_ENDINGS) for word in words):
        return True
    joined = "".join(words)
    if any(part in joined for part in _PARTS):
        return True
    return any(f"{one} {other}" in _PAIRS for one, other in pairwise(words))


def is_sensitive_header(name: str) -> bool:
    """Say whether a header's value is sensitive."""
    return name.lower() in _HEADERS or is_sensitive(name)


_VALUE = r"""(?:"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|[^\s&;,"'<>(){}|\]]++)"""
_ASSIGNMENT = re.compile(r"(?<![\w.\-])([\w.\-]{1,64}+)=(\[Filtered\]|" + _VALUE + ")", re.DOTALL)
_QUOTED_KEY = re.compile(
    r"""\\{0,4}(["'])([\w.\- ]{1,64}+)\\{0,4}\1:\s{0,4}"""
    r"""(\\+"(?:[^"\\]|\\[^"])*+(?:\\+")?|"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|[{\[].*+|[^\s,}\]"']++)""",
    re.DOTALL,
)
_PARAMETER = re.compile(r"([^=&?#;\s]{1,200}+)=([^&#\s]*+)")


def without_assigned(text: str) -> str:
    """Return the text with the values filtered that it assigns to sensitive names: `name=value`, `"name": value`."""
    if "=" in text:
        text = _ASSIGNMENT.sub(_filter_assignment, text)
    if '":' in text or "':" in text:
        text = _QUOTED_KEY.sub(_filter_quoted, text)
    return text


def without_parameters(text: str) -> str:
    """Return a query string, form or URL with the values of sensitive parameters filtered."""
    return _PARAMETER.sub(_filter_assignment, text) if "=" in text else text


def _filter_assignment(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    return f"{name}={FILTERED}" if is_sensitive(name) and not is_empty(value) else match[0]


def _filter_quoted(match: re.Match[str]) -> str:
    value = match[3]
    if not is_sensitive(match[2]) or is_empty(value) or value.strip("\\\"'") in {"", FILTERED}:
        return match[0]
    opening = value[: len(value) - len(value.lstrip("\\"))]
    quote = value[len(opening) : len(opening) + 1]
    mark = f"{opening}{quote}" if quote in {'"', "'"} else match[1]
    return f"{match[0][: match.start(3) - match.start()]}{mark}{FILTERED}{mark}"


_BEARER = re.compile(r"\b([Bb]earer) {1,4}(?!authenti|authori|token\b)[\w\-.~+/]{8,}+=*")
_AUTHORIZATION = re.compile(
    r"""([Aa]uthorization\W{1,6}(?:[Bb]asic|[Dd]igest|[Tt]oken|[Nn]egotiate) {1,4})[^\s"',;\[]{3,}+"""
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z0-9 ]{0,40}-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)", re.DOTALL
)
_URL_CREDENTIALS = re.compile(r"""://[^/\s:@"'?#]*+:[^/\s@"'?#]++@""")
_URL_CREDENTIALS_BYTES = re.compile(_URL_CREDENTIALS.pattern.encode())
_CARD_SHAPE = r"\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5}"
_CARD = re.compile(rf"(?<![\w.])(?:{_CARD_SHAPE})(?![\w])")
_CARD_PREFIX = re.compile(r"4|5[1-5]|2[2-7]|3[47]|6(?:011|5)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_CLASSES = bytes(
    ord("0") if 48 <= byte < 58 else ord("A") if 65 <= byte < 91 else ord("-") if byte in b"- " else ord(".")
    for byte in range(256)
)
_DIGITS = b"0" * 13
_LONGEST_CARD = 19
_GROUPS = b"00-0000"
_CARD_GROUPS = (b"0000-0000-0000-0", b"0000-000000-00000")
_SSN_GROUPS = b"000-00-0000"
_JWT_START = re.compile(rb"eyJ")
_IBAN_START = re.compile(rb"AA00")


def _filter_card(match: re.Match[str]) -> str:
    return FILTERED if is_card(re.sub(r"\D", "", match[0])) else match[0]


def is_card(digits: str) -> bool:
    """Say whether digits are a card's number: an issuer's prefix and length, and the check digit of Luhn."""
    if len(digits) not in {13, 15, 16, 19} or not _CARD_PREFIX.match(digits):
        return False
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


def _filter_iban(match: re.Match[str]) -> str:
    """Filter an account number whose check digits hold, ISO 13616."""
    text = match[0].replace(" ", "")
    number = "".join(str(int(character, 36)) for character in text[4:] + text[:4])
    return FILTERED if int(number) % 97 == 1 else match[0]


_Filter = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole event as JSON, with the class of each byte and whether numbers in groups occur."""

    text: bytes
    classes: bytes
    has_groups: bool


def _has_card(whole: _Whole) -> bool:
    position = whole.classes.find(_DIGITS)
    while position >= 0:
        run = whole.classes[position : position + _LONGEST_CARD + 1]
        end = position + len(run) - len(run.lstrip(b"0"))
        if is_card(whole.text[position:end].decode()):
            return True
        position = whole.classes.find(_DIGITS, end)
    return whole.has_groups and any(groups in whole.classes for groups in _CARD_GROUPS)


_SHAPES: tuple[tuple[Callable[[_Whole], bool], _Filter], ...] = (
    (lambda whole: b"earer " in whole.text, lambda text: _BEARER.sub(rf"\1 {FILTERED}", text)),
    (lambda whole: b"uthorization" in whole.text, lambda text: _AUTHORIZATION.sub(rf"\1{FILTERED}", text)),
    (lambda whole: _JWT_START.search(whole.text) is not None, lambda text: _JWT.sub(FILTERED, text)),
    (lambda whole: b"PRIVATE KEY" in whole.text, lambda text: _PRIVATE_KEY.sub(FILTERED, text)),
    (
        lambda whole: b"@" in whole.text and _URL_CREDENTIALS_BYTES.search(whole.text) is not None,
        lambda text: _URL_CREDENTIALS.sub(f"://{FILTERED}@", text),
    ),
    (_has_card, lambda text: _CARD.sub(_filter_card, text)),
    (lambda whole: _IBAN_START.search(whole.classes) is not None, lambda text: _IBAN.sub(_filter_iban, text)),
    (lambda whole: whole.has_groups and _SSN_GROUPS in whole.classes, lambda text: _SSN.sub(FILTERED, text)),
)
"""What a whole event must contain for a shape to be looked for in each of its texts, and how it is filtered."""


def shapes_in(text: bytes) -> tuple[_Filter, ...]:
    """Return the filters of the shapes that an event, written as JSON, may contain."""
    classes = text.translate(_CLASSES)
    whole = _Whole(text, classes, _GROUPS in classes)
    return tuple(filtered for occurs, filtered in _SHAPES if occurs(whole))
