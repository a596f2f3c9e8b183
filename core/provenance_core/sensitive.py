"""Know what is sensitive: by the name of a key, and by the shape of a text.

Source: Relay's `@common:filter` for the words, headers and shapes; GlitchTip for matching a key word by word (so that
`author` and `tokenizer` are no secrets) and for the check digits of card numbers.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import cached_property, lru_cache
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
_PAIR_ENDINGS = frozenset(pair.partition(" ")[2] for pair in _PAIRS)
_PARTS = (
    *("password", "passwd", "passphrase", "apikey", "privatekey", "secretkey", "accesskey", "credential"),
    *("clientsecret", "phpsessid"),
)
_ENDINGS = ("token", "secret", "passcode")
_HARMLESS_ENDINGS = frozenset(
    ("count", "counts", "limit", "type", "length", "usage", "budget", "expires", "expiry", "expiration", "ttl", "field")
)
_NEUTRAL_ENDINGS = frozenset(("value", "hash", "id", "header"))
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


@lru_cache(maxsize=8192)
def ends_sensitive(key: str) -> bool:
    """Say whether a key's last words name something sensitive: `db_password` does, `TokenError` does not."""
    if not is_sensitive(key):
        return False
    words = [word.lower() for word in _WORD.findall(key[:200])]
    if is_pair(*words[-2:]):
        return True
    while len(words) > 1 and words[-1] in _NEUTRAL_ENDINGS:
        words.pop()
    joined = "".join(words)
    return words[-1] in _WORDS or joined.endswith(_ENDINGS + _PARTS) or is_pair(*words[-2:])


def is_pair(*words: str) -> bool:
    """Say whether two words together name something sensitive, as `api key` do."""
    return " ".join(words).lower() in _PAIRS


def ends_pair(word: str) -> bool:
    """Say whether a word may be the second of two that together name something sensitive."""
    return word.lower() in _PAIR_ENDINGS


def is_sensitive_header(name: str) -> bool:
    """Say whether a header's value is sensitive."""
    return name.lower() in _HEADERS or is_sensitive(name)


_BEARER = re.compile(r"\b([Bb]earer) {1,4}(?!authenti|authori|token\b)[\w\-.~+/]{8,}+=*")
_AUTHORIZATION = re.compile(
    r"""([Aa]uthorization\W{1,6}(?:[Bb]asic|[Dd]igest|[Tt]oken|[Nn]egotiate) {1,4})[^\s"',;\[]{3,}+"""
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z0-9 ]{0,40}-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)", re.DOTALL
)
_BASIC = re.compile(r"\b([Bb]asic) {1,4}([A-Za-z0-9+/\-_]{6,}+={0,2})(?![\w.])")
_URL_CREDENTIALS = re.compile(r"""(://)([^/\s"'?#<>]+)@""")
_URL_CREDENTIALS_BYTES = re.compile(_URL_CREDENTIALS.pattern.encode())
_URL_SAFE = str.maketrans("-_", "+/")
_USER_NAME = 20
"""Characters from which on what stands alone before a host's `@` is a token and no user's name."""
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
_IBAN_START = re.compile(rb"AA00(?:-?[A0]{4}){2}")


def _filter_basic(match: re.Match[str]) -> str:
    """Filter what is a name and a password in base64; `Basic authentication` is none."""
    text = match[2].rstrip("=").translate(_URL_SAFE)
    try:
        told = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return match[0]
    return f"{match[1]} {FILTERED}" if b":" in told and told.isascii() else match[0]


def _filter_url(match: re.Match[str]) -> str:
    """Filter what stands before a host; a mere name is kept where it may not be a token, as one over HTTP is."""
    told = match[2]
    over_http = match.string[max(0, match.start() - 5) : match.start()].lower().endswith(("http", "https"))
    is_name = ":" not in told and not over_http and len(told) < _USER_NAME
    return match[0] if is_name or told == FILTERED else f"://{FILTERED}@"


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


class _Whole:
    """A whole event as JSON, with the class of each byte, found when it is asked for."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    @cached_property
    def classes(self) -> bytes:
        """Say of each byte whether it is a digit, a capital, a separator of groups or something else."""
        return self.text.translate(_CLASSES)

    @cached_property
    def has_groups(self) -> bool:
        """Say whether digits in groups occur."""
        return _GROUPS in self.classes


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
    (lambda whole: b"asic " in whole.text, lambda text: _BASIC.sub(_filter_basic, text)),
    (lambda whole: b"uthorization" in whole.text, lambda text: _AUTHORIZATION.sub(rf"\1{FILTERED}", text)),
    (lambda whole: _JWT_START.search(whole.text) is not None, lambda text: _JWT.sub(FILTERED, text)),
    (lambda whole: b"PRIVATE KEY" in whole.text, lambda text: _PRIVATE_KEY.sub(FILTERED, text)),
    (
        lambda whole: b"@" in whole.text and _URL_CREDENTIALS_BYTES.search(whole.text) is not None,
        lambda text: _URL_CREDENTIALS.sub(_filter_url, text),
    ),
    (_has_card, lambda text: _CARD.sub(_filter_card, text)),
    (lambda whole: _IBAN_START.search(whole.classes) is not None, lambda text: _IBAN.sub(_filter_iban, text)),
    (lambda whole: whole.has_groups and _SSN_GROUPS in whole.classes, lambda text: _SSN.sub(FILTERED, text)),
)
"""What a whole event must contain for a shape to be looked for in each of its texts, and how it is filtered."""


class Shapes:
    """The shapes that occur in an event, written as JSON, and so may in its texts."""

    def __init__(self, data: bytes) -> None:
        whole = _Whole(data)
        self._occurring = tuple(shape for shape in _SHAPES if shape[0](whole))

    def __bool__(self) -> bool:
        """Say whether any occurs."""
        return bool(self._occurring)

    def occur_in(self, data: bytes) -> bool:
        """Say whether any may occur in a part of the event, written as JSON."""
        if not self._occurring:
            return False
        whole = _Whole(data)
        return any(occurs(whole) for occurs, _ in self._occurring)

    def without(self, text: str) -> str:
        """Return a text with what has one of the shapes filtered."""
        for _, filtered in self._occurring:
            text = filtered(text)
        return text
