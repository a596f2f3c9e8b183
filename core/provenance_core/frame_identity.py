"""What of a frame stays the same from one build, machine and browser to the next: its place and its function.

The rules follow what the runtimes generate; each constant names whose names it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from provenance_core import limits
from provenance_core.events import Frame
from provenance_core.in_app import language_of
from provenance_core.place import clean_path, is_bundle, is_web_address

_MAX_NAME = 500
_MAX_LINE = 120
_WEAK_LENGTH = 2
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
_UNKNOWN_NAMES = (
    *("?", "<unknown>", "<anonymous>", "(anonymous)", "anonymous", "[anonymous]", "<main>", "{main}"),
    *("global code", "module code", "eval code", "eval"),
)

_ADDRESS = re.compile(r"(?::|@|\+)?0x[0-9a-fA-F]+")
_PYTHON_LOCALS = re.compile(r"<locals>\.")
_RUBY_BLOCK = re.compile(r"^(?:(?:block(?: \(\d+ levels\))?|rescue|ensure|rescue in block) in )+")
_RUBY_TEMPLATE = re.compile(r"_{2,3}-?\d+_\d+$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_RUST_CLOSURE = re.compile(r"(?:::\{\{closure\}\}|::\{closure#\d+\}|::_?\{\{?constant\}?\}|::\{async_fn#\d+\})")
_GO_CLOSURE = re.compile(r"(?:\.(?:func|gowrap|deferwrap)?\d{1,6}|-range\d{1,6}|-fm){1,20}$")
_GO_TYPE_ARGUMENTS = re.compile(r"\[[^\[\]]{0,200}\]")
_PHP_CLOSURE = re.compile(r"\{closure(?::[^{}]{0,400})?\}")
_PHP_ANONYMOUS = re.compile(r"(?:class)?@anonymous.*$", re.DOTALL)
# Names that the C-sharp compiler makes: of async methods, lambdas, local functions and what they capture.
_CSHARP_GENERATED = re.compile(r"<([\w.]{1,200})>[a-z]__[\w|]{0,200}")
_CSHARP_CLOSURE = re.compile(r"[.+]?<>c(?:__DisplayClass\d{1,9}_\d{1,9})?")
_CSHARP_ARITY = re.compile(r"`\d+")
# Names on the JVM: lambdas, accessors, proxies, and the subclasses that Spring, Hibernate and Mockito make.
_JAVA_LAMBDA = re.compile(r"\$\$Lambda.*$")
_JAVA_LAMBDA_METHOD = re.compile(r"lambda\$([\w$]*?)\$\d+$")
_JAVA_ENHANCED = re.compile(
    r"\$\$(?:EnhancerBy|FastClassBy|SpringCGLIB|KeyFactoryBy)\w*(?:\$\$\w+)*|_\$\$_jvst\w+|_\$\$_javassist\w*"
    r"|\$(?:HibernateProxy|MockitoMock|ByteBuddy)\$\w+"
)
_JAVA_NUMBER = re.compile(r"(Accessor|\$Proxy|\$anonfun|\$adapted|\$lambda-|\$)\$?\d+(?=\$|\.|$)")
_SCRIPT_ALIAS = re.compile(r" \[as [^\]]*\]$")
_SCRIPT_PREFIXES = ("async ", "new ", "get ", "set ", "static ", "function ")
_SCRIPT_RECEIVER = re.compile(
    r"^(?:Object|Module|module|exports|Function|Window|window|global|globalThis|self|Proxy|_this|this|HTML\w*|_class)$"
)
_SCRIPT_GENERATED = re.compile(r"^(?:\d+|__webpack_\w+)$")


@dataclass(frozen=True, slots=True)
class FrameIdentity:
    """The lasting part of a frame; `line` is its source line, empty where there is none to rely on."""

    place: str
    function: str
    line: str


def identify(frame: Frame, platform: str | None) -> FrameIdentity | None:
    """Reduce a frame to what lasts; nothing is left of native, generated and minified ones."""
    path = (frame.file or frame.abs_path or "")[: limits.PATH]
    function, module = (frame.function or "")[:_MAX_NAME], (frame.module or "")[:_MAX_NAME]
    is_web = is_web_address(path) or is_web_address(frame.abs_path or "")
    found = _reduce(path, function, module, platform, is_web)
    if found is None:
        return None
    place, function, has_line = found
    return FrameIdentity(place, function, _clean_line(frame.context_line) if has_line else "")


# The frames of an application come again and again; reducing one costs ten times what remembering it does.
@lru_cache(maxsize=4_096)
def _reduce(path: str, function: str, module: str, platform: str | None, is_web: bool) -> tuple[str, str, bool] | None:
    """Return place, function and whether the source line is to be relied on."""
    language = language_of(path, platform)
    if path in _OUTSIDE_FILES or path.startswith(_OUTSIDE_STARTS) or (language == "javascript" and not path):
        return None
    function = _clean_function(function, language)
    if language == "javascript":
        return _reduce_script(path, function, on_server=_is_server(platform, is_web=is_web))
    if module and module != "__main__":
        place = clean_name(module, language)
    else:
        place = clean_path(path, language) if path else ""
    return (place, function, True) if place or function else None


def _reduce_script(path: str, function: str, *, on_server: bool) -> tuple[str, str, bool] | None:
    in_bundle = is_bundle(path, on_server=on_server)
    if not on_server:
        # In an original file a short name is what the source map left of a minified one.
        function = _without_short_parts(function)
    if in_bundle and not function:
        return None
    return clean_path(path, "javascript"), function, not in_bundle


def _is_server(platform: str | None, *, is_web: bool) -> bool:
    if platform is None or platform == "other":
        return not is_web
    return platform.startswith(_SERVER_SCRIPTS)


def _clean_line(line: str | None) -> str:
    if not line or len(line) > 4 * _MAX_LINE:
        return ""
    line = " ".join(line.split())
    return line if len(line) <= _MAX_LINE else ""


def clean_name(name: str, language: str | None) -> str:
    """Take what a compiler or runtime generated out of the name of a function, module or type."""
    name = name[:_MAX_NAME].strip()
    if "0x" in name:
        name = _ADDRESS.sub("", name)
    clean = _CLEANERS.get(language or "")
    return clean(name) if clean else name


def _clean_function(name: str, language: str | None) -> str:
    return "" if name in _UNKNOWN_NAMES else clean_name(name, language)


def _clean_python(name: str) -> str:
    return _PYTHON_LOCALS.sub("", name) if "<" in name else name


def _clean_ruby(name: str) -> str:
    return _RUBY_TEMPLATE.sub("", _RUBY_BLOCK.sub("", name))


def _clean_rust(name: str) -> str:
    return _RUST_CLOSURE.sub("", _RUST_HASH.sub("", name))


def _clean_go(name: str) -> str:
    return _GO_CLOSURE.sub("", _GO_TYPE_ARGUMENTS.sub("", name))


def _clean_php(name: str) -> str:
    return _PHP_ANONYMOUS.sub("@anonymous", _PHP_CLOSURE.sub("{closure}", name))


def _clean_csharp(name: str) -> str:
    name = name.partition(", Version=")[0]
    name = _CSHARP_GENERATED.sub(r"\1", _CSHARP_CLOSURE.sub("", name))
    name = _CSHARP_ARITY.sub("", name).replace("+", ".")
    return name.removesuffix("MoveNext").rstrip(".")


def _clean_java(name: str) -> str:
    if "$" not in name and "Accessor" not in name:
        return name
    name = _JAVA_LAMBDA_METHOD.sub(r"\1", _JAVA_ENHANCED.sub("", _JAVA_LAMBDA.sub("", name)))
    return _JAVA_NUMBER.sub(r"\1", name)


def _clean_script(name: str) -> str:
    name = _SCRIPT_ALIAS.sub("", name)
    for prefix in _SCRIPT_PREFIXES:
        name = name.removeprefix(prefix)
    # Firefox: `outer/inner<` is what the others call `inner`.
    name = name.rstrip("<").rpartition("/")[2].replace(".prototype.", ".")
    *receivers, last = name.split(".")
    last = "" if last in _UNKNOWN_NAMES or _SCRIPT_GENERATED.match(last) else last
    kept = [part for part in receivers if not (part in _UNKNOWN_NAMES or _SCRIPT_RECEIVER.match(part))]
    return ".".join([*kept, last]) if last or kept else ""


def _without_short_parts(name: str) -> str:
    # What a minifier leaves of `service.load` is `t.load` or `t.e`.
    *receivers, last = name.split(".")
    kept = [part for part in receivers if len(part) > _WEAK_LENGTH]
    last = last if len(last) > _WEAK_LENGTH else ""
    return ".".join([*kept, last]) if last or kept else ""


_CLEANERS: dict[str, Callable[[str], str]] = {
    "python": _clean_python,
    "ruby": _clean_ruby,
    "rust": _clean_rust,
    "go": _clean_go,
    "php": _clean_php,
    "csharp": _clean_csharp,
    "java": _clean_java,
    "javascript": _clean_script,
}
