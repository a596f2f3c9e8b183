"""Sentry's own MCP server, installed from npm once and run against the stand-in for its API."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.tokens.events import TITLES, Found
from benchmarks.tokens.sentry_api import ORGANIZATION, Book, limited, serving
from benchmarks.tokens.stdio import Server, running, text_of

PACKAGE = "@sentry/mcp-server"
VERSION = "0.39.0"
OLDEST_NODE = 22
ENTRY = f"node_modules/{PACKAGE}/dist/index.js"


def default_folder() -> Path:
    """Return where the peer is installed unless told otherwise: the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "provenance-bench" / f"sentry-mcp-{VERSION}"


def install(folder: Path) -> None:
    """Install the peer if it is not there yet.

    Raises:
        SystemExit: There is no Node that is new enough, or npm failed.
    """
    told = subprocess.run([_program("node"), "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.strip().lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise SystemExit(f"{PACKAGE} needs Node {OLDEST_NODE} or later; here is {told.strip()}.")
    if (folder / ENTRY).exists():
        return
    print(f"Installing {PACKAGE} {VERSION} into {folder}; this is done once.", file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix", str(folder)]
    done = subprocess.run(
        [_program("npm"), "install", *options, f"{PACKAGE}@{VERSION}"], env=_environment(), check=False
    )
    if done.returncode:
        raise SystemExit(f"npm could not install {PACKAGE} {VERSION}.")


class Theirs:
    """Ask the peer what an agent would ask."""

    def __init__(self, server: Server, issues: dict[str, str], trimmed: dict[str, str]) -> None:
        self._server = server
        self._issues = issues
        self._trimmed = trimmed
        self.instructions = str(server.start().get("instructions") or "")
        self.tools = server.tools()

    def listed(self, events: str, limit: int, *, trimmed: bool = False) -> str:
        """Return a list of issues as the model reads it."""
        project = _trimmed_name(events) if trimmed else events
        return self._call("search_issues", projectSlugOrId=project, limit=limit, query="is:unresolved", period="90d")

    def issue(self, found: Found, *, trimmed: bool = False) -> str:
        """Return an issue as the model reads it."""
        known = self._trimmed if trimmed else self._issues
        return self._call("get_sentry_resource", resourceType="issue", resourceId=known[found.issue])

    def breadcrumbs(self, found: Found, *, trimmed: bool = False) -> str:
        """Return the breadcrumbs of an issue's latest event, which the issue itself leaves out."""
        known = self._trimmed if trimmed else self._issues
        return self._execute("get_issue_breadcrumbs", issueId=known[found.issue])

    def resolve(self, found: Found) -> str:
        """Return what resolving an issue answers."""
        return self._call("update_issue", issueId=self._issues[found.issue], status="resolved")

    def releases(self) -> str:
        """Return a list of releases as the model reads it."""
        return self._execute("find_releases")

    def _execute(self, name: str, **arguments: Any) -> str:
        """Call a tool that is not in the list."""
        asked = {"organizationSlug": ORGANIZATION, **arguments}
        return text_of(self._server.call("execute_sentry_tool", {"name": name, "arguments": asked}))

    def _call(self, tool: str, **arguments: Any) -> str:
        return text_of(self._server.call(tool, {"organizationSlug": ORGANIZATION, **arguments}))


@contextmanager
def asking(folder: Path, found: Iterable[Found], releases: Iterable[str], home: Path) -> Generator[Theirs]:
    """Run the peer on the same events; hostile ones also as Sentry's ingestion would have cut them."""
    install(folder)
    book = Book(releases=list(releases))
    issues: dict[str, str] = {}
    trimmed: dict[str, str] = {}
    for one in found:
        issues[one.issue] = book.add(one.events, one.event, whole_title=one.events == TITLES)
        trimmed[one.issue] = book.add(_trimmed_name(one.events), limited(one.event))
    with serving(book) as port:
        command = [_program("node"), str(folder / ENTRY), f"--host=127.0.0.1:{port}", "--insecure-http"]
        command += ["--access-token=benchmark", "--sentry-dsn="]
        with running(command, _environment(), home / "theirs.log") as server:
            yield Theirs(server, issues, trimmed)


def _trimmed_name(events: str) -> str:
    return f"{events}-trimmed"


def _program(name: str) -> str:
    """Return a program of Node: that of this environment, or else of the machine.

    Raises:
        SystemExit: There is none.
    """
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not here; `make install` brings one.")
    return found


def _environment() -> dict[str, str]:
    """Return an environment without keys of language models, so that the peer searches by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return kept | {"PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}"}
