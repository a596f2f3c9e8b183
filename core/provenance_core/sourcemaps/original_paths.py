"""What people call an original file: the path in their project, without what bundlers put around it."""

from __future__ import annotations

import re

MAX_PATH = 4096
"""Characters of a source's name that are read."""

_BUNDLERS = ("webpack", "webpack-internal", "turbopack", "rspack")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{1,30}):/{0,2}")
# Next.js puts the layer of a module in brackets before it; `(webpack)` is a directory of webpack itself.
_LAYER = re.compile(r"\((?!webpack\))[\w-]{1,40}\)/")
_PROJECT = re.compile(r"\[project\]/")
# Sentry's plugins take `webpack://` away before they upload. What is left, a namespace and `/./`, no other path has.
_WITHOUT_SCHEME = re.compile(r"(?:@[^/:]+/)?(?:[^/:.][^/:]*)?/(?:\([\w-]{1,40}\)/)?\./")
# Turbopack tells two versions of a module apart: `page.tsx [app-client] (ecmascript)`.
_VARIANT = re.compile(r" [\[(<][^/]{0,200}$")
_DRIVE = re.compile(r"/?([a-zA-Z]:/)")
_PACKAGES = "node_modules/"


def original_path(source: str) -> str:
    """Return the path by which people know an original file.

    Args:
        source: What a source map calls it: `webpack://shop/./src/cart.ts?1a2b`, `../../src/cart.ts`.
    """
    # Loaders stand before a module with marks of exclamation, and NUL before what a plugin of Rollup made up.
    name = source[:MAX_PATH].replace("\\", "/").replace("\0", "").rpartition("!")[2].partition("?")[0]
    match = _SCHEME.match(name)
    scheme = match[1].lower() if match else ""
    path = name[match.end() :] if match else name
    if scheme in _BUNDLERS or (not scheme and _WITHOUT_SCHEME.match(path)):
        path = _in_bundle(path)
    elif scheme == "file":
        path = "/" + path.lstrip("/") if path.startswith("/") else path
    elif "://" in name[:40]:
        path = path.partition("/")[2] or path
    return _tidy(path.removeprefix("/@fs"), absolute=path.startswith("/") and scheme in ("", "file"))


def _in_bundle(path: str) -> str:
    """Drop the namespace, which may be the name of a scoped package, and the layer."""
    before, dot, after = path.partition("/./")
    if dot and before.count("/") <= 1:
        path = after
    elif path.startswith("@"):
        path = path.split("/", 2)[-1]
    elif not path.startswith(("[", "(", "/", ".")):
        path = path.partition("/")[2] or path
    path = _VARIANT.sub("", path.lstrip("/"))
    return _PROJECT.sub("", _LAYER.sub("", path, count=1), count=1)


def _tidy(path: str, absolute: bool) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append("node_modules" if part == "~" else part)  # as webpack 1 wrote it
    tidy = "/".join(parts)
    at = ("/" + tidy).find("/" + _PACKAGES)
    if at >= 0:
        return tidy[at:]
    drive = _DRIVE.match(tidy)
    if drive:
        return tidy[drive.start(1) :]
    return "/" + tidy if absolute and tidy else tidy
