"""Which language an original source is written in, what of it is a script, and how that is parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Point, Tree

_PIECE = 1 << 14
_MAX_ERROR_STEPS = 2_000
"""Reports of progress within an error, after which a text is no script; each is about 0.7 ms of work."""
_MAX_STEPS_PER_UNIT = 0.1
_MIN_STEPS = 1_000
_MAX_READ_TWICE = 1 << 20
"""Bytes of UTF-16; a tree of a text that is all errors takes a thousand times the memory of its text."""


class Dialect(StrEnum):
    """A grammar."""

    JAVASCRIPT = "javascript"
    TYPESCRIPT = "typescript"
    TSX = "tsx"


class Handling(StrEnum):
    """What a kind of node means for the names of functions."""

    FUNCTION = "function"
    METHOD = "method"
    STATIC_BLOCK = "static_block"
    FIELD = "field"
    CLASS = "class"
    OBJECT = "object"
    HOLDER = "holder"


@dataclass(frozen=True, slots=True)
class ScriptLanguage:
    """A grammar, and what its kinds of nodes mean, by their number."""

    grammar: Language
    handling: dict[int, Handling]


_KINDS = {
    "function_declaration": Handling.FUNCTION,
    "generator_function_declaration": Handling.FUNCTION,
    "function_expression": Handling.FUNCTION,
    "generator_function": Handling.FUNCTION,
    "arrow_function": Handling.FUNCTION,
    "method_definition": Handling.METHOD,
    "class_static_block": Handling.STATIC_BLOCK,
    "field_definition": Handling.FIELD,
    "public_field_definition": Handling.FIELD,
    "class_declaration": Handling.CLASS,
    "abstract_class_declaration": Handling.CLASS,
    "class": Handling.CLASS,
    "object": Handling.OBJECT,
    "variable_declarator": Handling.HOLDER,
    "assignment_expression": Handling.HOLDER,
    "augmented_assignment_expression": Handling.HOLDER,
    "assignment_pattern": Handling.HOLDER,
    "object_assignment_pattern": Handling.HOLDER,
    "required_parameter": Handling.HOLDER,
    "optional_parameter": Handling.HOLDER,
    "pair": Handling.HOLDER,
    "export_statement": Handling.HOLDER,
    "jsx_attribute": Handling.HOLDER,
}
_ENDINGS = {
    "js": Dialect.JAVASCRIPT,
    "jsx": Dialect.JAVASCRIPT,
    "mjs": Dialect.JAVASCRIPT,
    "cjs": Dialect.JAVASCRIPT,
    "es6": Dialect.JAVASCRIPT,
    "ts": Dialect.TYPESCRIPT,
    "mts": Dialect.TYPESCRIPT,
    "cts": Dialect.TYPESCRIPT,
    "tsx": Dialect.TSX,
}
_COMPONENTS = frozenset(("vue", "svelte", "astro"))
_TYPESCRIPT_BLOCK = re.compile(r"""\blang\s{0,9}=\s{0,9}["']?ts["'\s>]""", re.IGNORECASE)
_NOT_LINE_END = re.compile(r"[^\r\n]+")
_FENCE = "---"


def readable_script(path: str | None, text: str) -> tuple[Dialect, str] | None:
    """Return the dialect of a source and the script in it, at the places where it was; None where there is none."""
    ending = _ending(path)
    if ending in _COMPONENTS:
        return _component(text, ending)
    dialect = Dialect.JAVASCRIPT if not ending else _ENDINGS.get(ending)
    return None if dialect is None else (dialect, text)


def parse(dialect: Dialect, data: bytes) -> tuple[ScriptLanguage, Tree] | None:
    """Parse a script in UTF-16; None where it is such that the parser takes much too long.

    Where JavaScript has errors it may be Flow or TypeScript all the same: the grammar that reads more of it wins.
    """
    language = _language(dialect)
    tree = _tree(language, data)
    broken = tree is None or tree.root_node.has_error
    if dialect is Dialect.JAVASCRIPT and broken and len(data) <= _MAX_READ_TWICE:
        typed = _language(Dialect.TSX)
        other = _tree(typed, data)
        if other is not None and (tree is None or _errors(other.root_node) < _errors(tree.root_node)):
            return typed, other
    return None if tree is None else (language, tree)


def _ending(path: str | None) -> str:
    # Turbopack adds ` [app-client] (ecmascript)`, webpack ` + 12 modules`.
    if not path:
        return ""
    name = re.split(r"[?#\s]", path[-1000:].rpartition("/")[2], maxsplit=1)[0]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _component(text: str, ending: str) -> tuple[Dialect, str] | None:
    """Blank what is no script in a file of Vue, Svelte or Astro, so that lines and columns stay."""
    blocks = _fences(text) if ending == "astro" else []
    blocks += _script_blocks(text)
    if not blocks:
        # What a bundler made of it is called as the component is.
        return None if "<" in text.lstrip()[:1] else (Dialect.TYPESCRIPT, text)
    typed = any(_TYPESCRIPT_BLOCK.search(head) for head, _, _ in blocks)
    parts: list[str] = []
    done = 0
    for _, start, end in blocks:
        parts += [_blank(text[done:start]), text[start:end]]
        done = end
    parts.append(_blank(text[done:]))
    return (Dialect.TYPESCRIPT if typed else Dialect.TSX), "".join(parts)


def _fences(text: str) -> list[tuple[str, int, int]]:
    """Find the script that Astro has between two lines of dashes at the top."""
    start = len(text) - len(text.lstrip())
    if not text.startswith(_FENCE, start):
        return []
    end = text.find("\n" + _FENCE, start + len(_FENCE))
    return [] if end < 0 else [("lang=ts ", start + len(_FENCE), end)]


def _script_blocks(text: str) -> list[tuple[str, int, int]]:
    """Find the `<script>` elements: their attributes, where their text begins, where it ends."""
    lower = text.lower()
    if len(lower) != len(text):  # a letter whose lower case is two
        lower = text
    blocks: list[tuple[str, int, int]] = []
    at = 0
    while (tag := lower.find("<script", at)) >= 0:
        start = lower.find(">", tag) + 1
        end = lower.find("</script", start)
        if not start or end < 0:
            break
        if lower[tag + 7] in " \t\r\n>":
            blocks.append((text[tag : min(start, tag + 500)], start, end))
        at = end
    return blocks


def _blank(text: str) -> str:
    return _NOT_LINE_END.sub(lambda match: " " * (len(match[0].encode("utf-16-le", "surrogatepass")) // 2), text)


@lru_cache(maxsize=3)
def _language(dialect: Dialect) -> ScriptLanguage:
    pointer = {
        Dialect.JAVASCRIPT: tree_sitter_javascript.language,
        Dialect.TYPESCRIPT: tree_sitter_typescript.language_typescript,
        Dialect.TSX: tree_sitter_typescript.language_tsx,
    }[dialect]()
    grammar = Language(pointer)
    handling: dict[int, Handling] = {}
    for number in range(grammar.node_kind_count):
        kind = grammar.node_kind_for_id(number) if grammar.node_kind_is_named(number) else None
        if kind in _KINDS:
            handling[number] = _KINDS[kind]
    return ScriptLanguage(grammar, handling)


def _tree(language: ScriptLanguage, data: bytes) -> Tree | None:
    """Parse, but stop where the text is so broken that it takes much longer than a script of its length."""
    steps = errors = 0
    most = _MIN_STEPS + len(data) * _MAX_STEPS_PER_UNIT

    def read(offset: int, _: Point) -> bytes:
        return data[offset : offset + _PIECE]

    def too_long(_: int, in_error: bool) -> bool:
        nonlocal steps, errors
        steps += 1
        errors += in_error
        return errors > _MAX_ERROR_STEPS or steps > most

    try:
        return Parser(language.grammar).parse(read, encoding="utf16le", progress_callback=too_long)
    except ValueError:  # the only way that tree-sitter tells of a parse that was stopped
        return None


def _errors(root: Node) -> int:
    """Count the places that could not be read, without those within another one."""
    cursor, count = root.walk(), 0
    while True:
        node = cursor.node
        broken = node is not None and (node.is_error or node.is_missing)
        count += broken
        if node is not None and node.has_error and not broken and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return count
