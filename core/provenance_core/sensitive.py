"""Know what is sensitive by the name of a key.

Source: Relay's `@common:filter` for the words and headers; GlitchTip for matching a key word by word, so that `author`
and `tokenizer` are no secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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
_NEUTRAL_ENDINGS = frozenset(("value", "hash", "id", "header"))
_HEADERS = frozenset(("x-forwarded-for", "x-real-ip"))
"""Headers that are sensitive besides those whose words are."""
_NOTHING = frozenset(("", "None", "null", "undefined", "nil", "True", "False", "true", "false", "''", '""', FILTERED))
"""What tells nothing but that there is no value, and often is the bug."""


_LONGEST_NAME = 200
"""Characters of a name that are looked at."""


def is_empty(value: object) -> bool:
    """Say whether a value under a sensitive key gives nothing away."""
    return (
        value is None or isinstance(value, bool) or value in ({}, []) or (isinstance(value, str) and value in _NOTHING)
    )


def is_sensitive(key: str) -> bool:
    """Say whether a key names something sensitive, as `apiKey`, `DB_PASSWORD` and `X-Auth-Token` do."""
    return _is_sensitive_name(key[:_LONGEST_NAME])


def ends_sensitive(key: str) -> bool:
    """Say whether a key's last words name something sensitive: `db_password` does, `TokenError` does not."""
    return _ends_sensitive_name(key[:_LONGEST_NAME])


@lru_cache(maxsize=8192)
def _is_sensitive_name(key: str) -> bool:
    words = [word.lower() for word in _WORD.findall(key)]
    if not words or words[-1] in _HARMLESS_ENDINGS:
        return False
    if not _WORDS.isdisjoint(words) or any(word.endswith(_ENDINGS) for word in words):
        return True
    joined = "".join(words)
    if any(part in joined for part in _PARTS):
        return True
    return any(f"{one} {other}" in _PAIRS for one, other in pairwise(words))


@lru_cache(maxsize=8192)
def _ends_sensitive_name(key: str) -> bool:
    if not _is_sensitive_name(key):
        return False
    words = [word.lower() for word in _WORD.findall(key)]
    if " ".join(words[-2:]) in _PAIRS:
        return True
    while len(words) > 1 and words[-1] in _NEUTRAL_ENDINGS:
        words.pop()
    joined = "".join(words)
    return words[-1] in _WORDS or joined.endswith(_ENDINGS + _PARTS) or " ".join(words[-2:]) in _PAIRS


_OWN_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_MOST_HARMLESS = 8192


def _remembered(ask: Callable[[str], bool]) -> Callable[[str], bool]:
    """Remember answers, by no more of a name than they look at: a sender chooses names as long as it likes."""
    cached = lru_cache(maxsize=8192)(ask)
    return lambda name: cached(name[:_LONGEST_NAME])


class Names:
    """Which names are sensitive: those of the rules, those an origin adds, without those it keeps.

    An own name counts wherever its words stand in a row in another one: `order ref` makes `lastOrderRef` sensitive.
    One that is kept must be the whole name. Case and separators are the same for both.
    """

    __slots__ = (
        "_harmless",
        "_keep",
        "_keep_joined",
        "_keys",
        "_keys_joined",
        "_pair_endings",
        "_pairs",
        "ends_sensitive",
        "is_sensitive",
    )

    def __init__(self, keys: tuple[str, ...] = (), keep: tuple[str, ...] = ()) -> None:
        self._keys = tuple(words for key in keys if (words := _own_words(key)))
        self._keep = frozenset(words for key in keep if (words := _own_words(key)))
        self._keys_joined = frozenset(map("".join, self._keys))
        self._keep_joined = frozenset(map("".join, self._keep))
        self._pairs = _PAIRS | {" ".join(words) for words in self._keys if len(words) == 2}
        self._pair_endings = frozenset(pair.partition(" ")[2] for pair in self._pairs)
        has_own = bool(self._keys or self._keep)
        self.is_sensitive = _remembered(self._is_sensitive) if has_own else is_sensitive
        self.ends_sensitive = _remembered(self._ends_sensitive) if has_own else ends_sensitive
        self._harmless: set[bytes] = set()

    def is_own(self, name: str) -> bool:
        """Say whether a name is one that the origin adds."""
        return bool(self._keys) and self._has_own(_own_words(name), anywhere=True)

    def is_kept(self, name: str) -> bool:
        """Say whether a name is one whose value the origin keeps."""
        return bool(self._keep) and self._keeps(_own_words(name))

    def is_sensitive_header(self, name: str) -> bool:
        """Say whether a header's value is sensitive."""
        return self.is_sensitive(name) or (name.lower() in _HEADERS and not self.is_kept(name))

    def is_pair(self, *words: str) -> bool:
        """Say whether two words together name something sensitive, as `api key` do."""
        return " ".join(words).lower() in self._pairs

    def _is_sensitive(self, name: str) -> bool:
        words = _own_words(name)
        return not self._keeps(words) and (self._has_own(words, anywhere=True) or is_sensitive(name))

    def _ends_sensitive(self, name: str) -> bool:
        words = _own_words(name)
        return not self._keeps(words) and (self._has_own(words, anywhere=False) or ends_sensitive(name))

    def _keeps(self, words: tuple[str, ...]) -> bool:
        return words in self._keep or "".join(words) in self._keep_joined

    def _has_own(self, words: tuple[str, ...], *, anywhere: bool) -> bool:
        if "".join(words) in self._keys_joined:
            return True
        for key in self._keys:
            last = len(words) - len(key)
            if any(
                words[start : start + len(key)] == key for start in range(0 if anywhere else max(last, 0), last + 1)
            ):
                return True
        return False

    def told_backwards(self, found: set[bytes]) -> set[bytes]:
        """Return which names, found reading JSON backwards, may be sensitive.

        Most names come again and again: the harmless ones are told from the others at once.
        """
        told: set[bytes] = set()
        for name in found - self._harmless:
            known = self._told_backwards(name)
            if known:
                told.add(known)
            else:
                self._harmless.add(name)
        if len(self._harmless) > _MOST_HARMLESS:
            self._harmless = set()
        return told

    def _told_backwards(self, name: bytes) -> bytes:
        """Return a name, found reading JSON backwards, where it may be sensitive, else nothing.

        One without quotes may be so with what stands before it, or without the letter of an escape.
        """
        is_quoted = name[:1] in {b'"', b"'"}
        told = (name[1:].lstrip(b"\\") if is_quoted else name)[::-1]
        text = told.decode("utf-8", "replace")
        known = self.is_sensitive(text) or (
            not is_quoted and (self.is_sensitive(text[1:]) or text.lower() in self._pair_endings)
        )
        return told if known else b""


def _own_words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _OWN_WORD.findall(name[:_LONGEST_NAME]))


RULES = Names()
"""The names of the rules alone."""


@lru_cache(maxsize=64)
def names_of(keys: tuple[str, ...], keep: tuple[str, ...]) -> Names:
    """Return the names of the rules with what an origin adds and keeps."""
    return Names(keys, keep) if keys or keep else RULES
