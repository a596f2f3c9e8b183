"""Filter what a text assigns to sensitive names.

Read are `name=value`, `"name": value` at any depth of JSON, of JSON within JSON and of what languages print,
`Name: value`, `('name', value)`, `--name value`, `<name>value</name>`, and each of them percent-encoded. Only the name
and the start of a value decide: the value of a harmless name is searched like any other text. Every step takes linear
time.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from provenance_core.quoted_values import Patience, closed_at, end_of_value, opened_at
from provenance_core.sensitive import FILTERED, RULES, Names, is_empty

_BACKWARDS = re.compile(
    r"""([=:,])(?:(?<=,)[ \t]{0,8}(["'])(\\{0,255})([^"'\\\n]{1,64})(?=\\{0,255}["'][bu]?\s{0,8}[(\[])"""
    r"""|(?<!,)(={0,3}:?)[ \t]{0,8}(?:(["'])(\\{0,255})([^"'\\\n]{1,64})|\]?([\w.\-]{1,64})))"""
)
"""A separator and the name before it; the text is read backwards, so that no name is looked for without one."""
_NAME_IN_JSON = rb"""(["']\\{0,255}[^"'\\\n]{1,200}|[\w.\-\x80-\xff]{1,200})"""
_COLON_IN_JSON = re.compile(rb":[ \t]{0,8}\]?" + _NAME_IN_JSON)
_EQUALS_IN_JSON = re.compile(rb"=[=>:]{0,3}[ \t]{0,8}\]?" + _NAME_IN_JSON)
_TUPLE_IN_JSON, _LIST_IN_JSON = (
    re.compile(bracket + rb"""\s{0,8}[bu]?\\{0,255}["']([^"'\\\n]{1,64})\\{0,255}["'][ \t]{0,8},""")
    for bracket in (rb"\(", rb"\[")
)
_VALUE_IN_JSON = re.compile(rb"""alue\\{0,9}["']\s{0,8}:""")
_NAME_OF_VALUE_IN_JSON = re.compile(rb"""(?:key|name)\\{0,9}["']\s{0,8}:""", re.IGNORECASE)
_NAMED_BESIDE = re.compile(
    r"""["'](?:key|name)\\{0,9}["']\s{0,8}:\s{0,8}\\{0,9}["']([^"'\\\n]{1,64})\\{0,9}["']\s{0,8},\s{0,8}"""
    r"""(\\{0,9}["'])value\\{0,9}["']\s{0,8}:""",
    re.IGNORECASE,
)
"""A name and a value side by side: `{"key": "password", "value": …`."""
_OPTION_IN_JSON = re.compile(rb"--[A-Za-z]")
_END_IN_JSON = re.compile(rb"<\\{0,9}/")
_ENCODED_IN_JSON = re.compile(rb"%(?:2[257]|3[ADad])")
_GAP = re.compile(r">?[ \t+]{0,8}")
_LONG_GAP = re.compile(r">?[\s+]{0,40}")
_PAIR_ENDS = re.compile(r"\s{0,8}[)\]]")
_ESCAPED = "nrtbf"
_SCHEME = re.compile(r"(?:basic|bearer|digest|token|negotiate|apikey|hmac|aws4-hmac-sha256) {1,4}(?=\S)", re.IGNORECASE)
_COOKIES = re.compile(r"""[^\s="';]{1,200}=[^\r\n"']*""")
_WORD = re.compile(r"[A-Za-z]+")
_PREVIOUS = re.compile(r"([A-Za-z]+)[ _-]{1,2}$")
_PARSED = frozenset(("unexpected", "expected", "illegal", "unrecognized", "offending"))
"""A token after one of these words is a parser's."""
_PROSE = frozenset(
    (
        *("a", "an", "the", "this", "that", "at", "to", "is", "was", "are", "were", "be", "has", "have", "had", "and"),
        *("not", "no", "none", "or", "of", "on", "in", "for", "from", "with", "must", "should", "cannot", "could"),
        *("does", "do", "did", "may", "can", "will", "would", "required", "missing", "invalid", "expired", "expected"),
        *(
            "denied",
            "failed",
            "wrong",
            "incorrect",
            "empty",
            "blank",
            "too",
            "please",
            "field",
            "path",
            "value",
            "enter",
        ),
        *("ensure", "minimum", "maximum", "length", "unauthorized", "forbidden", "unknown", "unexpected", "malformed"),
        *("str", "string", "int", "bytes", "bool", "boolean", "float", "number", "object", "any", "optional", "option"),
    )
)
"""Words that a sentence or a signature goes on with after a name and a colon."""

_OPTION = re.compile(r"""--([A-Za-z][\w\-]{0,63}+)(?:\\{0,9}["'],?)?[ \t]{1,4}(?=[^\s\-])""")
_ELEMENT = re.compile(r"<([A-Za-z][\w:.\-]{0,63})(?:\s[^<>]{0,200})?>(?:<!\[CDATA\[)?")
_END_TAG = re.compile(r"<\\{0,9}/([A-Za-z][\w:.\-]{0,63})")
_ADJACENT = re.compile(r"[^\s<]+")
_ENCODED = re.compile(r"""(?<![^\s"'<>&=?#;])[^\s"'<>&=?#;%]*+%[^\s"'<>&=?#;]*+""")
_ENCODED_SIGN = re.compile(r"%(?:2[257]|3[ADad])")
_DEEPEST_ENCODING = 3
_PARAMETER = re.compile(r"([^=&?#;\s]{1,200}+)=([^&#\s]*+)")

Found = tuple[int, int, str]
"""Where a value begins and ends, and what stands in its place."""


def without_assigned(text: str, names: Names = RULES, encoded: int = 0) -> str:
    """Return the text with the values filtered that it assigns to sensitive names.

    Args:
        text: Any text.
        names: Which names are sensitive.
        encoded: How many percent-encodings were taken off it.
    """
    if "=" in text or ":" in text or "," in text:
        text = _replaced(text, _named(text, names))
    if "alue" in text:
        text = _replaced(text, _named_beside(text, names))
    if "--" in text:
        text = _replaced(text, _options(text, names))
    if "</" in text or "<\\" in text:
        text = _replaced(text, _elements(text, names))
    if "%" in text and encoded < _DEEPEST_ENCODING and _ENCODED_SIGN.search(text):
        text = _ENCODED.sub(lambda match: _without_encoded(match[0], names, encoded + 1), text)
    return text


def without_parameters(text: str, names: Names = RULES) -> str:
    """Return a query string, form or URL with the values of sensitive parameters filtered."""
    return _PARAMETER.sub(lambda match: _filter_parameter(match, names), text) if "=" in text else text


@dataclass(frozen=True, slots=True)
class Signs:
    """What a whole event, as JSON, may assign to: its sensitive names, whether options, elements or such occur,
    and whether values whose names stand beside them."""

    names: tuple[bytes, ...]
    otherwise: bool
    named: bool

    def __bool__(self) -> bool:
        """Say whether anything may be assigned at all."""
        return self.otherwise or self.named or bool(self.names)

    def occur_in(self, data: bytes) -> bool:
        """Say, fast, whether a part of the event, as JSON, may assign something to a sensitive name."""
        if any(name in data for name in self.names):
            return True
        return (self.otherwise and _is_otherwise(data)) or (self.named and _is_named_beside(data))


def signs_in(data: bytes, names: Names = RULES) -> Signs:
    """Look through an event, as JSON, for sensitive names that something is assigned to, as a key or within a text."""
    backwards = data[::-1]
    assigned: set[bytes] = set(_COLON_IN_JSON.findall(backwards))
    if b"=" in data:
        assigned.update(_EQUALS_IN_JSON.findall(backwards))
    found = names.told_backwards(assigned)
    paired: list[bytes] = _LIST_IN_JSON.findall(data)
    if b"(" in data:
        paired += _TUPLE_IN_JSON.findall(data)
    if paired:
        found.update(name for name in paired if names.is_sensitive(name.decode("utf-8", "replace")))
    return Signs(tuple(sorted(found)), _is_otherwise(data), _is_named_beside(data))


def _is_otherwise(data: bytes) -> bool:
    # That a character is nowhere is known ten times as fast as that a pattern is.
    return (
        _OPTION_IN_JSON.search(data) is not None
        or (b"<" in data and _END_IN_JSON.search(data) is not None)
        or (b"%" in data and _ENCODED_IN_JSON.search(data) is not None)
    )


def _is_named_beside(data: bytes) -> bool:
    return _VALUE_IN_JSON.search(data) is not None and _NAME_OF_VALUE_IN_JSON.search(data) is not None


def _replaced(text: str, values: Iterator[Found]) -> str:
    """Replace values, given in their order; one within another is left out."""
    pieces: list[str] = []
    done = 0
    for begin, end, instead in values:
        if begin >= done:
            pieces += (text[done:begin], instead)
            done = end
    return "".join(pieces) + text[done:] if pieces else text


def _named_beside(text: str, names: Names) -> Iterator[Found]:
    patience = Patience(text)
    for match in _NAMED_BESIDE.finditer(text):
        found = _quoted_value(text, match.end(), match[2], patience) if names.is_sensitive(match[1]) else None
        if found:
            yield found


def _named(text: str, names: Names) -> Iterator[Found]:
    length = len(text)
    matches = [match for match in _BACKWARDS.finditer(text[::-1]) if _is_named(text, match, names)]
    done, patience = 0, Patience(text)
    for match in reversed(matches):
        start = length - match.start()
        if start < done:
            continue
        sign = match[2] or match[6]
        if sign is None:
            found = _bare_value(text, start, match, patience)
        else:
            found = _quoted_value(text, start, (match[3] or match[7] or "") + sign, patience)
            if found and match[1] == "," and not _is_pair_value(text, found):
                found = None
        if found:
            done = found[1]
            yield found


def _is_pair_value(text: str, found: Found) -> bool:
    """Say whether a value is the second and last of a list or a tuple; one in brackets is taken for it."""
    return text[found[0]] in "([{" or _PAIR_ENDS.match(text, found[1]) is not None


def _is_named(text: str, match: re.Match[str], names: Names) -> bool:
    """Say whether the name of a match, which was read backwards, is sensitive."""
    quoted = match[4] or match[8]
    if quoted:
        return names.is_sensitive(quoted[::-1])
    name = match[9][::-1]
    start = len(text) - match.end()
    if text[start - 1 : start] == "\\" and name[0] in _ESCAPED:
        name = name[1:]
    if match[1] == "=" or text[start + len(match[9]) : start + len(match[9]) + 1] == "]":
        return names.is_sensitive(name)
    return match[5] != ":" and _is_told(name, text[max(0, start - 20) : start], names)


def _is_told(name: str, before: str, names: Names) -> bool:
    """Say whether a name before a colon, maybe within a sentence, is that of a secret: an error's name is not."""
    previous = _PREVIOUS.search(before)
    if not names.ends_sensitive(name):
        return previous is not None and not names.is_kept(name) and names.is_pair(previous[1], name)
    return not (previous and previous[1].lower() in _PARSED and name.lower() == "token")


def _quoted_value(text: str, start: int, sign: str, patience: Patience) -> Found | None:
    """Return the value of a quoted name; it is replaced by a text in the quotes of the name."""
    gap = _LONG_GAP.match(text, start)
    begin = gap.end() if gap else start
    opened = opened_at(text, begin)
    if opened is None:
        end = end_of_value(text, begin, patience)
        return None if _gives_nothing(text[begin:end]) else (begin, end, f"{sign}{FILTERED}{sign}")
    inner, end = closed_at(text, opened)
    if _gives_nothing(text[opened.inside : inner]):
        return None
    mark = opened.level * "\\" + opened.quote
    return begin, end, f"{mark}{FILTERED}{mark}"


def _bare_value(text: str, start: int, match: re.Match[str], patience: Patience) -> Found | None:
    """Return the value of a name without quotes."""
    gap = _GAP.match(text, start)
    begin = gap.end() if gap else start
    opened = opened_at(text, begin)
    if opened is not None:
        inner, end = closed_at(text, opened)
        return None if _gives_nothing(text[opened.inside : inner]) else (begin, end, FILTERED)
    if match[1] == ":" and not match[5]:
        return _told_value(text, begin, match[9][::-1].lower(), patience, spaced=begin > start)
    end = end_of_value(text, begin, patience)
    value = text[begin:end]
    is_code = begin > start and value.endswith(")") and "'" not in value and '"' not in value
    return None if is_code or _gives_nothing(value) else (begin, end, FILTERED)


def _told_value(text: str, begin: int, name: str, patience: Patience, *, spaced: bool) -> Found | None:
    """Return the value after a name and a colon, as a header, a configuration or a sentence has them."""
    if text.startswith("//", begin) or (name.endswith("auth") and not spaced):
        return None
    if name.endswith("cookie"):
        cookies = _COOKIES.match(text, begin)
        if cookies:
            return begin, cookies.end(), FILTERED
    scheme = _SCHEME.match(text, begin) if name.endswith(("authorization", "auth")) else None
    if scheme:
        begin = scheme.end()
    end = end_of_value(text, begin, patience)
    value = text[begin:end]
    word = _WORD.match(value)
    if _gives_nothing(value) or (word and word[0].lower() in _PROSE and len(value.rstrip(".,:!?")) == len(word[0])):
        return None
    return begin, end, FILTERED


def _gives_nothing(value: str) -> bool:
    return is_empty(value) or value in {"{}", "[]", "()"} or value.startswith(FILTERED)


def _options(text: str, names: Names) -> Iterator[Found]:
    patience = Patience(text)
    for match in _OPTION.finditer(text):
        begin = match.end()
        opened = opened_at(text, begin)
        inside, end = (
            (opened.inside, closed_at(text, opened)[0]) if opened else (begin, end_of_value(text, begin, patience))
        )
        value = text[inside:end]
        if names.ends_sensitive(match[1]) and not _gives_nothing(value) and value.rstrip(".:").lower() not in _PROSE:
            yield inside, end, FILTERED


def _elements(text: str, names: Names) -> Iterator[Found]:
    """Find the contents of sensitive elements; one without an end reaches as far as no space does."""
    ends: dict[str, list[int]] = {}
    for end_tag in _END_TAG.finditer(text):
        ends.setdefault(end_tag[1], []).append(end_tag.start())
    done = 0
    for match in _ELEMENT.finditer(text):
        begin = match.end()
        if begin < done or not names.is_sensitive(match[1]):
            continue
        known = ends.get(match[1], [])
        index = bisect_left(known, begin)
        adjacent = _ADJACENT.match(text, begin)
        end = known[index] if index < len(known) else adjacent.end() if adjacent else begin
        if not _gives_nothing(text[begin:end].strip()):
            done = end
            yield begin, end, FILTERED


def _without_encoded(text: str, names: Names, encoded: int) -> str:
    decoded = unquote(text)
    filtered = without_assigned(decoded, names, encoded)
    return text if filtered == decoded else quote(filtered, safe="[]~!*().,:@$+/")


def _filter_parameter(match: re.Match[str], names: Names) -> str:
    name, value = match[1], match[2]
    known = unquote(name) if "%" in name else name
    filtered = names.is_sensitive(known) and FILTERED not in known and not is_empty(value)
    return f"{name}={FILTERED}" if filtered else match[0]
