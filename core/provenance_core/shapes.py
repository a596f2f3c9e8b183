"""Know what is sensitive by the shape of a text, wherever it stands.

| shape | rule | source |
| --- | --- | --- |
| HTTP | `Bearer …`, `Basic …` with a name and a password, `Authorization: …` | Relay's `@common:filter` |
| credentials in a URL | `://user:password@`, `https://token@` | Relay |
| private key | `-----BEGIN … PRIVATE KEY-----` up to its end | Relay |
| JSON Web Token | `eyJ….….…` | gitleaks `jwt` |
| bank | card numbers by issuer, length and Luhn's digit; IBAN by its check digits; US SSN | Relay, GlitchTip |
| AWS | `AKIA` or `ASIA` and 16 capitals or digits | gitleaks `aws-access-token` |
| GitHub | `ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_` and 36 characters; `github_pat_` and 22 | GitHub, "token formats" |
| GitLab | `glpat-` and 20 characters | gitleaks `gitlab-pat` |
| Slack | `xoxa-`, `xoxb-`, `xoxe-`, `xoxp-`, `xoxr-`, `xoxs-` and 10 characters | gitleaks `slack-*-token` |
| Stripe | `sk_live_`, `rk_live_`, also `test` and `prod`, and 10 characters | gitleaks `stripe-access-token` |
| OpenAI, Anthropic | `sk-` and 20 characters, digits and letters of both cases | gitleaks `anthropic-api-key` |
| Google | `AIza` and 35 characters | gitleaks `gcp-api-key` |
| npm | `npm_` and 36 characters | gitleaks `npm-access-token` |

A token begins and ends where words do: within a longer run of its characters it is none, and so hashes, ids, paths,
names of classes and images in base64 stay as they are.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import cached_property

from provenance_core.sensitive import FILTERED

_BEARER = re.compile(r"\b([Bb]earer) {1,4}(?!authenti|authori|token\b)[\w\-.~+/]{8,}+=*")
_AUTHORIZATION = re.compile(
    r"""([Aa]uthorization\W{1,6}(?:[Bb]asic|[Dd]igest|[Tt]oken|[Nn]egotiate) {1,4})[^\s"',;\[]{3,}+"""
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z0-9 ]{0,40}-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)", re.DOTALL
)
_BASIC = re.compile(r"\b([Bb]asic) {1,4}([A-Za-z0-9+/\-_]{6,}+={0,2})(?![\w.])")
_TOKENS = tuple(
    (start, needed, tuple(re.compile(rf"(?<![A-Za-z0-9_-])(?:{token})(?![A-Za-z0-9_])") for token in tokens))
    for start, needed, tokens in (
        (rb"IA(?<=A[KS]IA)[A-Z0-9]{16}", b"I", (r"A[KS]IA[A-Z0-9]{16}",)),
        (
            rb"_(?:(?:(?<=gh[pousr]_)|(?<=npm_))[A-Za-z0-9]{36}|(?<=github_pat_)|(?<=k_(?:live|test|prod)_))",
            b"_",
            (
                r"gh[pousr]_[A-Za-z0-9]{36,255}+",
                r"github_pat_\w{22,255}+",
                r"[rs]k_(?:live|test|prod)_[A-Za-z0-9]{10,255}+",
                r"npm_[A-Za-z0-9]{36}",
            ),
        ),
        (
            rb"-(?:(?<=glpat-)|(?<=xox[abeprs]-)|(?<=sk-)[\w-]{20})",
            b"-",
            (
                r"glpat-[\w-]{20,255}+",
                r"xox[abeprs]-[\w-]{10,255}+",
                r"sk-(?=[\w-]{0,200}?\d)(?=[\w-]{0,200}?[a-z])(?=[\w-]{0,200}?[A-Z])[A-Za-z0-9_-]{20,255}+",
            ),
        ),
        (rb"AIza", b"I", (r"AIza[\w-]{35}(?!-)",)),
    )
)
"""How vendors' tokens begin in JSON, as few as can be looked for at once by a character that is rare, and the tokens.

None begins within another, so that their order tells nothing.
"""
_URL_CREDENTIALS = re.compile(r"""(://)([^/\s"'?#<>]+)@""")
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
_CARD_LENGTHS = frozenset((13, 15, 16, 19))
_GROUPS = re.compile(b"-0(?:000-0000-0|00000-00000|0-0000)")
"""Groups of digits, as cards and social security numbers have; a first character that is rare is found fast."""
_CARD_GROUPS = re.compile(b"0000-00(?:00-0000-0|0000-00000)")
_SSN_GROUPS = re.compile(b"000-00-0000")
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
    if len(digits) not in _CARD_LENGTHS or not _CARD_PREFIX.match(digits):
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
        return _GROUPS.search(self.classes) is not None


def _has_card(whole: _Whole) -> bool:
    position = whole.classes.find(_DIGITS)
    while position >= 0:
        run = whole.classes[position : position + _LONGEST_CARD + 1]
        end = position + len(run) - len(run.lstrip(b"0"))
        if end - position > _LONGEST_CARD:
            return True  # digits of an escape before a number look like its own
        if end - position in _CARD_LENGTHS and is_card(whole.text[position:end].decode()):
            return True
        position = whole.classes.find(_DIGITS, end)
    return whole.has_groups and _CARD_GROUPS.search(whole.classes) is not None


def _found(start: bytes, needed: bytes) -> Callable[[_Whole], bool]:
    """Look for how a shape starts, where its rarest character occurs: that it does not is known ten times as fast."""
    search = re.compile(start).search
    return lambda whole: needed in whole.text and search(whole.text) is not None


def _filtered(shape: re.Pattern[str], instead: str | Callable[[re.Match[str]], str] = FILTERED) -> _Filter:
    return lambda text: shape.sub(instead, text)


def _all_filtered(shapes: tuple[re.Pattern[str], ...]) -> _Filter:
    def filtered(text: str) -> str:
        for shape in shapes:
            text = shape.sub(FILTERED, text)
        return text

    return filtered


_SHAPES: tuple[tuple[Callable[[_Whole], bool], _Filter], ...] = (
    (_found(b"earer ", b" "), _filtered(_BEARER, rf"\1 {FILTERED}")),
    (_found(b"asic ", b" "), _filtered(_BASIC, _filter_basic)),
    (_found(b"uthorization", b"z"), _filtered(_AUTHORIZATION, rf"\1{FILTERED}")),
    (_found(b"eyJ", b"J"), _filtered(_JWT)),
    (_found(b"PRIVATE KEY", b"K"), _filtered(_PRIVATE_KEY)),
    (_found(_URL_CREDENTIALS.pattern.encode(), b"@"), _filtered(_URL_CREDENTIALS, _filter_url)),
    *((_found(start, needed), _all_filtered(tokens)) for start, needed, tokens in _TOKENS),
    (_has_card, _filtered(_CARD, _filter_card)),
    (lambda whole: _IBAN_START.search(whole.classes) is not None, _filtered(_IBAN, _filter_iban)),
    (lambda whole: whole.has_groups and _SSN_GROUPS.search(whole.classes) is not None, _filtered(_SSN)),
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
