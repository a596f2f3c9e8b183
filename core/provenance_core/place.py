"""Where a source file lies, without what differs between machines, builds and deployments."""

from __future__ import annotations

import re

from provenance_core import limits

_PAGE = "<page>"
_WEBPACK = re.compile(r"^(?:webpack(?:-internal)?|turbopack|rollup|vite)://[^/]*/(?:\([\w-]{1,40}\)/)?", re.IGNORECASE)
_RELATIVE_SCHEME = re.compile(r"^(?:app|ng|meteor):/{0,3}")  # stands for the page's own address
_URL = re.compile(r"^(?:~|file://|[a-z][a-z0-9+.-]{1,30}://[^/]*)(?=/|$)", re.IGNORECASE)
_WEB = re.compile(r"^(?:~/|(?:https?|capacitor|ionic|tauri)://)", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:/")
_PACKAGES = re.compile(r"(?:^|/)(?:site-packages|dist-packages|node_modules|pkg/mod|gems|registry/src/[^/]+)/")
_VERSION = re.compile(r"[@-]v?\d{1,9}(?:\.\d{1,9}){1,4}[\w.+-]{0,40}(?=/)")
_NOTEBOOK = re.compile(r"^<ipython-input-|ipykernel_\d+[/\\]")
# Ruby 3.3 writes where `eval` was called into the name of what it evaluates; templates compiled to PHP are named by a
# hash, and the folder of Symfony's container has one.
_EVALUATED = re.compile(r"^\(eval at (.{1,900}):\d{1,9}\)$")
_COMPILED = re.compile(r"(?:^|(?<=/))[0-9a-f]{32,64}(?=\.php$)|(?:^|(?<=/))Container\w{7}(?=/)")
_SCRIPT = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|(?:js)?bundle|hbc|wasm)$", re.IGNORECASE)
_ORIGINAL = re.compile(r"\.(?:[cm]?tsx?|jsx|vue|svelte)$", re.IGNORECASE)

# Bundlers put a content hash into a file's name: `app.3f2a9c1b.js`, `index-BkQZ3lPm.js`, `_app-1f2e3d.js`.
_HEX_HASH = re.compile(r"[.\-_~](?=[a-f]{0,64}\d)[0-9a-f]{6,64}(?=[.\-]|$)", re.IGNORECASE)
_BASE64_HASH = re.compile(r"[.\-_~]([A-Za-z0-9_-]{8})(?=\.)")
# Vite and Rollup write `assets/[name]-[hash].js`: there, eight characters that are no lower-case word are a hash.
_ASSET_HASH = re.compile(r"(?<=/assets/)([\w.-]{0,100})-(?![a-z]{8}\.)[A-Za-z0-9_-]{8}(?=\.[cm]?js$)")
_NUMBERED = re.compile(r"^\d+(?=[.\-])")
_WHOLE_HASH = re.compile(r"^(?=[a-f]{0,64}\d)[0-9a-f]{8,64}(?=\.)", re.IGNORECASE)

# Names so common that only the folder says which file it is.
_COMMON_STEM = re.compile(
    r"(?:__init__|__main__|api|app|base|client|common|config|controller|controllers|core|handler"
    r"|handlers|helper|helpers|index|init|layout|lib|main|middleware|mod|model|models|page|route"
    r"|router|routes|schema|serializers|server|service|services|setup|store|task|tasks|test|types|util"
    r"|utils|view|views|worker)$"
)
# Folders that say nothing about the file, or are the root of an installation.
_ROOT_NAME = re.compile(
    r"(?:app|assets|bin|build|bundle|chunks|cjs|code|current|dist|esm|htdocs|html|http_root|js|lib|out"
    r"|project|public|release|releases|repo|root|server|source|src|srv|static|task|web|webapp|work"
    r"|workspace|www|wwwroot)$"
)
_ROOT_FOLDER = re.compile(
    r"(?:/(?:home|Users)/[^/]+(?:/[^/]+)?|/(?:root|srv|opt|tmp|mnt|data|workspaces?|builds|app)/[^/]+"
    r"|/var/(?:www|task|lib|app)(?:/[^/]+)?|/usr/(?:src|local)/[^/]+|/[^/]*)$",
    re.IGNORECASE,
)
_PROJECT_HASH = re.compile(r"^(?:v?\d[\d._-]*|(?=[a-f]*\d)[0-9a-f]{7,64}|[0-9TZ._-]{6,})$", re.IGNORECASE)


def clean_path(path: str, language: str | None) -> str:
    """Reduce a path to what names the file in the project.

    A relative path stays; of an absolute one, whose beginning belongs to the machine, the file's name is kept,
    with its folder where the name alone is common (`orders/index.js`).
    """
    path = path[: limits.PATH].replace("\\", "/")
    if _NOTEBOOK.search(path):
        return "<notebook>"
    if path.startswith("<"):
        return path
    if (evaluated := _EVALUATED.match(path)) is not None:
        return f"(eval at {clean_path(evaluated[1], language)})"
    if language == "php":
        path = _COMPILED.sub("<compiled>", path)
    return _clean_script(path.partition("?")[0]) if language == "javascript" else _clean_file(path)


def _clean_script(path: str) -> str:
    original = _WEBPACK.sub("", path)
    if original != path:
        return _relative(original)
    if _URL.match(path) and not _SCRIPT.search(_without_root(path)) and not _RELATIVE_SCHEME.match(path):
        return _PAGE
    folder, slash, name = _ASSET_HASH.sub(r"\1", path).rpartition("/")
    return _clean_file(f"{folder}{slash}{_hashless(name)}")


def _clean_file(path: str) -> str:
    bare = _without_root(path)
    packages = [found.end() for found in _PACKAGES.finditer(bare)]
    if packages:
        return _VERSION.sub("", bare[packages[-1] :])
    return _absolute(bare) if bare.startswith("/") else _relative(bare)


def _without_root(path: str) -> str:
    return _DRIVE.sub("/", _URL.sub("", _RELATIVE_SCHEME.sub("/", path)))


def is_web_address(path: str) -> bool:
    """Tell whether a file was loaded by a browser."""
    return _WEB.match(path) is not None


def is_bundle(path: str, *, on_server: bool) -> bool:
    """Tell whether a script is what a bundler made: in a browser any is, unless its name is a source's."""
    path = path.partition("?")[0]
    if _WEBPACK.match(path) or _ORIGINAL.search(path):
        return False
    name = path.replace("\\", "/").rpartition("/")[2]
    if ".min." in name or ".bundle" in name or ".chunk." in name or _hashless(name) != name:
        return True
    return not on_server


def _relative(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    for index in range(len(parts) - 1):
        if parts[index] == "releases":
            return "/".join(parts[index + 2 :])
    return "/".join(parts)


def _absolute(path: str) -> str:
    folder, _, name = path.rpartition("/")
    parent = folder.rpartition("/")[2]
    says_nothing = _ROOT_NAME.match(parent) or _PROJECT_HASH.match(parent) or _ROOT_FOLDER.match(folder)
    if says_nothing or not _COMMON_STEM.match(name.partition(".")[0]):
        return name
    return f"{parent}/{name}"


def _hashless(name: str) -> str:
    """Take the content hash out of a bundle's file name, and the number of a numbered chunk."""
    name = _WHOLE_HASH.sub("<hash>", name)
    name = _HEX_HASH.sub("", name)
    name = _BASE64_HASH.sub(lambda found: "" if _is_random(found[1]) else found[0], name)
    return _NUMBERED.sub("<n>", name)


def _is_random(text: str) -> bool:
    """Tell a hash in base64 from a word of the same length: `version2` and `UserCard` are words."""
    upper = sum(character.isupper() for character in text)
    lower = sum(character.islower() for character in text)
    has_inner_digit = any(character.isdigit() for character in text.rstrip("0123456789"))
    return has_inner_digit or (upper >= 3 and lower >= 1)
