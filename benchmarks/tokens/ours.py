"""Our MCP server as a process, on a store that was filled the way events take."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.provenance import KEEP_ALL
from benchmarks.tokens.events import Event, Found
from benchmarks.tokens.stdio import Server, running, shown
from provenance_core.events import Via
from provenance_core.origins import OriginConfig
from provenance_server.ingest import from_sentry
from provenance_storage.store import Store


def fill(database_url: str, sets: Mapping[str, list[Event]]) -> list[Found]:
    """Record events, an origin for each set, and return the one that began each issue."""
    found: dict[str, Found] = {}
    with closing(Store.open(database_url)) as store:
        for name, events in sets.items():
            origin = store.origins.create(name, name, None, OriginConfig.model_validate(KEEP_ALL))
            for event in events:
                (recorded,) = store.record([from_sentry(origin, event, Via.PUBLIC)])
                issue = str(recorded.issue_id)
                found.setdefault(issue, Found(name, issue, event))
    return list(found.values())


class Ours:
    """Ask our server what an agent would ask."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.instructions = str(server.start().get("instructions") or "")
        self.tools = server.tools()

    def listed(self, events: str, limit: int) -> str:
        """Return a list of issues as the model reads it."""
        return self._call("get_error_issues", origin=events, limit=limit, status=["open", "regressed"])

    def issue(self, found: Found, detail: str = "concise") -> str:
        """Return an issue as the model reads it."""
        return self._call("get_error_issue", issueId=found.issue, detail=detail)

    def resolve(self, found: Found) -> str:
        """Return what resolving an issue answers."""
        return self._call("update_error_issue_status", issueId=found.issue, status="resolved")

    def create_release(self, events: str, version: str) -> str:
        """Return what creating a release answers."""
        return self._call("create_release", origin=events, version=version)

    def releases(self, events: str, limit: int) -> str:
        """Return a list of releases as the model reads it."""
        return self._call("get_releases", origin=events, limit=limit)

    def _call(self, tool: str, **arguments: Any) -> str:
        return shown(self._server.call(tool, arguments))


@contextmanager
def asking(database_url: str, home: Path) -> Generator[Ours]:
    """Run our server on a store."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROVENANCE_")}
    own = {"PROVENANCE_DATABASE_URL": database_url, "PROVENANCE_CONFIG": str(home / "config.json")}
    with running([sys.executable, "-m", "provenance_cli", "mcp"], kept | own, home / "ours.log") as server:
        yield Ours(server)
