"""The first algorithm of grouping: which components of an event make its key.

It never changes: a better one becomes `fingerprint_v2` and stands beside it, because issues keep their keys.
The rules follow what trackers in use do (Sentry's grouping, Telebugs, Exceptionless), measured on pairs of events;
`tests/data/pairs` has the cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from provenance_core.events import ErrorValue, Event, Frame, Relation
from provenance_core.frame_identity import FrameIdentity, clean_name, identify
from provenance_core.in_app import language_of
from provenance_core.parameterise import parameterise

VERSION = "pv1"

# A kind and its values: ("frame", "app.orders", "load_orders").
Component = tuple[str, ...]

_MAX_CHAIN = 10
_MAX_CAUSES = 100
_MAX_FRAMES = 30
_MAX_MEMBERS = 8
_KEY_LENGTH = 32
_COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")
_GROUP_TYPES = ("ExceptionGroup", "AggregateError", "AggregateException")
_OVERFLOW_TYPES = (
    "RecursionError",
    "StackOverflowError",
    "SystemStackError",
    "InsufficientExecutionStackException",
)
_OVERFLOW_MESSAGES = ("Maximum call stack", "too much recursion", "stack level too deep")
_QUALIFIERS = (".", "::", "\\")
_PLAIN_MODULES = ("builtins", "exceptions", "__builtin__", "__main__")


def key_of(components: Sequence[Component]) -> str:
    """Hash components into 32 hexadecimal characters.

    Every length is hashed too, so that no two lists of components look alike.
    """
    digest = sha256()
    for component in ((VERSION,), *components):
        digest.update(b"%d;" % len(component))
        for value in component:
            data = value.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:_KEY_LENGTH]


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


def _families(event: Event) -> tuple[list[ErrorValue], list[list[ErrorValue]]]:
    """Split the chain: the outermost exception with its causes, then each member of its groups with its own."""
    families: list[list[ErrorValue]] = [[event]]
    for cause in event.causes[:_MAX_CAUSES]:
        if cause.relation is Relation.MEMBER:
            families.append([cause])
        else:
            families[-1].append(cause)
    return families[0], families[1:]


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
    for index, (error, frames) in enumerate(zip(errors, stacks, strict=True)):
        components.extend([("cause",)] if index else [])
        components.extend(_type(error, event))
        components.extend(frames)
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
    identities = _identities([frame for frame in error.frames if frame.in_app or not only_in_app], platform)
    if not identities:
        return []
    counts: dict[tuple[str, str], int] = {}
    for identity in identities:
        counts[identity.place, identity.function] = counts.get((identity.place, identity.function), 0) + 1
    repeated = sorted(key for key, count in counts.items() if count > 1)
    if repeated and _is_overflow(error):
        # Where the stack ended is chance: only the functions that call each other are the bug.
        return [("recursion", *key) for key in repeated[:_MAX_FRAMES]]
    # Each function once, at its place nearest the crash: however deep a recursion of any length went.
    components: list[Component] = [("frame", *key) for key in list(counts)[:_MAX_FRAMES]]
    if identities[0].line:
        components.insert(1, ("line", identities[0].line))
    return components


def _identities(frames: Sequence[Frame], platform: str | None) -> list[FrameIdentity]:
    found = [identity for frame in frames if (identity := identify(frame, platform)) is not None]
    kept: list[FrameIdentity] = []
    line = found[0].line if found else ""
    for index, identity in enumerate(found):
        caller = found[index + 1] if index + 1 < len(found) else None
        # Python 3.12 has no frames for comprehensions (PEP 709); before it, they precede their function's.
        if identity.function.endswith(_COMPREHENSIONS) and caller and caller.place == identity.place:
            continue
        kept.append(identity)
    if kept and kept[0].line != line:
        kept[0] = FrameIdentity(kept[0].place, kept[0].function, line)
    return kept


def _is_overflow(error: ErrorValue) -> bool:
    name, message = error.error_type or "", error.message or ""
    return name.endswith(_OVERFLOW_TYPES) or any(text in message[:500] for text in _OVERFLOW_MESSAGES)
