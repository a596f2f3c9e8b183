"""Send events to any server that takes Sentry envelopes, and measure the answers. Standard library only.

Every request is an event of its own, built and compressed before the clock starts. Each client has one connection and
sends its next event once the last is answered. One thread drives all clients of a process through epoll, which costs
half of what a thread each does: the generator shares the machine with the server it measures.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import random
import re
import select
import socket
import sys
import time
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from benchmarks.ingest.samples import Sample, read_samples

PATIENCE_SECONDS = 60
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection:\s*close", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:\s*chunked", re.IGNORECASE)
_GZIP = 31


@dataclass(frozen=True, slots=True)
class Target:
    """Where events are sent, and with which key."""

    url: str
    project: str
    key: str

    @property
    def address(self) -> tuple[str, int]:
        """Return the host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80


@dataclass(slots=True)
class Sent:
    """What a process sent and how it was answered; times in seconds."""

    began: float = 0.0
    ended: float = 0.0
    cpu: float = 0.0
    seconds: array[float] = field(default_factory=lambda: array("d"))
    codes: Counter[str] = field(default_factory=Counter[str])


def build(sample: Sample, target: Target, event_id: UUID, level: int) -> bytes:
    """Return a whole request that sends an event with an id of its own."""
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    body = packer.compress(sample.envelope(event_id.hex.encode())) + packer.flush()
    host, port = target.address
    head = (
        f"POST /api/{target.project}/envelope/ HTTP/1.1\r\nHost: {host}:{port}\r\n"
        "Content-Type: application/x-sentry-envelope\r\nContent-Encoding: gzip\r\n"
        f"X-Sentry-Auth: Sentry sentry_key={target.key}, sentry_version=7, sentry_client=sentry.python/2.75.0\r\n"
        f"User-Agent: sentry.python/2.75.0\r\nConnection: keep-alive\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client:
    """One connection that sends an event after the other, and opens anew where the server closed it."""

    def __init__(self, address: tuple[str, int], poll: select.epoll, clients: dict[int, Client]) -> None:
        self._address = address
        self._poll = poll
        self._clients = clients
        self._socket: socket.socket | None = None
        self._request = b""
        self._answer = b""
        self._answered_before = False
        self.began = 0.0

    def send(self, request: bytes) -> str | None:
        """Send a request; return why it could not be, or None."""
        self._request, self._answer = request, b""
        self.began = time.perf_counter()
        return self._try()

    def _try(self) -> str | None:
        for _ in range(2):
            fresh = self._socket is None
            try:
                connection = self._socket or self._open()
                connection.sendall(self._request)
                return None
            except OSError as error:
                self.close()
                if fresh:
                    return type(error).__name__
        return "closed"

    def _open(self) -> socket.socket:
        connection = self._socket = socket.create_connection(self._address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answered_before = False
        self._clients[connection.fileno()] = self
        self._poll.register(connection.fileno(), select.EPOLLIN)
        return connection

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._clients.pop(self._socket.fileno(), None)
            self._socket.close()
            self._socket = None

    def receive(self) -> str | None:
        """Take in what arrived; return the status of a complete answer, or what went wrong, else None."""
        assert self._socket is not None
        try:
            data = self._socket.recv(65_536)
        except OSError:
            data = b""
        if not data:
            return self._closed()
        self._answer = self._answer + data if self._answer else data
        return self._complete()

    def _closed(self) -> str | None:
        """Send again where the server closed a connection that had been idle."""
        again = self._answered_before and not self._answer
        self.close()
        if self._answer:
            return self._answer[9:12].decode("latin-1")  # an answer without a length ends like this
        return self._try() if again else "closed"

    def _complete(self) -> str | None:
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._answer[: end + 2]
        length = _LENGTH.search(head)
        if length is not None:
            if len(self._answer) < end + 4 + int(length[1]):
                return None
        elif not (_CHUNKED.search(head) and self._answer.endswith(b"0\r\n\r\n")):
            return None
        self._answered_before = True
        if _CLOSES.search(head):
            self.close()
        return head[9:12].decode("latin-1")


def drive(target: Target, requests: Sequence[bytes], clients: int) -> Sent:
    """Send all requests through so many clients."""
    sent, poll, by_number = Sent(), select.epoll(), dict[int, Client]()
    waiting = iter(requests)
    cpu, sent.began = time.process_time(), time.perf_counter()
    for client in [Client(target.address, poll, by_number) for _ in range(clients)]:
        _next(client, waiting, sent)
    while by_number:
        ready = poll.poll(PATIENCE_SECONDS)
        if not ready:
            sent.codes["timeout"] += len(by_number)
            break
        for number, _ in ready:
            client = by_number[number]
            status = client.receive()
            if status is not None:
                sent.seconds.append(time.perf_counter() - client.began)
                sent.codes[status] += 1
                _next(client, waiting, sent)
    sent.ended, sent.cpu = time.perf_counter(), time.process_time() - cpu
    return sent


def _next(client: Client, waiting: Iterator[bytes], sent: Sent) -> None:
    """Let a client send what waits next; one that cannot be sent is counted, and the one after it is tried."""
    for request in waiting:
        failure = client.send(request)
        if failure is None:
            return
        sent.codes[failure] += 1
    client.close()


def _work(options: argparse.Namespace, index: int, ready: Any, start: Any, results: Any) -> None:
    """Build this process's part of the requests, wait for the others, and send."""
    samples = read_samples(options.envelopes, options.set)
    chance = random.Random(options.seed * 1_000 + index)
    target = Target(options.url, options.project, options.key)
    requests: list[bytes] = []
    for number in range(index, options.count, options.procs):
        event_id = UUID(int=chance.getrandbits(128), version=4)
        requests.append(build(samples[number % len(samples)], target, event_id, options.level))
    gc.collect()
    gc.freeze()
    gc.disable()
    ready.put(sum(map(len, requests)))
    start.wait()
    clients = len(range(index, options.clients, options.procs))
    results.put(drive(target, requests, clients))


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Send the events from so many processes and return the measurements."""
    context = multiprocessing.get_context("fork")
    options.procs = min(options.procs, options.clients)
    ready, start, results = context.Queue(), context.Event(), context.Queue()
    workers = [
        context.Process(target=_work, args=(options, index, ready, start, results)) for index in range(options.procs)
    ]
    for worker in workers:
        worker.start()
    wire = sum(ready.get() for _ in workers)
    start.set()
    parts: list[Sent] = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return _summary(options, parts, wire)


def _summary(options: argparse.Namespace, parts: Sequence[Sent], wire: int) -> dict[str, Any]:
    codes: Counter[str] = sum((part.codes for part in parts), Counter[str]())
    seconds = sorted(second for part in parts for second in part.seconds)
    elapsed = max(part.ended for part in parts) - min(part.began for part in parts)
    accepted = sum(count for code, count in codes.items() if code.startswith("2"))
    milliseconds = {f"p{share}_ms": _quantile(seconds, share) for share in (50, 90, 99)}
    return {
        "set": options.set,
        "clients": options.clients,
        "procs": options.procs,
        "sent": codes.total(),
        "accepted": accepted,
        "codes": dict(codes),
        "send_s": round(elapsed, 6),
        "accepted_per_s": round(accepted / elapsed, 1),
        **milliseconds,
        "max_ms": round(seconds[-1] * 1e3, 2) if seconds else None,
        "wire_mb": round(wire / 1e6, 2),
        "loadgen_cpu_s": round(sum(part.cpu for part in parts), 2),
        "ended": max(part.ended for part in parts),
    }


def _quantile(ordered: Sequence[float], share: int) -> float | None:
    return round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1e3, 2) if ordered else None


def main() -> None:
    """Send events as the command line says and print the measurements as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest.load", description=main.__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--project", default="1")
    parser.add_argument("--key", required=True)
    parser.add_argument("--envelopes", type=Path, help="folder with a folder of *.envelope files for each set")
    parser.add_argument("--set", default="small")
    parser.add_argument("-c", "--clients", type=int, default=1)
    parser.add_argument("-n", "--count", type=int, default=1_000)
    parser.add_argument("--procs", type=int, default=1, help="processes that share the clients")
    parser.add_argument("--level", type=int, default=6, help="how hard gzip tries")
    parser.add_argument("--seed", type=int, default=time.time_ns())
    json.dump(run(parser.parse_args()), sys.stdout)
    print()


if __name__ == "__main__":
    main()
