"""What of a frame stays the same from one build, machine and browser to the next: its place and its function.

The rules follow what the runtimes generate; each constant names whose names it is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from provenance_core import limits
from provenance_core.events import Frame, FrameSource
from provenance_core.frame_names import MAX_NAME, clean_function, clean_name, is_obfuscated, last_part
from provenance_core.in_app import is_script_runtime, language_of
from provenance_core.place import clean_path, is_bundle, is_web_address

_MAX_LINE = 120
_REMEMBERED_LENGTH = 600
_SERVER_SCRIPTS = ("node", "bun", "deno")
_OUTSIDE_FILES = (
    "native",
    "[native code]",
    "[wasm code]",
    "[internal]",
    "<anonymous>",
    "[internal function]",
)
_OUTSIDE_STARTS = ("eval at ", "eval code", "webpack/", "evalmachine.", "wasm://", "blob:", "data:")
# Older compilers reach a private member of a nested class through a method of their own.
_JAVA_ACCESSOR = re.compile(r"^access\$\w*$")
_OBFUSCATED_FILES = ("", "SourceFile", "PG", "Unknown Source", "R8$$SyntheticClass")


@dataclass(frozen=True, slots=True)
class FrameIdentity:
    """The lasting part of a frame: its place and its function; whether its source line is to be relied on."""

    key: tuple[str, str]
    has_line: bool


def identify(frame: Frame, platform: str | None) -> FrameIdentity | None:
    """Reduce a frame to what lasts; nothing is left of native, generated and minified ones."""
    path, absolute = frame.file or frame.abs_path or "", frame.abs_path or ""
    function, module = frame.function or "", frame.module or ""
    # Only names of usual length are kept, so that what is remembered has a bound in bytes.
    is_usual = len(path) + len(absolute) + len(function) + len(module) < _REMEMBERED_LENGTH
    if frame.source is FrameSource.ARTIFACT:
        return (_remembered_original if is_usual else _reduce_original)(path, function)
    return (_remembered if is_usual else _reduce)(path, absolute, function, module, platform)


def clean_line(line: str | None) -> str:
    """Return a source line without its indentation; nothing where it is too long to be code that people wrote."""
    if not line or len(line) > 4 * _MAX_LINE:
        return ""
    line = " ".join(line.split())
    return line if len(line) <= _MAX_LINE else ""


def _reduce(path: str, absolute: str, function: str, module: str, platform: str | None) -> FrameIdentity | None:
    path, function, module = path[: limits.PATH], function[:MAX_NAME], module[:MAX_NAME]
    language = language_of(path, platform)
    if path in _OUTSIDE_FILES or path.startswith(_OUTSIDE_STARTS):
        return None
    if language == "javascript":
        is_web = is_web_address(path) or is_web_address(absolute[: limits.PATH])
        return _reduce_script(path, function, on_server=_is_server(platform, is_web=is_web))
    function = clean_function(function, language)
    if language == "java" and (_JAVA_ACCESSOR.match(function) or path in _OBFUSCATED_FILES):
        return _reduce_generated_java(clean_name(module, language), function)
    if module and module != "__main__":
        place = clean_name(module, language)
    else:
        place = clean_path(path, language) if path else ""
    return FrameIdentity((place, function), has_line=True) if place or function else None


def _reduce_original(path: str, function: str) -> FrameIdentity:
    """Reduce a frame that a source map resolved: its file is one that people wrote, whatever it is called."""
    return FrameIdentity((clean_path(path, None), clean_function(function, "javascript")), has_line=True)


# The frames of an application come again and again; reducing one costs ten times what remembering it does.
_remembered = lru_cache(maxsize=4_096)(_reduce)
_remembered_original = lru_cache(maxsize=4_096)(_reduce_original)


def _reduce_script(path: str, function: str, *, on_server: bool) -> FrameIdentity | None:
    if not path or is_script_runtime(path):
        return None
    function = clean_function(function, "javascript")
    in_bundle = is_bundle(path, on_server=on_server)
    if not on_server:
        # In an original file a short name is what the source map left of a minified one.
        function = last_part(function)
    if in_bundle and not function:
        return None
    return FrameIdentity((clean_path(path, "javascript"), function), has_line=not in_bundle)


def _reduce_generated_java(module: str, function: str) -> FrameIdentity | None:
    if _JAVA_ACCESSOR.match(function):
        return None
    # ProGuard and R8 take the file and give letters to classes and functions, anew in each build.
    place = "" if is_obfuscated(module) else module
    function = "" if is_obfuscated(function) and not place else function
    return FrameIdentity((place, function), has_line=True) if place or function else None


def _is_server(platform: str | None, *, is_web: bool) -> bool:
    if platform is None or platform == "other":
        return not is_web
    return platform.startswith(_SERVER_SCRIPTS)
