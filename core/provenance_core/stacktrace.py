"""Raw stack text into frames, and the two lines people read first: title and culprit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provenance_core import limits
from provenance_core.events import Cause, ErrorValue, Event, Frame
from provenance_core.in_app import is_in_app
from provenance_core.stack_csharp import is_csharp, parse_csharp
from provenance_core.stack_go import parse_go
from provenance_core.stack_header import split_header
from provenance_core.stack_java import parse_java
from provenance_core.stack_javascript import parse_gecko, parse_v8
from provenance_core.stack_php import MARK as PHP_MARK
from provenance_core.stack_php import parse_php
from provenance_core.stack_python import parse_python
from provenance_core.stack_ruby import MARK as RUBY_MARK
from provenance_core.stack_ruby import parse_ruby
from provenance_core.stack_rust import MARK as RUST_MARK
from provenance_core.stack_rust import parse_rust

_MAX_TEXT = 1_048_576
_MAX_LINES = 20_000
_MAX_LINE = 1_000
_MAX_LABEL = 200
_Parser = Callable[[list[str], int], list[Cause]]


@dataclass(frozen=True)
class _Format:
    """A language's way to print a stack, and what only such a text contains."""

    language: str
    parse: _Parser
    has_mark: Callable[[str], bool] = lambda _: True


# In the order in which they are believed when two read equally many frames.
_FORMATS = (
    _Format("python", parse_python, lambda text: 'File "' in text),
    _Format("rust", parse_rust, lambda text: RUST_MARK in text),
    _Format("csharp", parse_csharp, is_csharp),
    _Format("java", parse_java),
    _Format("go", parse_go, lambda text: "goroutine " in text),
    _Format("ruby", parse_ruby, lambda text: RUBY_MARK in text),
    _Format("php", parse_php, lambda text: PHP_MARK in text),
    _Format("javascript", parse_v8),
    _Format("javascript", parse_gecko),
)


@dataclass(frozen=True)
class ParsedStack:
    """What a stack text says; without frames the text was not understood and is the caller's to keep."""

    frames: tuple[Frame, ...] = ()
    error_type: str | None = None
    message: str | None = None
    causes: tuple[Cause, ...] = ()


def parse_stack(text: str, platform: str | None = None) -> ParsedStack:
    """Read a stack text of any known format; never raises, and takes linear time.

    At most `MAX_FRAMES` frames of an exception are kept, those nearest the crash, and `MAX_CAUSES` causes.

    Args:
        text: V8, Firefox, Safari, Python, Java, .NET, Go, Ruby, Rust or PHP; anything else gives no frames.
        platform: Sentry's platform name, which decides whose code a frame is where its file does not say.
    """
    text = text[:_MAX_TEXT].replace("\r\n", "\n")
    lines = [line[:_MAX_LINE] for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]]
    best: list[Cause] = []
    language, most = "", 0
    for known in _FORMATS:
        if not known.has_mark(text):
            continue
        errors = known.parse(lines, limits.MAX_FRAMES)
        count = sum(len(error.frames) for error in errors)
        if count > most:
            best, language, most = errors, known.language, count
    if not best:
        return _unparsed(lines)
    found = [_with_in_app(error, platform or language) for error in best if error.frames or error.error_type]
    head = found[0]
    return ParsedStack(head.frames, head.error_type, head.message, tuple(found[1 : limits.MAX_CAUSES + 1]))


def _unparsed(lines: list[str]) -> ParsedStack:
    first = next((line for line in lines if line.strip()), "")
    error_type, message = split_header(first, strict=True)
    return ParsedStack(error_type=error_type, message=message if error_type else None)


def _with_in_app(error: Cause, platform: str) -> Cause:
    frames = tuple(
        frame.model_copy(
            update={
                "in_app": is_in_app(file=frame.file, module=frame.module, function=frame.function, platform=platform)
            }
        )
        for frame in error.frames
    )
    return error.model_copy(update={"frames": frames})


def title(event: Event) -> str:
    """Say in one line what happened: the type and the first line of the message."""
    message = _first_line(event.message) or _first_line(event.message_template)
    error_type = None if event.synthetic and message else _first_line(event.error_type)
    if error_type is None and message is None:
        return _bounded(_first_line(event.stack) or "(no message)")
    return _bounded(": ".join(part for part in (error_type, message) if part))


def culprit(event: Event) -> str | None:
    """Say in one line where it happened: the application's frame nearest the crash.

    It is looked for in the outermost exception, then in its causes; without one any first frame stands in, and
    without frames the transaction.
    """
    errors: tuple[ErrorValue, ...] = (event, *event.causes)
    frames = [frame for error in errors for frame in error.frames]
    frame = next((frame for frame in frames if frame.in_app), frames[0] if frames else None)
    if frame is None:
        return _bounded(event.transaction) if event.transaction else None
    place, function = frame.module or frame.file or frame.abs_path, frame.function
    if place and function:
        # The function is the shorter and says more: what is cut is the start of a long place.
        function = _bounded(function, _MAX_LABEL // 2)
        return f"{place[-(_MAX_LABEL - len(function) - 4) :]} in {function}"
    return _bounded(place or function or "(unknown)")


def _first_line(text: str | None) -> str | None:
    if not text:
        return None
    return next((" ".join(line.split()) for line in text[:8_192].splitlines() if line.strip()), None)


def _bounded(text: str, length: int = _MAX_LABEL) -> str:
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"
