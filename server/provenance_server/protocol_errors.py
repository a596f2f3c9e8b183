"""The one place where a refusal becomes an error of the MCP protocol; a refused tool call is a tool error instead."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS

from provenance_core.errors import InvalidInput, NotFound, ProvenanceError, TooManyRequests
from provenance_server.faults import trace

L = TypeVar("L")
P = TypeVar("P")
R = TypeVar("R")

REFUSED = -32003
"""One of the numbers that JSON-RPC leaves to servers: not allowed, or not now; `data` says why."""

FAULT = "Provenance failed on this call; that is a fault of it. Its log on stderr says more."

_log = logging.getLogger(__name__)


def protocol_error(error: ProvenanceError, uri: str | None = None) -> MCPError:
    """Return a refusal as a protocol error; what is not there is an invalid parameter, as the specification wants it.

    Args:
        error: What was refused.
        uri: Which resource was asked for.
    """
    if isinstance(error, NotFound | InvalidInput):
        return MCPError(INVALID_PARAMS, error.message, {"uri": uri} if uri is not None else None)
    data: dict[str, Any] = {"code": error.code}
    if isinstance(error, TooManyRequests):
        data["retryAfter"] = error.retry_after
    return MCPError(REFUSED, error.message, data)


def answering(
    handler: Callable[[ServerRequestContext[L, Any], P], Awaitable[R]],
) -> Callable[[ServerRequestContext[L, Any], P], Awaitable[R]]:
    """Let a handler fail in our words only: the SDK would tell the client an exception's own."""

    @wraps(handler)
    async def answer(context: ServerRequestContext[L, Any], params: P) -> R:
        try:
            return await handler(context, params)
        except MCPError:
            raise
        except ProvenanceError as error:
            raise protocol_error(error) from None
        except Exception as error:  # noqa: BLE001  # the outermost place of a request: the server goes on
            _log.error("%s failed.\n%s", context.method, trace(error))
            raise MCPError(INTERNAL_ERROR, FAULT) from None

    return answer
