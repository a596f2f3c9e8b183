"""Show the main job on real events: an application breaks, an agent reads and resolves, the error comes back."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.text import Text

from provenance_core.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from mcp import Client

BROKEN, MENDED, AGAIN = "shop@1.0.0", "shop@1.1.0", "shop@1.2.0"
SHOP = Path(__file__).with_name("demo_shop.py")
STOP_SECONDS = 10
_SHOWN_STACK = 24

_console = Console(highlight=False, width=110 if not sys.stdout.isatty() else None)


def run_demo() -> None:
    """Run the whole story on a store of its own, which is removed at the end.

    Raises:
        InvalidInput: `sentry-sdk` is not installed.
        Unavailable: The server does not start.
    """
    if importlib.util.find_spec("sentry_sdk") is None:
        raise InvalidInput("The demo's shop needs sentry-sdk: pip install 'provenance-errors[demo]'.")
    with tempfile.TemporaryDirectory(prefix="provenance-demo-") as folder:
        environment = _environment(Path(folder))
        with _server(environment) as url:
            _say("1", f"A server runs at {url}, on one SQLite file.")
            dsn = _create_origin(url)
            _say("2", f"The application `shop` reports to it through the official sentry-sdk: SENTRY_DSN={dsn}")
            asyncio.run(_story(environment, dsn))
    _connect()


async def _story(environment: dict[str, str], dsn: str) -> None:
    """Tell what an agent sees through MCP over stdio while the shop breaks."""
    from mcp import Client, StdioServerParameters  # noqa: PLC0415  # half a second that other commands need not pay
    from mcp.types import Implementation  # noqa: PLC0415

    _run_shop(environment, dsn, BROKEN)
    server = StdioServerParameters(command=sys.executable, args=["-m", "provenance_cli", "mcp"], env=environment)
    async with Client(server, client_info=Implementation(name="demo-agent", version="1")) as agent:
        _say("3", f"The shop ran in release {BROKEN} and broke. An agent connects over MCP and lists the issues:")
        issues = await _call(agent, "get_error_issues", {"origin": "shop", "sort": "firstSeen", "order": "asc"})
        for row in issues["items"]:
            _show(f"{row['shortId']:8} {row['status']:10} {_events(row):9} {row['reported']['title']}")
        issue = issues["items"][0]["shortId"]
        _say("4", f"It reads {issue}: the root cause first, with the source lines and variables that matter:")
        detail = await _call(agent, "get_error_issue", {"issueId": issue})
        _show("\n".join(detail["event"]["reported"]["stack"].splitlines()[:_SHOWN_STACK]))
        _say("5", f"It fixes the code, and release {MENDED} goes out. Now that the fix runs, the agent registers it:")
        _run_shop(environment, dsn, MENDED)
        release = await _call(agent, "create_release", {"origin": "shop", "version": MENDED})
        _show(release["version"])
        _say("6", "It resolves the issue in that release:")
        change = {"issueId": issue, "status": "resolved", "release": MENDED, "note": "Refuse orders without a price."}
        await _call(agent, "update_error_issue_status", change)
        _status(await _call(agent, "get_error_issue", {"issueId": issue}))
        _run_shop(environment, dsn, AGAIN)
        _say("7", f"Release {AGAIN} goes out without the fix, and the error is back. The issue regressed by itself:")
        after = await _call(agent, "get_error_issue", {"issueId": issue})
        _status(after)
        for entry in after["history"]:
            release = entry.get("release") or entry.get("reported", {}).get("version", "")
            _show(f"{entry['at']}  {entry['fromStatus']} → {entry['toStatus']}  {release}  by {entry['actor']}")
        if after["status"] != "regressed":
            raise Unavailable("The issue did not regress; this is a fault of provenance, please report it.")


def _status(answer: dict[str, Any]) -> None:
    resolved = answer.get("resolvedIn") or answer["reported"].get("resolvedIn")
    of_release = "" if answer["status"] == "resolved" else "was resolved "
    _show(f"{answer['shortId']}: {answer['status']} ({of_release}in {resolved}), {_events(answer)}")


def _events(answer: dict[str, Any]) -> str:
    count = answer["eventCount"]
    return "1 event" if count == 1 else f"{count} events"


async def _call(agent: Client, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await agent.call_tool(name, arguments)
    answer: Any = result.structured_content
    if result.is_error or not isinstance(answer, dict):
        raise Unavailable(f"The tool {name} refused; this is a fault of provenance, please report it.")
    return cast("dict[str, Any]", answer)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROVENANCE_")}
    store = f"sqlite:///{folder / 'demo.sqlite3'}"
    return kept | {"PROVENANCE_DATABASE_URL": store, "PROVENANCE_CONFIG": str(folder / "config.json")}


@contextmanager
def _server(environment: dict[str, str]) -> Generator[str]:
    """Run `provenance serve` on a free port and give its address."""
    command = [sys.executable, "-m", "provenance_cli", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603  # our own
    try:
        line = process.stdout.readline() if process.stdout else ""
        found = next((word.rstrip(".,") for word in line.split() if word.startswith("http://")), None)
        if found is None:
            raise Unavailable("The server did not start; see what it said above.")
        yield found
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        if process.stdout:
            process.stdout.close()


def _create_origin(url: str) -> str:
    from provenance_core.access import Door, local_access  # noqa: PLC0415
    from provenance_server.client import RemoteClient  # noqa: PLC0415  # with its operations
    from provenance_server.operations import CREATE_ORIGIN  # noqa: PLC0415

    client = RemoteClient(url, None, local_access("demo", Door.CLI, "provenance demo"))
    origin = client.call(CREATE_ORIGIN, {"mnemonic": "shop"})
    client.close()
    return f"{url.replace('://', f'://{origin.public_key}@')}/{origin.number}"


def _run_shop(environment: dict[str, str], dsn: str, release: str) -> None:
    """Run the shop once, in a release."""
    told = {"SENTRY_DSN": dsn, "SHOP_RELEASE": release} | ({"SHOP_MENDED": "1"} if release == MENDED else {})
    subprocess.run([sys.executable, str(SHOP)], env=environment | told, check=True)  # noqa: S603  # our own


def _connect() -> None:
    command = shutil.which("provenance") or str(Path(sys.executable).with_name("provenance"))
    _say("", "Connect your agent (it works on your own store, in your data folder):")
    _show(f"Claude Code   claude mcp add provenance -- {command} mcp")
    entry = f'{{"command":"{command}","args":["mcp"]}}'
    _show(f'Cursor        .cursor/mcp.json   {{"mcpServers":{{"provenance":{entry}}}}}')
    _show(f'VS Code       .vscode/mcp.json   {{"servers":{{"provenance":{entry}}}}}')
    _say("", "Connect your application:")
    _show(f"{command} serve                    # the server, on http://127.0.0.1:4000")
    _show(f"{command} origins create my-app    # prints the DSN for any Sentry SDK")


def _say(number: str, text: str) -> None:
    _console.print()
    _console.print(Text(f"{number}. {text}" if number else text, style="bold"), soft_wrap=True)


def _show(text: str) -> None:
    for line in text.splitlines():
        _console.print(Text(f"   {line}"), soft_wrap=True)
