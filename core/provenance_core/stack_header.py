"""The first line of a stack text: `Type: message`, after what runtimes and consoles print before it."""

from __future__ import annotations

import re

_TYPE = r"[A-Za-z_$][\w$.]{0,250}"
_HEADER = re.compile(
    rf"(?:Uncaught\ (?:\(in\ promise\)\ )?|Unhandled\ (?:promise\ )?rejection:?\ )?"
    rf"(?P<type>{_TYPE})(?:\ \[[\w-]{{1,80}}\])?(?::(?:\s(?P<message>.*))?|\s*)$",
    re.VERBOSE | re.IGNORECASE,
)
_ERROR_NAME = re.compile(r"(?:Error|Exception|Fault|Failure|Rejection|Interrupt|Exit|Warning|Group|Throwable)$")
_MAX_MESSAGE = 8_192


def split_header(text: str, *, strict: bool = False) -> tuple[str | None, str | None]:
    """Split `Type: message` into its parts; a text without a type is all message.

    Args:
        text: The header's lines.
        strict: Whether only a name that ends as errors' names do counts as a type.
    """
    text = text.strip()[:_MAX_MESSAGE]
    first, _, rest = text.partition("\n")
    match = _HEADER.match(first)
    if match is None:
        return None, text or None
    name, message = match["type"], match["message"]
    has_colon = message is not None or first.rstrip().endswith(":")
    is_error = _ERROR_NAME.search(name) is not None
    is_plausible = message is not None and (name[:1].isupper() or "." in name)
    if not is_error and (strict or not is_plausible):
        return None, text or None
    # Lines after a bare type are not its message but whatever the log has next.
    return name, (f"{message or ''}\n{rest}".strip() or None) if has_colon else None


def is_header(line: str) -> bool:
    """Tell whether a line surely names an error."""
    return split_header(line, strict=True)[0] is not None


def read_number(text: str) -> int | None:
    """Read a line or column number, or nothing when it cannot be one."""
    if not text or len(text) > 9 or not (text.isascii() and text.isdigit()):
        return None
    return int(text)
