"""Connections: uvicorn's fast parser, with the limits and the strictness that it leaves to a proxy.

uvicorn keeps a connection that sends nothing for ever, its parser takes headers of any size, and it adds the trailers
of a chunked body to the headers of the request that is already being answered.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from provenance_http.joined import Joined

HEADER_SECONDS = 10.0
"""How long a connection may take until the headers of a request are there. Ours."""

LARGEST_HEADERS = 32 * 1024
"""Bytes of a request's line and headers, and of what stands between two pieces of its body. Ours."""

MOST_PIPELINED = 16
"""Requests that may wait on a connection for the one before them. Ours."""

_AROUND_HEADER = len(": \r\n")
_AROUND_VALUE = b" \t"
"""What belongs to no value; the parser leaves it behind one. Source: RFC 9110, section 5.5."""

_BAD_REQUEST, _HEADERS_TOO_LARGE = 400, 431
_VERSIONS = frozenset({"1.0", "1.1"})


class _Refused(Exception):
    """Say with which status a request's headers are refused; the parser hands it on behind an error of its own."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ImpatientProtocol(HttpToolsProtocol):
    """Close a connection whose next headers do not arrive in time, and refuse what two readers may read in two ways."""

    _deadline: asyncio.TimerHandle | None = None
    _told = False
    """Whether the parser has told anything of what is being read."""
    _untold = 0
    """Bytes read since it last did."""
    _at_hand = 0
    """The same, and all that was read when it last did: no headers can be larger."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Begin to wait for the first request."""
        super().connection_made(cast("asyncio.Transport", Joined(transport, self.loop)))
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take data; wait on while they are no whole headers, and not while a request is answered."""
        self._unset_keepalive_if_required()
        self._told = False
        self._at_hand += len(data)
        try:
            cast("httptools.HttpRequestParser", self.parser).feed_data(data)  # None once the connection is lost
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # nothing is upgraded, and the parser has dropped what followed
        except httptools.HttpParserError as error:
            refused = error.__context__
            self._refuse(refused.status if isinstance(refused, _Refused) else _BAD_REQUEST)
            return
        if self._told:
            self._untold, self._at_hand = 0, len(data)
        else:
            self._untold += len(data)
        if self._untold > LARGEST_HEADERS:
            self._refuse(_HEADERS_TOO_LARGE)
        elif self._answering():
            self._stop_waiting()
        elif self._deadline is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Begin to answer a request, unless its headers may be read in two ways."""
        if self._at_hand > LARGEST_HEADERS and self._header_bytes() > LARGEST_HEADERS:
            raise _Refused(_HEADERS_TOO_LARGE)
        if len(self.pipeline) >= MOST_PIPELINED or not self._unambiguous():
            raise _Refused(_BAD_REQUEST)
        self._told = True
        self.headers[:] = [(name, value.rstrip(_AROUND_VALUE)) for name, value in self.headers]
        super().on_headers_complete()
        self.headers = []  # trailers come here, and are dropped

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._told = True
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """Take note of the end of a chunk."""
        self._told = True

    def on_message_complete(self) -> None:
        """Take note of the end of a request."""
        self._told = True
        super().on_message_complete()

    def _header_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + _AROUND_HEADER for name, value in self.headers)

    def _unambiguous(self) -> bool:
        """Say whether version, host and length can be read in one way only; the parser has checked the length."""
        version = cast("httptools.HttpRequestParser", self.parser).get_http_version()
        hosts = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding" and (value.lower() != b"chunked" or version == "1.0"):
                return False
        return version in _VERSIONS and hosts <= 1 and (hosts == 1 or version == "1.0")

    def _refuse(self, status: int) -> None:
        """Take no more from the connection and close it, once what came whole before is answered.

        Why is told only where it cannot be taken for the answer to another request.
        """
        self._stop_waiting()
        cycle = cast("Any", self.cycle)  # None until the first request
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if cycle is None or not cycle.more_body or not (cycle.response_started or self.pipeline):
            end = b"content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + end)
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()

    def _answering(self) -> bool:
        cycle = cast("Any", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._answering() and not self.transport.is_closing():
            self.transport.close()
