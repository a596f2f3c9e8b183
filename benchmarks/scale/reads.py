"""Time what people and agents ask for, through the HTTP API of a real server."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.provenance import Running
from benchmarks.report import quantile
from benchmarks.scale.fill import RARE_WORD

LIST = "/api/error-issues"
ASKED = 200
WARM = 20
RESOLVED = 100
PAGE = 100


@dataclass(frozen=True, slots=True)
class Times:
    """How long an operation takes in milliseconds, and how many bytes it answers."""

    p50: float
    p99: float
    bytes: int


class Reader:
    """Ask a server over one connection, as a client with a pool does."""

    def __init__(self, server: Running) -> None:
        parts = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._chance = random.Random(1)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, path: str, query: Mapping[str, str | int] | None = None) -> bytes:
        """Return an answer.

        Raises:
            SystemExit: The server refused.
        """
        self._connection.request("GET", f"{path}?{urlencode(query)}" if query else path)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"GET {path} {query} was answered {answer.status}: {content[:500]!r}")
        return content

    def list(self, query: Mapping[str, str | int]) -> dict[str, Any]:
        """Return a page of issues."""
        return json.loads(self.ask(LIST, query))

    def time(self, next_request: Callable[[], tuple[str, Mapping[str, str | int]]]) -> Times:
        """Time requests, one after the other."""
        seconds: list[float] = []
        size = 0
        for number in range(WARM + ASKED):
            path, query = next_request()
            began = time.perf_counter()
            answer = self.ask(path, query)
            if number >= WARM:
                seconds.append(time.perf_counter() - began)
                size += len(answer)
        return Times(quantile(seconds, 0.5) * 1e3, quantile(seconds, 0.99) * 1e3, size // ASKED)

    def issues(self) -> list[str]:
        """Return ids of issues: of those with the most events, of the oldest and of the newest."""
        pages = ({"sort": "eventCount"}, {"sort": "firstSeen", "order": "asc"}, {"sort": "lastSeen"})
        found = [issue["id"] for page in pages for issue in self.list({**page, "limit": PAGE})["items"]]
        self._chance.shuffle(found)
        return found


def resolve_some(server: Running, reader: Reader) -> None:
    """Give some issues another status, so that the filter has something to leave out."""
    for issue in reader.issues()[:RESOLVED]:
        server.call("PATCH", f"{LIST}/{issue}/status", {"status": "resolved"})


def pages(reader: Reader) -> dict[str, dict[str, str | int]]:
    """Return the lists to time, by name."""
    lists: dict[str, dict[str, str | int]] = {
        "list": {},
        "list, 100 a page": {"limit": PAGE},
        "list, one origin": {"origin": "shop-1"},
        "list, status=open": {"status": "open"},
        "list, status=resolved": {"status": "resolved"},
        "list, one origin, status=open": {"origin": "shop-1", "status": "open"},
        "list, sort=firstSeen": {"sort": "firstSeen"},
        "list, sort=eventCount": {"sort": "eventCount"},
        "list, sort=userCount": {"sort": "userCount"},
        "list, order=asc": {"order": "asc"},
        "list, rare word": {"query": RARE_WORD},
        "list, word of none": {"query": "nowhere"},
        "list, environment": {"environment": "staging"},
        "list, release": {"release": "shop@1.150.0"},
        "list, since=24h": {"since": "24h"},
    }
    lists["list, second page"] = {"cursor": reader.list({})["nextCursor"]}
    lists["list, second page, sort=eventCount"] = {
        "sort": "eventCount",
        "cursor": reader.list({"sort": "eventCount"})["nextCursor"],
    }
    return lists


def time_lists(reader: Reader, lists: Mapping[str, dict[str, str | int]]) -> dict[str, Times]:
    """Time each list."""
    return {name: reader.time(lambda query=query: (LIST, query)) for name, query in lists.items()}


def time_details(reader: Reader) -> dict[str, Times]:
    """Time reading one issue, each time another, with its latest and its first event, and listing its events."""
    found = reader.issues()
    chance = random.Random(2)
    return {
        "detail, latest event": reader.time(lambda: (f"{LIST}/{chance.choice(found)}", {})),
        "detail, first event": reader.time(lambda: (f"{LIST}/{chance.choice(found)}", {"event": "first"})),
        "events of an issue": reader.time(lambda: (f"{LIST}/{chance.choice(found)}/events", {})),
    }
