"""The smallest part of Sentry's API that its MCP server needs, on this machine, with events as SDKs sent them.

It keeps events whole. `limited` cuts one as Sentry's own ingestion does, where that is known: frames, messages and
variables. Titles are cut as there unless the whole ones are asked for.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.tokens.sentry_shapes import STARTED, Json, culprit, errors_of, frames_of, moment, shape_event, title

ORGANIZATION = "acme"
SENTRY_FRAMES, SENTRY_TEXT, SENTRY_TITLE = 250, 8_192, 256
"""What Sentry's ingestion keeps of a stack, of a text, and of the first line of a message in a title."""

_API = "/api/0"


@dataclass(slots=True)
class Issue:
    """An issue with the one event it has."""

    number: int
    project: str
    event: Json
    title: str
    status: str = "unresolved"


@dataclass(slots=True)
class Book:
    """What the API serves: issues by short id, projects and releases by name."""

    issues: dict[str, Issue] = field(default_factory=dict[str, Issue])
    projects: list[str] = field(default_factory=list[str])
    releases: list[str] = field(default_factory=list[str])

    def add(self, project: str, event: Json, *, whole_title: bool = False) -> str:
        """Add an issue that an event began, its title cut as Sentry does unless told otherwise; return its short id."""
        if project not in self.projects:
            self.projects.append(project)
        number = len(self.issues) + 1
        short_id = f"{project.upper()}-{number}"
        self.issues[short_id] = Issue(number, project, event, title(event)[: None if whole_title else SENTRY_TITLE])
        return short_id

    def issue(self, reference: str) -> Issue | None:
        """Return the issue of a number or short id."""
        known = {str(issue.number): issue for issue in self.issues.values()} | self.issues
        return known.get(reference)


def limited(event: Json) -> Json:
    """Return an event as Sentry's own ingestion keeps it: 250 frames at most, texts of 8,192 characters."""
    kept = copy.deepcopy(event)
    for error in errors_of(kept):
        error["value"] = _cut(error.get("value"))
        frames = frames_of(error)
        del frames[SENTRY_FRAMES - 1 : -1]
        for frame in frames:
            variables: Json = frame.get("vars") or {}
            frame["vars"] = {name: _cut(value) for name, value in variables.items()}
    return kept


def _cut(value: Any) -> Any:
    return value[: SENTRY_TEXT - 3] + "..." if isinstance(value, str) and len(value) > SENTRY_TEXT else value


@contextmanager
def serving(book: Book) -> Generator[int]:
    """Serve on a free port, which is given."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_PUT(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _answer(self, body: Json) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            path = unquote(parts.path.removeprefix(_API).strip("/"))
            found = answer(book, f"http://{self.headers['host']}", path, query, body)
            raw = json.dumps(found if found is not None else {"detail": "Not found"}).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(book: Book, base: str, path: str, query: dict[str, str], body: Json) -> Any:
    """Return what the API answers, or None where it has nothing."""
    organization = f"organizations/{ORGANIZATION}"
    lists: dict[str, Callable[[], list[Json]]] = {
        "organizations": lambda: [{"id": "1", "slug": ORGANIZATION, "name": "Acme"}],
        f"{organization}/projects": lambda: [_project(book, name) for name in book.projects],
        f"{organization}/issues": lambda: _list(book, base, query),
        f"{organization}/releases": lambda: [_release(book, *numbered) for numbered in enumerate(book.releases)],
    }
    if path in lists:
        return lists[path]()
    if found := re.fullmatch(rf"projects/{ORGANIZATION}/([^/]+)", path):
        return _project(book, found[1]) if found[1] in book.projects else None
    found = re.fullmatch(rf"{organization}/issues/([^/]+)(/events/[^/]+)?", path)
    issue = book.issue(found[1]) if found else None
    if found is None or issue is None:
        return None
    issue.status = body.get("status", issue.status)
    return shape_event(issue.event) if found[2] else _issue(book, issue, base)


def _list(book: Book, base: str, query: dict[str, str]) -> list[Json]:
    issues = [issue for issue in book.issues.values() if query.get("project") in (None, _number(book, issue.project))]
    return [_issue(book, issue, base) for issue in issues[: int(query.get("limit", "100"))]]


def _number(book: Book, project: str) -> str:
    return str(book.projects.index(project) + 1)


def _project(book: Book, name: str) -> Json:
    return {"id": _number(book, name), "slug": name, "name": name}


def _issue(book: Book, issue: Issue, base: str) -> Json:
    short_id = f"{issue.project.upper()}-{issue.number}"
    return {
        "id": str(issue.number),
        "shortId": short_id,
        "title": issue.title,
        "culprit": culprit(issue.event),
        "permalink": f"{base}/organizations/{ORGANIZATION}/issues/{issue.number}/",
        "status": issue.status,
        "substatus": "ongoing",
        "project": _project(book, issue.project) | {"platform": issue.event.get("platform")},
        "platform": issue.event.get("platform"),
        "count": "1",
        "userCount": 1 if issue.event.get("user") else 0,
        "firstSeen": moment(STARTED),
        "lastSeen": moment(STARTED),
        "assignedTo": None,
        "issueType": "error",
        "issueCategory": "error",
    }


def _release(book: Book, number: int, version: str) -> Json:
    return {
        "id": number + 1,
        "version": version,
        "shortVersion": version.rpartition("@")[2],
        "dateCreated": moment(STARTED + timedelta(hours=number)),
        "dateReleased": None,
        "firstEvent": None,
        "lastEvent": None,
        "newGroups": 0,
        "lastCommit": None,
        "lastDeploy": None,
        "projects": [{"id": 1, "slug": book.projects[0], "name": book.projects[0]}],
    }
