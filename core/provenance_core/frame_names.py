"""Names of functions, modules and types without what a compiler or runtime generated into them.

Each constant says whose names it is about; `docs/grouping.md` has the reasons, `tests/data/pairs` the cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_NAME = 500
_WEAK_LENGTH = 2
_UNKNOWN_NAMES = frozenset(
    (
        *("?", "<unknown>", "<anonymous>", "(anonymous)", "anonymous", "[anonymous]", "<main>", "{main}"),
        *("global code", "module code", "eval code", "eval", "<computed>"),
        *("<instance_members_initializer>", "<static_initializer>"),
    )
)

_ADDRESS = re.compile(r"(?::|@|\+)?0x[0-9a-fA-F]+")
_PYTHON_LOCALS = re.compile(r"<locals>\.")
# `block (2 levels) in`, `rescue in block in`; from Ruby 3.4 the class stands before the method: `Order#load`.
_RUBY_BLOCK = re.compile(r"^(?:(?:block(?: \(\d+ levels\))?|rescue|ensure) in ){1,9}")
_RUBY_CLASS = re.compile(r"^(?:#<Class:)?[A-Z]\w{0,100}(?:::[A-Z]\w{0,100}){0,9}>?[#.](?=[^\s.#]{1,200}$)")
_RUBY_TEMPLATE = re.compile(r"_{2,3}-?\d+_\d+$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_RUST_NUMBERED = re.compile(r"::_?\{(?:\{[\w-]{1,40}\}|[\w-]{1,40}(?:#\d{1,9})?)\}")
_RUST_ARGUMENTS = re.compile(r"(?:::|(?<=\w))<[^<>]{0,300}>")
_GO_CLOSURE = re.compile(r"(?:\.(?:func|gowrap|deferwrap)?\d{1,6}|-range\d{1,6}|-fm){1,20}$")
_GO_TYPE_ARGUMENTS = re.compile(r"\[[^\[\]]{0,200}\]")
_PHP_CLOSURE = re.compile(r"\{closure(?::[^{}]{0,400})?\}")
_PHP_ANONYMOUS = re.compile(r"(?:class)?@anonymous.*$", re.DOTALL)
# Symfony compiles its container into a namespace with a hash.
_PHP_CONTAINER = re.compile(r"^Container\w{7}(?=\\)")
# Names that the C-sharp compiler makes: of async methods, lambdas, local functions and what they capture.
_CSHARP_ENTRY = re.compile(r"<(\w{1,100})>\$")
_CSHARP_GENERATED = re.compile(r"<([\w.]{1,200})>[a-z](?:__[\w|]{0,200})?(?=[.+<>]|$)")
_CSHARP_CLOSURE = re.compile(r"[.+]?<>c(?:__DisplayClass\d{1,9}_\d{1,9})?(?=[.+<]|$)")
_CSHARP_ARITY = re.compile(r"`\d+")
_CSHARP_DYNAMIC = re.compile(r"(?<=lambda_method)\d+")
# Closures of F# carry their line: `load@17-1`; those of Visual Basic are numbered.
_FSHARP_CLOSURE = re.compile(r"@\d{1,9}(?:-\d{1,9})?")
_BASIC_CLOSURE = re.compile(r"(?<=_Closure\$__)\d[\d-]*|(?<=_Lambda\$__)\w+")
# Names on the JVM: lambdas, accessors, proxies, and the subclasses that Spring, Guice, Hibernate and Mockito make.
_JAVA_LAMBDA = re.compile(r"\$\$Lambda.*$")
_JAVA_LAMBDA_METHOD = re.compile(r"lambda\$([\w$]*?)\$\d+$")
_KOTLIN_LAMBDA = re.compile(r"\$lambda[-$]\d+(?=\$|$)")
_SCALA_LAMBDA = re.compile(r"\$anonfun\$([\w$]*?)\$\d+(?:\$adapted)?$")
_JAVA_ENHANCED = re.compile(
    r"\$\$(?:EnhancerBy|FastClassBy|SpringCGLIB|KeyFactoryBy)\w*(?:\$\$\w+)*|_\$\$_jvst\w+|_\$\$_javassist\w*"
    r"|\$(?:HibernateProxy|MockitoMock|ByteBuddy)\$\w+"
)
_JAVA_NUMBER = re.compile(r"(Accessor|\$Proxy|\$anonfun|\$adapted|\$)\$?\d+(?=\$|\.|$)")
# Closures of Groovy, and functions that Clojure's reader numbers.
_JAVA_CLOSURE = re.compile(r"(?<=_closure)\d+|(?<=\$fn__)\d+|(?<=\$eval)\d+|(?<=\$reify__)\d+")
_SCRIPT_ALIAS = re.compile(r" \[as [^\]]*\]$")
_SCRIPT_PREFIX = re.compile(r"^(?:(?:async|new|get|set|static|function) ){1,4}")
_SCRIPT_RECEIVER = re.compile(
    r"^(?:Object|Module|module|exports|Function|Window|window|global|globalThis|self|Proxy|_this|this|HTML\w*|_class)$"
)
_SCRIPT_GENERATED = re.compile(r"^(?:\d+|__webpack_\w+)$")


def clean_name(name: str, language: str | None) -> str:
    """Take what a compiler or runtime generated out of the name of a function, module or type."""
    name = name[:MAX_NAME].strip()
    if "0x" in name:
        name = _ADDRESS.sub("", name)
    clean = _CLEANERS.get(language or "")
    return clean(name) if clean else name


def clean_function(name: str, language: str | None) -> str:
    """Do the same for a function; nothing is left of the names that engines give to what has none."""
    return "" if name in _UNKNOWN_NAMES else clean_name(name, language)


def last_part(name: str) -> str:
    """Return the name of a browser's function without its receiver, and nothing of what a minifier named.

    Of a method Chrome says `CartStore.load`, Firefox and Safari `load`; what is left of it minified is `t.e`.
    """
    last = name.rpartition(".")[2]
    return last if len(last) > _WEAK_LENGTH else ""


def is_obfuscated(name: str) -> bool:
    """Tell whether a class or function of the JVM has the name that ProGuard and R8 give: `a`, `b$c`."""
    return all(len(part) <= _WEAK_LENGTH for part in name.rpartition(".")[2].split("$"))


def _clean_python(name: str) -> str:
    return _PYTHON_LOCALS.sub("", name) if "<" in name else name


def _clean_ruby(name: str) -> str:
    return _RUBY_CLASS.sub("", _RUBY_TEMPLATE.sub("", _RUBY_BLOCK.sub("", name)))


def _clean_rust(name: str) -> str:
    name = _RUST_NUMBERED.sub("", _RUST_HASH.sub("", name))
    for _ in range(4):
        shorter = _RUST_ARGUMENTS.sub("", name)
        if shorter == name:
            break
        name = shorter
    return name


def _clean_go(name: str) -> str:
    return _GO_CLOSURE.sub("", _GO_TYPE_ARGUMENTS.sub("", name))


def _clean_php(name: str) -> str:
    name = _PHP_CONTAINER.sub("Container", name)
    return _PHP_ANONYMOUS.sub("@anonymous", _PHP_CLOSURE.sub("{closure}", name))


def _clean_csharp(name: str) -> str:
    name = name.partition(", Version=")[0]
    if "<" in name:
        name = _CSHARP_ENTRY.sub(r"\1", _CSHARP_CLOSURE.sub("", name))
        for _ in range(3):  # a state machine of a lambda of a method: `<<Load>b__0>d`
            name = _CSHARP_GENERATED.sub(r"\1", name)
    name = _BASIC_CLOSURE.sub("", _FSHARP_CLOSURE.sub("", _CSHARP_DYNAMIC.sub("", name)))
    name = _CSHARP_ARITY.sub("", name).replace("+", ".")
    return name.removesuffix("MoveNext").rstrip(".")


def _clean_java(name: str) -> str:
    if "$" not in name and "Accessor" not in name and "_closure" not in name:
        return name
    name = _JAVA_LAMBDA_METHOD.sub(r"\1", _JAVA_ENHANCED.sub("", _JAVA_LAMBDA.sub("", name)))
    name = _SCALA_LAMBDA.sub(r"\1", _KOTLIN_LAMBDA.sub("", name))
    return _JAVA_NUMBER.sub(r"\1", _JAVA_CLOSURE.sub("", name))


def _clean_script(name: str) -> str:
    name = _SCRIPT_PREFIX.sub("", _SCRIPT_ALIAS.sub("", name).rpartition("*")[2])
    # Firefox: `async*load` is `load` called later; `outer/inner<` is what the others call `inner`.
    name = name.rstrip("<").rpartition("/")[2].replace(".prototype.", ".")
    *receivers, last = name.split(".")
    last = _SCRIPT_PREFIX.sub("", last)
    last = "" if last in _UNKNOWN_NAMES or _SCRIPT_GENERATED.match(last) else last
    kept = [part for part in receivers if not (part in _UNKNOWN_NAMES or _SCRIPT_RECEIVER.match(part))]
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
