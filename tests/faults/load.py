"""Clients that send events over HTTP to servers that may go away, and take note of what they are answered."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

CLIENTS = 8
ISSUES = 12
RELEASES = (None, "1.0", "1.1", "2.0")
AGAIN = 8
"""One event in so many is sent once more after it was acknowledged."""

ANSWER_SECONDS = 100
"""A server may keep a sender waiting for longer than a store may be held."""

WAIT_SECONDS = 60


@dataclass(frozen=True)
class Key:
    """What a sender needs to know of an origin."""

    number: int
    public: str

    @classmethod
    def of(cls, origin: dict[str, Any]) -> Key:
        """Return the key of an origin as the API tells it."""
        return cls(origin["number"], origin["publicKey"])


@dataclass(frozen=True)
class Refusal:
    """An answer to a sender that is none of 200; its headers are named in small letters."""

    status: int
    headers: dict[str, str]
    body: str
    seconds: float


@dataclass
class Load:
    """Clients on threads of their own, for as long as the context lasts.

    What is not answered is sent again under its id, to the same server or the next one, as a sender may; what is
    refused is not.

    Args:
        key: As whom they send.
        clients: How many there are.
        issues: How many kinds of errors they have.
        padding: How many characters each event carries beside what it must.
        prefix: What tells these events from those of another load.
    """

    key: Key
    clients: int = CLIENTS
    issues: int = ISSUES
    padding: int = 0
    prefix: int = 0
    sent: set[str] = field(default_factory=set[str])
    acknowledged: set[str] = field(default_factory=set[str])
    refusals: list[Refusal] = field(default_factory=list[Refusal])
    repeated: int = 0
    unanswered: int = 0
    _count: int = 0
    _urls: tuple[str, ...] = ()
    _turn: int = 0
    _stopping: bool = False

    def __post_init__(self) -> None:
        self._told = threading.Condition()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(self.clients)]

    def __enter__(self) -> Self:
        """Start the clients; they wait until they are told where to send."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the clients, unless they stopped before."""
        self.stop()

    def aim(self, *urls: str) -> None:
        """Send to these servers from now on; each client to one of them."""
        with self._told:
            self._urls, self._turn = urls, self._turn + 1
            self._told.notify_all()

    def stop(self) -> None:
        """Let every client have its answer, and stop it."""
        with self._told:
            self._stopping = True
            self._told.notify_all()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads)

    def wait_for(self, acknowledged: int) -> None:
        """Wait until so many more events are acknowledged."""
        with self._told:
            wanted = len(self.acknowledged) + acknowledged
            arrived = self._told.wait_for(lambda: len(self.acknowledged) >= wanted, WAIT_SECONDS)
            assert arrived, f"{wanted - len(self.acknowledged)} events are missing; refused: {self.refusals[-1:]}"

    def wait_for_refusals(self, refused: int) -> None:
        """Wait until so many more events are refused."""
        with self._told:
            wanted = len(self.refusals) + refused
            assert self._told.wait_for(lambda: len(self.refusals) >= wanted, WAIT_SECONDS)

    def pause(self, seconds: float) -> None:
        """Let time pass while the clients go on."""
        with self._told:
            self._told.wait(seconds)

    def _run(self, number: int) -> None:
        chance = random.Random(self.prefix * 1000 + number)
        pending: str | None = None
        while True:
            with self._told:
                self._told.wait_for(lambda: self._stopping or self._urls, WAIT_SECONDS)
                if self._stopping and (pending is None or not self._urls):
                    return
                turn = self._turn
                url = self._urls[number % len(self._urls)]
            connection = _connected(url)
            try:
                while self._turn == turn and not (self._stopping and pending is None):
                    pending = pending or self._next(chance)
                    self._note(pending, *_sent(connection, self._path, self._body(pending)))
                    pending = None
            except (OSError, HTTPException):
                with self._told:
                    self.unanswered += pending is not None
                    if self._stopping:
                        return
                    self._told.wait(0.05)
            finally:
                connection.close()

    @property
    def _path(self) -> str:
        return f"/api/{self.key.number}/store/?sentry_key={self.key.public}"

    def _next(self, chance: random.Random) -> str:
        """Return the id of the next event, sometimes one that was acknowledged before."""
        with self._told:
            if self.acknowledged and chance.randrange(AGAIN) == 0:
                self.repeated += 1
                return next(iter(self.acknowledged))
            self._count += 1
            event_id = f"{self.prefix:08x}{self._count:024x}"
            self.sent.add(event_id)
            return event_id

    def _body(self, event_id: str) -> bytes:
        """Return the event of an id: the same each time."""
        chance = random.Random(event_id)
        value = {"type": f"Type{chance.randrange(self.issues)}", "value": "no"}
        event: dict[str, Any] = {"event_id": event_id, "exception": {"values": [value]}}
        if release := chance.choice(RELEASES):
            event["release"] = release
        if self.padding:
            event["extra"] = {f"part{n}": chance.randbytes(400).hex() for n in range(self.padding // 800)}
        return json.dumps(event).encode()

    def _note(self, event_id: str, status: int, headers: dict[str, str], body: str, seconds: float) -> None:
        with self._told:
            if status == 200:
                assert json.loads(body) == {"id": event_id}
                self.acknowledged.add(event_id)
            else:
                self.refusals.append(Refusal(status, headers, body, seconds))
            self._told.notify_all()


def _connected(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    return HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_SECONDS)


def _sent(connection: HTTPConnection, path: str, body: bytes) -> tuple[int, dict[str, str], str, float]:
    began = time.monotonic()
    connection.request("POST", path, body, {"content-type": "application/json"})
    answer = connection.getresponse()
    read = answer.read().decode()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, headers, read, time.monotonic() - began


@dataclass
class Resolver:
    """Somebody who resolves every issue that is not, again and again, for as long as the context lasts."""

    urls: Sequence[str]
    changed: int = 0
    statuses: set[int] = field(default_factory=set[int])

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(url,)) for url in self.urls]
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop, unless that was done before."""
        self.stop()

    def stop(self) -> None:
        """Let the last answer come, and stop."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads)

    def _run(self, url: str) -> None:
        connection = _connected(url)
        while not self._stopping.is_set():
            try:
                for issue in _asked(connection, "GET", "/api/error-issues?status=open,regressed&limit=100")[1]["items"]:
                    path = f"/api/error-issues/{issue['id']}/status"
                    status, body = _asked(connection, "PATCH", path, {"status": "resolved"})
                    with self._lock:
                        self.statuses.add(status)
                        self.changed += status == 200 and body["changed"]
            except (OSError, HTTPException):
                connection.close()
                self._stopping.wait(0.05)
        connection.close()


def _asked(connection: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())
