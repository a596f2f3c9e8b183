"""How scripts, source maps and the paths of frames refer to one another, with and without debug ids.

Comments: ECMA-426, "Linking generated code to source maps". Names with `~` for any host, and the order in which they
are tried: Sentry's release artifacts. Nothing here is quadratic, whatever a script or a map holds.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from provenance_core.sourcemaps.limits import MAX_MAP_BYTES
from provenance_core.sourcemaps.original_paths import original_path as original_path  # noqa: PLC0414 - offered here too

MAX_PATH = 4096
"""Characters of a path or URL above which it is none."""

_TAIL = 32 * 1024
_LINE_END = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_MAP_KEY = "sourceMappingURL="
_ID_KEY = "debugId="
_MARKS = ("//#", "//@", "/*#", "/*@")
_INJECTED = "sentry-dbid-"
_MAX_INJECTED = 16
_UUID_LENGTH = 36
_DEBUG_ID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})")
_NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class ScriptReferences:
    """What a script says of its source map.

    Attributes:
        source_map_url: Where the map is, as it is written; a `data:` URL where the map is in the script.
        debug_id: The id that the script shares with its map, in its canonical form.
    """

    source_map_url: str | None
    debug_id: str | None


def read_script(text: str) -> ScriptReferences:
    """Read the comments at the end of a script or style sheet, from the last line backwards to the last code.

    A debug id without a comment is taken from the statement that Sentry's bundler plugins put before the code.
    """
    url: str | None = None
    debug_id: str | None = None
    in_comment = False
    for line in _last_lines(text):
        url = url or _value(line, _MAP_KEY)
        debug_id = debug_id or parse_debug_id(_value(line, _ID_KEY))
        stripped = line.strip()
        if in_comment:
            in_comment = not stripped.startswith("/*")
        elif stripped.endswith("*/") and "/*" not in stripped:
            in_comment = True
        elif not _is_comment(stripped):
            break
    return ScriptReferences(url, debug_id or _injected_debug_id(text))


def inline_map(url: str) -> bytes | None:
    """Return the map that a `data:` URL holds, or None where it is none or longer than a map may be."""
    head, comma, body = url.partition(",")
    if not comma or head[:5].lower() != "data:" or len(body) > 3 * MAX_MAP_BYTES:
        return None
    data = unquote_to_bytes(body)
    if head.lower().endswith(";base64"):
        try:
            data = binascii.a2b_base64(data + b"=" * (-len(data) % 4))
        except binascii.Error:
            return None
    return data if len(data) <= MAX_MAP_BYTES else None


def map_debug_id(document: Mapping[str, Any]) -> str | None:
    """Return the debug id of a map; `debug_id` is what tools that change maps write, and wins over `debugId`."""
    return parse_debug_id(document.get("debug_id")) or parse_debug_id(document.get("debugId"))


def parse_debug_id(text: object) -> str | None:
    """Return a debug id in lower case with dashes; None where it is no UUID, be it without dashes or in braces."""
    if not isinstance(text, str) or len(text) > 2 * _UUID_LENGTH:
        return None
    text = text.strip().lower()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    match = _DEBUG_ID.fullmatch(text)
    debug_id = "-".join(match.groups()) if match else _NO_ID
    return None if debug_id == _NO_ID else debug_id


def joined(script_name: str, reference: str) -> str | None:
    """Return the name of the map that a script refers to, or None where that names no other file.

    Args:
        script_name: The script's name or URL: `~/static/app.js`, `https://example.com/app.js`, `dist/app.js`.
        reference: What its comment or header says: a URL, an absolute or a relative path.
    """
    reference = _without_query(reference.strip()).replace("\\", "/")
    script = _without_query(script_name.strip()).replace("\\", "/")
    if not reference or max(len(reference), len(script)) > MAX_PATH or reference[:5].lower() == "data:":
        return None
    root, path = _rooted(script)
    other_root, other_path = _rooted(reference)
    if other_root == "//":
        host, _, other_path = other_path.partition("/")
        scheme = root.partition("//")[0] if "://" in root else "https:"
        return f"{scheme}//{host}/{_resolved(other_path)}"
    if other_root not in ("", "/"):
        return None if other_root.endswith(":") else other_root + _resolved(other_path)
    if root.endswith(":"):
        return None
    if other_root == "/":
        return (root or "/") + _resolved(other_path)
    return root + _resolved(path.rpartition("/")[0] + "/" + other_path)


def url_candidates(path: str) -> tuple[str, ...]:
    """Return the names under which the script of a frame may have been uploaded, the likeliest first.

    What a browser percent-encodes (`/chunks/%5Bid%5D.js`) has its name on disk, too.

    Args:
        path: The path or URL of the frame.
    """
    names = _url_names(path)
    return tuple(dict.fromkeys((*names, *_url_names(unquote(path))))) if "%" in path else names


def _url_names(path: str) -> tuple[str, ...]:
    full = path.removeprefix("async ").partition("#")[0]
    if not full or len(full) > MAX_PATH or full.startswith("<"):
        return ()
    names = [full, full.partition("?")[0]]
    slashed = full.replace("\\", "/")
    if slashed != full:
        names += [slashed, slashed.partition("?")[0]]
    root, rest = _rooted(slashed)
    if not root.endswith(":"):
        before, mark, query = _anchored(root, rest).partition("?")
        anyhost = "~/" + _resolved(before)
        names += [anyhost + mark + query, anyhost]
    return tuple(dict.fromkeys(name for name in names if name != "~/"))


def suffix_candidates(path: str) -> tuple[str, ...]:
    """Return the names of a frame's script, had it been uploaded from a deeper directory: longest first, at most 16."""
    slashed = unquote(_without_query(path.removeprefix("async "))).replace("\\", "/")
    root, rest = _rooted(slashed)
    if not slashed or len(slashed) > MAX_PATH or slashed.startswith("<") or root.endswith(":"):
        return ()
    parts = [part for part in _resolved(_anchored(root, rest)).split("/") if part]
    return tuple("~/" + "/".join(parts[first:]) for first in range(max(0, len(parts) - 16), len(parts)))


def _last_lines(text: str) -> list[str]:
    """Return the last lines, last first; the first of them whole, however long it is."""
    cut = max(0, len(text) - _TAIL)
    lines = _LINE_END.split(text[cut:])
    if cut:
        start = max(text.rfind(end, 0, cut) for end in "\n\r\u2028\u2029") + 1
        lines[0] = text[start:cut] + lines[0]
    return lines[::-1]


def _is_comment(line: str) -> bool:
    if not line or line.startswith("//"):
        return True
    return line.startswith("/*") and line.find("*/") == len(line) - 2


def _value(line: str, key: str) -> str | None:
    """Return what the last comment of a line sets a key to; None where it is text in a string of the code."""
    at = line.rfind(key)
    if at < 0:
        return None
    mark = line[max(0, at - 100) : at].rstrip()[-3:]
    if mark not in _MARKS:
        return None
    value = line[at + len(key) :]
    if mark.startswith("/*"):
        value = value.partition("*/")[0]
    value = value.strip()
    if not value or any(character in value for character in "\"'` \t"):
        return None
    return value


def _injected_debug_id(text: str) -> str | None:
    at = 0
    for _ in range(_MAX_INJECTED):
        at = text.find(_INJECTED, at)
        if at < 0:
            break
        at += len(_INJECTED)
        debug_id = parse_debug_id(text[at : at + _UUID_LENGTH])
        if debug_id is not None:
            return debug_id
    return None


def _without_query(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _rooted(name: str) -> tuple[str, str]:
    """Split off what a path cannot leave: `https://host/`, `app:///`, `~/`, `C:/`, `//`, `/`; "" where it is relative.

    A root that ends in a colon is of an address without a path, such as `blob:` and `node:`.
    """
    for root in ("~/", "//", "/"):
        if name.startswith(root):
            return root, name[len(root) :]
    scheme, colon, rest = name.partition(":")
    if not colon or not scheme.replace("-", "").replace("+", "").replace(".", "").isalnum():
        return "", name
    if len(scheme) == 1:
        return f"{scheme}:/", rest.lstrip("/")
    if not rest.startswith("//"):
        return f"{scheme}:", rest
    host, _, path = rest[2:].partition("/")
    return f"{scheme}://{host}/", path


def _anchored(root: str, rest: str) -> str:
    """Return the path below any host; a drive is part of it, and so is a host that is a file's name."""
    if "://" not in root:
        return root + rest if root.endswith(":/") else rest
    host = root.partition("://")[2][:-1]
    return rest or ("" if root.startswith("http") else host)


def _resolved(path: str) -> str:
    """Resolve `.` and `..`, which never leads above the root."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
