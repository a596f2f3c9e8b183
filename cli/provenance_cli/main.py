"""Start the command: dispatch, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import gc
import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from provenance_cli.mcp_words import mcp_flags
from provenance_core.access import Scope
from provenance_core.clean import clean, clean_line
from provenance_core.errors import Forbidden, InvalidInput, ProvenanceError, Unauthorized

PROGRAM = "provenance"
ROOT_OPTIONS = ("--api-url", "--api-key", "--database-url")
"""The options that may stand anywhere on the line."""

_LONGEST_MESSAGE = 2_000
_SCOPES_OF_COMMANDS = [scope for scope in Scope if scope is not Scope.INGEST]
_INTERRUPTED = 130
_PIPE_CLOSED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: The words after the program's name; this process's unless given.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    _accept_any_text()
    plain = mcp_flags(words)
    if plain is not None:
        return guarded(lambda: _run_mcp(plain), as_json=False)
    return guarded(lambda: _run(words or ["--help"], alone=argv is None), as_json="--json" in words)


def guarded(run: Callable[[], int], *, as_json: bool) -> int:
    """Run a command and return its exit code, which an error of ours, an interrupt and a closed pipe have too."""
    try:
        code = run()
        if sys.stdout:
            sys.stdout.flush()
    except ProvenanceError as error:
        _tell(error, as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return code


def root_options_first(words: Sequence[str]) -> list[str]:
    """Return the words with the root's options in front, where the parser wants them."""
    front: list[str] = []
    rest: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--":
            return [*front, *rest, word, *left]
        if word in ROOT_OPTIONS:
            front += [word, *(value for value in [next(left, None)] if value is not None)]
        elif word.startswith(tuple(f"{option}=" for option in ROOT_OPTIONS)):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest]


def _run_mcp(flags: Mapping[str, str | None]) -> int:
    """Serve MCP without building the command line: a host waits for the first answer."""
    gc.disable()  # what is imported stays; collecting meanwhile costs a fifth of the start
    try:
        from provenance_cli.mcp_command import serve_mcp  # noqa: PLC0415  # needed by this command only
    finally:
        gc.enable()
    gc.freeze()
    serve_mcp(flags)
    return 0


def _run(words: list[str], *, alone: bool) -> int:
    """Run a command of the Typer app.

    Args:
        words: The command's words.
        alone: Whether this process is there for the command only, which may then take its place.

    Raises:
        InvalidInput: The words are no command.
        ProvenanceError: Whatever the command refuses.
    """
    from typer import TyperException  # noqa: PLC0415  # `provenance mcp` starts without it
    from typer.main import get_command  # noqa: PLC0415  # as above

    from provenance_cli.app import app  # noqa: PLC0415  # loads typer and all commands
    from provenance_cli.server_program import ServerCommand  # noqa: PLC0415  # `provenance mcp` starts without it

    try:
        code = get_command(app).main(root_options_first(words), PROGRAM, standalone_mode=False)
    except TyperException as error:
        message = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":  # private, and its message is the help
            print(message, file=sys.stderr)
            return error.exit_code
        command = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
        raise InvalidInput(f"{message if message[-1:] in '.?' else message + '.'} See `{command} --help`.") from None
    if isinstance(code, ServerCommand):
        return code.replace_process() if alone else code.run()
    return code if isinstance(code, int) else 0


def _tell(error: ProvenanceError, *, as_json: bool) -> None:
    message = clean_line(error.message, _LONGEST_MESSAGE)
    if as_json:
        body = {"code": error.code, "message": clean(error.message), "details": error.details}
        print(json.dumps({"error": body}), file=sys.stderr)
    else:
        print(f"Error: {message}", file=sys.stderr)
        if sys.stderr.isatty():
            _tell_how_keys_are_made(error)


def _tell_how_keys_are_made(error: ProvenanceError) -> None:
    """Tell a person at a terminal what makes the key that is missing; the refusal itself is read by agents, too."""
    scope = error.details.get("scope")
    if isinstance(error, (Unauthorized, Forbidden)) and scope in _SCOPES_OF_COMMANDS:
        made = f"provenance keys create --label me --scope {scope}"
        print(f"Who runs the server makes one on its machine: {made}", file=sys.stderr)


def _accept_any_text() -> None:
    """Write what the terminal's encoding lacks as an escape, so that printing never fails."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
