"""The first algorithm of grouping: which components of an event make its key.

Once released it never changes: a better one becomes `fingerprint_v2` and stands before it in `fingerprint.ALGORITHMS`,
because issues keep their keys. `docs/grouping.md` explains the rules, `tests/data/pairs` has their cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from provenance_core.events import Cause, ErrorValue, Event, Relation
from provenance_core.frame_identity import clean_line
from provenance_core.frame_names import clean_name
from provenance_core.frame_roles import FrameRole, Role, frame_roles, is_recursion
from provenance_core.in_app import language_of
from provenance_core.parameterise import error_codes, parameterise

VERSION = "pv1"

# A kind and its values: ("frame", "app.orders", "load_orders").
Component = tuple[str, ...]

_MAX_CHAIN = 10
_MAX_CAUSES = 100
_MAX_MEMBERS = 8
_KEY_LENGTH = 32
_GROUP_TYPES = ("ExceptionGroup", "AggregateError", "AggregateException")
_QUALIFIERS = (".", "::", "\\")
_PLAIN_MODULES = ("builtins", "exceptions", "__builtin__", "__main__")
# In Go, what `errors.New` and `fmt.Errorf` make has one type for all, and no stack but that of whoever reports it.
_SPEECHLESS_TYPES = frozenset(
    (
        *("*errors.errorString", "*errors.joinError", "*fmt.wrapError", "*fmt.wrapErrors"),
        *("*errors.fundamental", "*errors.withMessage", "*errors.withStack"),
    )
)


def key_of(components: Sequence[Component]) -> str:
    """Hash components into 32 hexadecimal characters.

    Every length is hashed too, so that no two lists of components look alike.
    """
    texts: list[str] = []
    for component in ((VERSION,), *components):
        texts.append(f"{len(component)};")
        for value in component:
            length = len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
            texts.append(f"{length}:{value}")
    return sha256("".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:_KEY_LENGTH]


def stack_components(event: Event) -> list[Component]:
    """List what identifies an event by its exceptions and frames, or by its messages without usable frames."""
    head, members = _families(event)
    found = {key_of(parts): parts for parts in (_chain(family, event) for family in members)}
    if not found:
        return _chain(head, event)
    if any(_has_in_app(family) for family in members) or not _has_in_app(head):
        # The members say what the group is: of its own, only what it was chained to counts.
        head = _without_group(head)
    own = _chain(head, event, with_messages=False)
    if len(found) == 1 and not own:
        return next(iter(found.values()))
    for key in sorted(found)[:_MAX_MEMBERS]:
        own.append(("member",))
        own.extend(found[key])
    return own


def message_components(event: Event) -> list[Component]:
    """List what identifies an event by its type and message alone."""
    return _messages([event], event)


def stack_roles(event: Event) -> list[tuple[ErrorValue, list[FrameRole]]]:
    """List the exceptions whose stacks are looked at, each with what its frames do for the key."""
    head, members = _families(event)
    platform = _platform(event)
    return [
        (error, frame_roles(error, platform, only_in_app=_has_in_app(family)))
        for family in (head[:_MAX_CHAIN], *(member[:_MAX_CHAIN] for member in members))
        for error in family
    ]


def _families(event: Event) -> tuple[list[ErrorValue], list[list[ErrorValue]]]:
    """Split the chain: the outermost exception with its causes, then each member of its groups with its own."""
    families: list[list[ErrorValue]] = [[event]]
    is_java = bool(event.causes) and language_of(None, _platform(event)) == "java"
    for cause in event.causes[:_MAX_CAUSES]:
        if cause.relation is Relation.MEMBER:
            families.append([cause])
        elif not (is_java and _is_suppressed(cause)):
            families[-1].append(cause)
    return families[0], families[1:]


def _is_suppressed(cause: Cause) -> bool:
    # On the JVM a context is what failed while resources were closed: it is not why.
    return cause.relation is Relation.CONTEXT


def _without_group(errors: list[ErrorValue]) -> list[ErrorValue]:
    names = [error.error_type or "" for error in errors]
    group = max((index for index, name in enumerate(names) if name.endswith(_GROUP_TYPES)), default=0)
    return errors[:group] + errors[group + 1 :]


def _chain(errors: Sequence[ErrorValue], event: Event, *, with_messages: bool = True) -> list[Component]:
    errors = errors[:_MAX_CHAIN]
    only_in_app = _has_in_app(errors)
    platform = _platform(event)
    stacks = [_frames(error, platform, only_in_app=only_in_app) for error in errors]
    if with_messages and not any(stacks):
        return _messages(errors, event)
    components: list[Component] = []
    before: list[Component] = []
    for index, (error, frames) in enumerate(zip(errors, stacks, strict=True)):
        own = [*_type(error, event), *_codes(error), *frames]
        if index > 1 and own == before:
            continue  # each further attempt of a retry repeats the exception before it
        components.extend([("cause",)] if index else [])
        components.extend(own)
        before = own
    if not event.error_type and event.message_template and any(error is event for error in errors):
        components.append(("message", parameterise(event.message_template)))
    return components


def _has_in_app(errors: Sequence[ErrorValue]) -> bool:
    return any(frame.in_app for error in errors for frame in error.frames)


def _type(error: ErrorValue, event: Event) -> list[Component]:
    name = error.error_type
    if error.synthetic or not name:
        return []
    # The module of a .NET exception is the assembly with its version: `Acme, Version=1.2.0.0, Culture=neutral`.
    module = (error.module or "").partition(",")[0].strip()
    is_script = language_of(None, event.platform) == "javascript"
    if is_script and len(name) <= 2:
        return []
    is_plain = not module or module in _PLAIN_MODULES or is_script
    if not is_plain and not any(separator in name for separator in _QUALIFIERS):
        name = f"{module}.{name}"
    return [("type", clean_name(name, language_of(None, _platform(event))))]


def _codes(error: ErrorValue) -> list[Component]:
    """List what of an exception's message says, beside its stack, which error it is."""
    if not error.message:
        return []
    if error.error_type in _SPEECHLESS_TYPES:
        return [("message", parameterise(error.message))]
    # One type stands for many errors that its code tells apart: OSError, PDOException, HTTPError.
    return [("code", code) for code in error_codes(error.message)]


def _platform(event: Event) -> str | None:
    """Return the event's platform, or the one which the files of its frames show."""
    if event.platform not in (None, "other"):
        return event.platform
    files = (frame.file for error in (event, *event.causes) for frame in error.frames)
    found = next((language for file in files if (language := language_of(file, None))), None)
    # A browser's script and a server's are told apart by their addresses, not by their endings.
    return None if found == "javascript" else found


def _messages(errors: Sequence[ErrorValue], event: Event) -> list[Component]:
    components: list[Component] = []
    for index, error in enumerate(errors):
        components.extend([("cause",)] if index else [])
        components.extend(_type(error, event))
        if error is event and not event.error_type and event.message_template:
            components.extend([("logger", event.logger)] if event.logger else [])
            components.append(("message", parameterise(event.message_template)))
        elif text := error.message or ("" if error.error_type or error.frames else error.stack):
            components.append(("message", parameterise(text)))
    return components or [("nothing",)]


def _frames(error: ErrorValue, platform: str | None, *, only_in_app: bool) -> list[Component]:
    if not error.frames:
        return []
    roles = frame_roles(error, platform, only_in_app=only_in_app)
    keys = [identity.key for role, identity in roles if role is Role.COUNTED and identity is not None]
    if is_recursion(error, roles):
        return [("recursion", *key) for key in sorted(keys)]
    components: list[Component] = [("frame", *key) for key in keys]
    # Of source lines only the raising one counts: a caller may be edited, two places in one function are two bugs.
    if line := _raising_line(error, roles):
        components.insert(1, ("line", line))
    return components


def _raising_line(error: ErrorValue, roles: list[FrameRole]) -> str:
    for frame, (_, identity) in zip(error.frames, roles, strict=True):
        if identity is not None:
            return clean_line(frame.context_line) if identity.has_line else ""
    return ""
