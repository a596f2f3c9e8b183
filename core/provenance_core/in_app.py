"""Whose code a frame is: the application's, or a library's or runtime's."""

from __future__ import annotations

import re
from functools import lru_cache

from provenance_core import limits

_LIBRARY_PATH = re.compile(
    r"""
    (?:^|/)(?:site-packages|dist-packages|node_modules|bower_components|vendor)/   # installed packages
    | (?:^|/)lib(?:64)?/python\d                                                   # Python's standard library
    | (?:^|/)Python\d+/Lib/
    | ^<frozen\ | ^<internal: | ^\[internal
    | ^node: | ^internal/ | ^ext: | ^bun: | ^(?:file://)?/var/runtime/
    | ^https://(?:deno\.land|jsr\.io|esm\.sh|unpkg\.com|cdn\.jsdelivr\.net|cdnjs\.cloudflare\.com)/  # hosts of packages
    | (?:^|/)webpack/(?:runtime|bootstrap|startup) | ^\(webpack\)
    | ^<anonymous> | ^native$ | ^\[native\ code\]$ | ^wasm://
    | ^[\w-]{1,40}-extension:/ | ^webkit-masked-url: | ^resource://
    | (?:^|/)(?:gems|\.bundle|lib/ruby/\d[\d.]*|usr/lib/ruby)/                     # Ruby
    | (?:^|/)pkg/mod/ | (?:^|/)usr/(?:local|lib)/go(?:-[\d.]+)?/src/ | (?:^|/)libexec/src/
    | (?:^|/)go/(?:[\d.]+/)?(?:x64/)?src/(?:runtime|net|testing|reflect|sync|internal|encoding|os|io)/
    | (?:^|/)rustc/ | (?:^|/)\.?cargo/(?:registry|git)/ | (?:^|/)library/(?:std|core|alloc)/src/
    """,
    re.VERBOSE,
)
_JVM = (
    "java. javax. jakarta. jdk. sun. com.sun. kotlin. kotlinx. scala. groovy. clojure. android. "
    "androidx. dalvik. com.android. com.google.android. com.fasterxml. com.zaxxer. ch.qos. "
    "io.micronaut. io.netty. io.quarkus. junit. okhttp3. org.apache. org.codehaus. org.eclipse. "
    "org.gradle. org.hibernate. org.jboss. org.junit. org.mockito. org.postgresql. org.slf4j. "
    "org.springframework. reactor. retrofit2."
)
_DOTNET = "System. Microsoft. Interop. MS.Internal. Windows."
_GO = (
    "bufio. bytes. context. database/sql crypto/ encoding/ fmt. internal/ io. log. net. net/ os. "
    "reflect. regexp. runtime. runtime/ sort. strconv. strings. sync. sync/ syscall. testing. time."
)
_RUST = (
    "std:: core:: alloc:: rust_begin_unwind __rust_ __rustc:: test::run_test backtrace:: _start __libc_start "
    "actix_rt:: async_std:: futures_core:: futures_util:: hyper:: rayon_core:: tokio:: tower:: tracing::"
)
_PYTHON = "asyncio. concurrent.futures. importlib. threading. multiprocessing."
_LIBRARY_NAMES: dict[str, tuple[str, ...]] = {
    "java": tuple(_JVM.split()),
    "csharp": tuple(_DOTNET.split()),
    "go": tuple(_GO.split()),
    "rust": tuple(_RUST.split()),
    "python": tuple(_PYTHON.split()),
}
# Before version 16, Node named its own files without a scheme: `internal/timers.js`, `events.js`.
_SCRIPT_RUNTIME = re.compile(
    r"(?:node|bun|ext|internal):|internal/"
    r"|(?:_(?:http|stream|tls)_\w{1,20}|bootstrap_node|buffer|child_process|dgram|dns|domain|events|fs|http|https|module|net"
    r"|stream|timers|tls|vm|zlib)\.js$"
)
_LANGUAGES = {
    "py": "python",
    "java": "java",
    "kt": "java",
    "scala": "java",
    "groovy": "java",
    "clj": "java",
    "cs": "csharp",
    "fs": "csharp",
    "vb": "csharp",
    "go": "go",
    "rs": "rust",
    "rb": "ruby",
    "erb": "ruby",
    "php": "php",
    "js": "javascript",
    "cjs": "javascript",
    "mjs": "javascript",
    "jsx": "javascript",
    "ts": "javascript",
    "cts": "javascript",
    "mts": "javascript",
    "tsx": "javascript",
    "vue": "javascript",
    "svelte": "javascript",
    "html": "javascript",
    "bundle": "javascript",
    "jsbundle": "javascript",
}
_PLATFORMS = {"node": "javascript", "native": "rust", "dotnet": "csharp", "kotlin": "java", "android": "java"}


def language_of(file: str | None, platform: str | None) -> str | None:
    """Name the language of a frame: by its file's ending, else by the event's platform."""
    if file:
        ending = file[-200:].partition("?")[0].rpartition(".")[2].lower()
        if ending in _LANGUAGES:
            return _LANGUAGES[ending]
    return None if platform is None else _language_of_platform(platform[: limits.PLATFORM])


@lru_cache(maxsize=64)
def _language_of_platform(platform: str) -> str:
    first = platform.lower().partition("-")[0]
    return _PLATFORMS.get(first, first)


def is_script_runtime(path: str) -> bool:
    """Tell whether a script is part of Node, Deno or Bun: no program is told from another by those."""
    return _SCRIPT_RUNTIME.match(path) is not None


def is_in_app(
    *,
    file: str | None,
    abs_path: str | None = None,
    module: str | None = None,
    function: str | None = None,
    platform: str | None = None,
) -> bool:
    """Decide whether a frame is the application's own code."""
    for path in (file, abs_path):
        if path and _LIBRARY_PATH.search(path[: limits.PATH].replace("\\", "/")):
            return False
    language = language_of(file or abs_path, platform)
    if language == "javascript" and is_script_runtime(file or abs_path or ""):
        return False
    if not (file or abs_path or module):
        return (
            bool(function) and language not in (None, "javascript", "php") and not _is_library_name(function, language)
        )
    return not (_is_library_name(module, language) or _is_library_name(function, language))


def _is_library_name(name: str | None, language: str | None) -> bool:
    if not name:
        return False
    name = name.lstrip("<*(") + "."
    if language is None:
        return name.startswith((*_LIBRARY_NAMES["java"], *_LIBRARY_NAMES["csharp"]))
    return name.startswith(_LIBRARY_NAMES.get(language, ("\0",)))
