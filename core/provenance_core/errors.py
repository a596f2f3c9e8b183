"""One error hierarchy for every layer.

    ProvenanceError
    ├── InvalidInput            400  the request is not understood
    │   └── UnsupportedEncoding 415  the body's encoding is not known
    ├── Unauthorized            401  no key, or a wrong one
    ├── Forbidden               403  the key may not do this
    ├── NotFound                404
    ├── Conflict                409  the state does not allow it; nothing changed
    ├── TooLarge                413
    ├── TooManyRequests         429
    └── Unavailable             503  the store or the server cannot be reached
        └── Busy                503  another process holds the store; a moment later it may go

A message is written for the caller: it says what is wrong and what would work. It never contains text taken from an
event; of the caller's own argument it may quote what `quoted` returns.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ProvenanceError(Exception):
    """Report something the caller can act on.

    Args:
        message: What is wrong and what to do next.
        details: Machine-readable facts about it, for the error body.
    """

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}


class InvalidInput(ProvenanceError):
    """Say that the request is malformed or has a wrong argument."""

    code = "invalid_input"
    http_status = 400
    exit_code = 2


class UnsupportedEncoding(InvalidInput):
    """Say that the body is encoded in a way the server does not read."""

    code = "unsupported_encoding"
    http_status = 415


class Unauthorized(ProvenanceError):
    """Say that a key is missing or unknown."""

    code = "unauthorized"
    http_status = 401


class Forbidden(ProvenanceError):
    """Say that the caller may not do this."""

    code = "forbidden"
    http_status = 403


class NotFound(ProvenanceError):
    """Say that the named thing does not exist."""

    code = "not_found"
    http_status = 404


class Conflict(ProvenanceError):
    """Say that the present state refuses the change; nothing was changed."""

    code = "conflict"
    http_status = 409


class TooLarge(ProvenanceError):
    """Say that the body or the event is over its size limit."""

    code = "too_large"
    http_status = 413


class TooManyRequests(ProvenanceError):
    """Say that the server takes no more for a moment.

    Args:
        message: What is wrong and what to do next.
        retry_after: Seconds to wait before the next try.
    """

    code = "too_many_requests"
    http_status = 429

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message, {"retryAfter": retry_after})
        self.retry_after = retry_after


class Unavailable(ProvenanceError):
    """Say that the store or the server cannot be reached."""

    code = "unavailable"
    http_status = 503
    exit_code = 3


class Busy(Unavailable):
    """Say that another process holds the store for now.

    Attributes:
        uncertain: Whether it is not known what became of the change: the connection broke while it was committed.
    """

    code = "busy"
    uncertain = False


def all_errors() -> dict[str, type[ProvenanceError]]:
    """Return every error class by its code, so that a remote answer becomes the same error again."""
    found: dict[str, type[ProvenanceError]] = {}
    stack: list[type[ProvenanceError]] = [ProvenanceError]
    while stack:
        cls = stack.pop()
        found[cls.code] = cls
        stack.extend(cls.__subclasses__())
    return found
