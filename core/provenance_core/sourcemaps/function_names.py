"""What a function of a script is called, from the node that declares it or the one that it is assigned to."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

MAX_NAME = 120
"""Characters of one name; generated code has longer ones."""

ANONYMOUS = "<anonymous>"
_COMPUTED = "<computed>"
_STATIC = "<static_initializer>"
_MAX_PARTS = 8
_MAX_WRAPPERS = 8
_MAX_MODIFIERS = 8
_HOLDERS = {
    "variable_declarator": ("name", "value"),
    "assignment_expression": ("left", "right"),
    "augmented_assignment_expression": ("left", "right"),
    "assignment_pattern": ("left", "right"),
    "object_assignment_pattern": ("left", "right"),
    "pair": ("key", "value"),
    "required_parameter": ("pattern", "value"),
    "optional_parameter": ("pattern", "value"),
}
_LITERALS = frozenset(("string", "number"))
_WRAPPERS = frozenset(
    ("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression", "jsx_expression")
)
# Objects that only say where a name is kept, and nothing about whose it is.
_RECEIVERS = frozenset(("this", "self", "window", "global", "globalThis", "exports", "module"))
_WORDS = frozenset(
    (
        *("identifier", "property_identifier", "private_property_identifier", "shorthand_property_identifier"),
        *("shorthand_property_identifier_pattern", "type_identifier", "number", "this", "super"),
    )
)


def bare(node: Node) -> Node:
    """Return an expression without the brackets and the type assertions around it."""
    for _ in range(_MAX_WRAPPERS):
        if node.type not in _WRAPPERS or not node.named_child_count:
            break
        node = node.named_child(0)
    return node


def own_name(node: Node, data: bytes) -> str | None:
    """Return the name that a function or class itself carries."""
    name = node.child_by_field_name("name")
    return None if name is None else _word(name, data) or None


def held_values(node: Node) -> Iterator[tuple[Node, Node | None]]:
    """Yield the value that a declaration, an assignment or a property names, and by what; None by `export default`."""
    fields = _HOLDERS.get(node.type)
    if fields is not None:
        target, value = (node.child_by_field_name(field) for field in fields)
        if target is not None and value is not None:
            yield bare(value), target
    elif node.type == "export_statement":
        if "default" in _modifiers(node):
            for field in ("value", "declaration"):
                value = node.child_by_field_name(field)
                if value is not None:
                    yield bare(value), None
    elif node.named_child_count > 1:  # an attribute of JSX
        yield bare(node.named_child(1)), node.named_child(0)


def held_name(target: Node | None, data: bytes) -> str:
    """Return what a value is assigned to, as `Cart.load` for `Cart.prototype.load`; "" where that is no name."""
    return "default" if target is None else _target(target, data)


def method_name(node: Node, owner: str | None, data: bytes) -> str:
    """Name a method of a class or an object: `Cart.load`, `Cart.get total`, `new Cart`."""
    name = own_name(node, data) or _COMPUTED
    if name == "constructor":
        return f"new {owner or ANONYMOUS}"
    kind = next((word for word in _modifiers(node, before="name") if word in ("get", "set")), None)
    return _of(owner, f"{kind} {name}" if kind else name)


def field_name(node: Node, owner: str | None, data: bytes) -> str:
    """Name a function that a field of a class holds."""
    name = node.child_by_field_name("name") or node.child_by_field_name("property")
    return _of(owner, (_word(name, data) if name is not None else "") or _COMPUTED)


def initialiser_name(node: Node, owner: str | None) -> str:
    """Name what sets a field of a class: the constructor, or what runs when the class is made."""
    return static_name(owner) if "static" in _modifiers(node) else f"new {owner or ANONYMOUS}"


def static_name(owner: str | None) -> str:
    """Name what runs when a class is made."""
    return _of(owner, _STATIC)


def anonymous_name(outer: str) -> str:
    """Name a function that has no name by the one around it; a chain of such functions has one name."""
    if not outer:
        return ANONYMOUS
    if outer.endswith(ANONYMOUS):
        return outer
    return f"{outer.removeprefix('new ')}.{ANONYMOUS}"


def _of(owner: str | None, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def _modifiers(node: Node, before: str | None = None) -> list[str]:
    """Return the first words of a declaration: `static`, `get`, `default`."""
    name = node.child_by_field_name(before) if before else None
    words: list[str] = []
    for number in range(min(node.child_count, _MAX_MODIFIERS)):
        child = node.child(number)
        if name is not None and child.id == name.id:
            break
        words.append(child.type)
    return words


def _target(node: Node, data: bytes) -> str:
    parts: list[str] = []
    part: Node | None = bare(node)
    while part is not None and len(parts) < _MAX_PARTS:
        name = part.child_by_field_name("property" if part.type == "member_expression" else "index")
        if name is None:
            parts.append(_word(part, data))
            break
        known = part.type == "member_expression" or name.type in _LITERALS
        parts.append((_word(name, data) if known else "") or _COMPUTED)
        outer = part.child_by_field_name("object")
        part = None if outer is None else bare(outer)
    path = [name for name in reversed(parts) if name]
    if path == ["module", "exports"]:
        return "module.exports"
    while len(path) > 1 and path[0] in _RECEIVERS:
        path = path[1:]
    return ".".join(name for name in path if name != "prototype")[:MAX_NAME]


def _word(node: Node, data: bytes) -> str:
    """Return a name as it is written; "" where the node is no name."""
    if node.type == "computed_property_name":
        inner = bare(node.named_child(0) or node) if node.named_child_count else node
        if inner.type == "member_expression":
            name = _target(inner, data)
            return f"[{name}]" if name else ""
        return _word(inner, data) if inner.type in _LITERALS else ""
    if node.type == "string":
        return _text(node, data)[1:-1]
    return _text(node, data) if node.type in _WORDS else ""


def _text(node: Node, data: bytes) -> str:
    start = node.start_byte
    text = data[start : min(node.end_byte, start + 2 * MAX_NAME)].decode("utf-16-le", "replace")
    return text if text.isprintable() else "".join(filter(str.isprintable, text))
