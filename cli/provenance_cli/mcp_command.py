"""Serve MCP with what the command line says."""

from __future__ import annotations

from collections.abc import Mapping

from provenance_cli.session import Session, user_name
from provenance_core.errors import InvalidInput
from provenance_server.mcp_process import run


def serve_mcp(flags: Mapping[str, str | None]) -> None:
    """Serve MCP over stdin and stdout until stdin ends.

    Args:
        flags: What the command line says, by the names of the settings; here `origin` is the only one there is to be.

    Raises:
        InvalidInput: A setting is malformed, or a bound is empty.
    """
    origin = flags.get("origin")
    if origin is not None and not origin.strip():
        raise InvalidInput("--origin is empty, which bounds nothing. Say which origin, or leave the option out.")
    settings = Session({name: value for name, value in flags.items() if name != "origin"}).settings
    run(settings, user_name(), origin)
