"""Names of the functions of an original source file: which of them is around a position.

The source is parsed with tree-sitter, which goes on after an error. Names are those that V8 prints in a stack, as far
as the source shows them; https://v8.dev/docs/stack-trace-api.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tree_sitter import Node, Tree, TreeCursor

from provenance_core.sourcemaps import function_names as names
from provenance_core.sourcemaps.script_languages import Handling, ScriptLanguage, parse, readable_script

MAX_TEXT = 2 << 20
"""Characters of a source above which it is not parsed: no file that somebody wrote is as long."""

_NAMEABLE = (Handling.FUNCTION, Handling.CLASS)
_LONE_RETURN = re.compile(r"\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Scopes:
    """The innermost function from each boundary on, up to the next; the first boundary is where the text begins.

    Attributes:
        lines: Lines of the boundaries, from 0.
        columns: Columns of the boundaries, from 0, in UTF-16 units.
        names: The function; "" at the top level of the file.
    """

    lines: Sequence[int]
    columns: Sequence[int]
    names: Sequence[str]


def scopes_of(path: str | None, text: str) -> Scopes | None:
    """Return the functions of an original source, or None where its language is not parsed or it is too long.

    Args:
        path: What the source map calls the source; its ending says the language.
        text: The source.
    """
    if len(text) > MAX_TEXT:
        return None
    script = readable_script(path, text)
    if script is None:
        return None
    language, code = script
    # The parser ends a line at a line feed only.
    data = _LONE_RETURN.sub("\n", code).encode("utf-16-le", "surrogatepass")
    parsed = parse(language, data)
    return None if parsed is None else _Walk(*parsed, data).scopes()


@dataclass(slots=True)
class _Walk:
    """One walk over a tree, with what is around the node at hand.

    Attributes:
        open: The nodes around that matter, each with its depth, its handling and the name before it.
        function: The name of the innermost function.
        owner: The name of the class whose body is walked, None in an object or an anonymous class.
        given: Names that functions and classes get from what they are assigned to, by node.
    """

    language: ScriptLanguage
    tree: Tree
    data: bytes
    lines: list[int] = field(default_factory=lambda: [0])
    columns: list[int] = field(default_factory=lambda: [0])
    names: list[str] = field(default_factory=lambda: [""])
    open: list[tuple[int, bool, str, str | None, Node]] = field(
        default_factory=list[tuple[int, bool, str, str | None, Node]]
    )
    function: str = ""
    owner: str | None = None
    given: dict[int, str] = field(default_factory=dict[int, str])

    def scopes(self) -> Scopes:
        """Walk the tree without recursion: sources may be nested as deep as they are long."""
        cursor, depth, handling = self.tree.walk(), 0, self.language.handling
        while True:
            node = _node(cursor)
            what = handling.get(node.kind_id)
            if what is not None:
                self._enter(what, node, depth)
            if cursor.goto_first_child():
                depth += 1
                continue
            while True:
                if self.open and self.open[-1][0] == depth:
                    self._leave()
                if cursor.goto_next_sibling():
                    break
                if not cursor.goto_parent():
                    return Scopes(self.lines, self.columns, self.names)
                depth -= 1

    def _enter(self, what: Handling, node: Node, depth: int) -> None:
        match what:
            case Handling.HOLDER:
                self._give(node)
            case Handling.CLASS:
                self._push(node, depth, owner=names.own_name(node, self.data) or self.given.pop(node.id, None))
            case Handling.OBJECT:
                self._push(node, depth, owner=None)
            case Handling.FIELD:
                self._enter_field(node, depth)
            case Handling.METHOD:
                self._push_function(node, depth, node, names.method_name(node, self.owner, self.data))
            case Handling.STATIC_BLOCK:
                self._push_function(node, depth, node, names.static_name(self.owner))
            case Handling.FUNCTION:
                name = names.own_name(node, self.data) or self.given.pop(node.id, None)
                self._push_function(node, depth, node, name or names.anonymous_name(self.function))

    def _give(self, node: Node) -> None:
        for value, target in names.held_values(node):
            if self.language.handling.get(value.kind_id) in _NAMEABLE and (name := names.held_name(target, self.data)):
                self.given[value.id] = name

    def _enter_field(self, node: Node, depth: int) -> None:
        value = node.child_by_field_name("value")
        if value is None:
            return
        value = names.bare(value)
        if self.language.handling.get(value.kind_id) in _NAMEABLE:
            self.given[value.id] = names.field_name(node, self.owner, self.data)
        else:
            self._push_function(node, depth, value, names.initialiser_name(node, self.owner))

    def _push(self, node: Node, depth: int, owner: str | None) -> None:
        self.open.append((depth, False, self.function, self.owner, node))
        self.owner = owner

    def _push_function(self, node: Node, depth: int, body: Node, name: str) -> None:
        self.open.append((depth, True, self.function, self.owner, node))
        self.function = name
        self._add(*body.start_point, name)

    def _leave(self) -> None:
        _, is_function, function, owner, node = self.open.pop()
        self.owner = owner
        if is_function:
            self.function = function
            self._add(*node.end_point, function)

    def _add(self, line: int, offset: int, name: str) -> None:
        """Let a function begin; one that is empty, or begins before its predecessor, leaves no boundary."""
        column = offset // 2
        last = (self.lines[-1], self.columns[-1])
        if (line, column) < last:
            return
        if (line, column) == last:
            self.names[-1] = name
        elif self.names[-1] != name:
            self.lines.append(line)
            self.columns.append(column)
            self.names.append(name)


def _node(cursor: TreeCursor) -> Node:
    node = cursor.node
    assert node is not None, "a cursor is always at a node"  # noqa: S101 - the stub alone says otherwise
    return node
