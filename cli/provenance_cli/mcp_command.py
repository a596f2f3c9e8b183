"""Serve MCP with what the command line says."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from provenance_cli.session import Session, user_name
from provenance_core.errors import InvalidInput
from provenance_server.mcp_process import run
from provenance_server.settings import environment_variable

_VARIABLE = environment_variable("origin")
_STARTED_BY_HAND = (
    "This speaks MCP on stdin and stdout: an agent's host starts it. See `provenance mcp --help`; Ctrl-C ends it."
)


def serve_mcp(flags: Mapping[str, str | None]) -> None:
    """Serve MCP over stdin and stdout until stdin ends.

    Args:
        flags: What the command line says, by the names of the settings; here `origin` is the only one there is to be.

    Raises:
        InvalidInput: A setting is malformed, or a bound is empty.
    """
    origin = _only_origin(flags.get("origin"))
    settings = Session({name: value for name, value in flags.items() if name != "origin"}).settings
    if sys.stdin and sys.stdin.isatty():
        print(_STARTED_BY_HAND, file=sys.stderr)
    run(settings, user_name(), origin)


def _only_origin(flag: str | None) -> str | None:
    """Return the only origin there is to be, which a host's entry says as a flag or in the environment.

    The config file is not asked: its `origin` is what a person means where a command names none. Hosts pass a variable
    whose value was left empty, which bounds nothing; an empty flag is a mistake.

    Raises:
        InvalidInput: The bound is empty.
    """
    origin, name = (flag, "--origin") if flag is not None else (os.environ.get(_VARIABLE) or None, _VARIABLE)
    if origin is not None and not origin.strip():
        raise InvalidInput(f"{name} is empty, which bounds nothing. Say which origin, or leave it out.")
    return origin
