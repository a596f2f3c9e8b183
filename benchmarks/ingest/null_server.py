"""Answer 200 to everything at once: what the load generator reaches here is its own ceiling. Standard library only."""

from __future__ import annotations

import asyncio
import re
from typing import cast

_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Null(asyncio.Protocol):
    """Read requests to their end and answer each."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""
        self._end: int | None = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            if self._end is None:
                head = self._buffer.find(b"\r\n\r\n")
                length = _LENGTH.search(self._buffer, 0, head) if head >= 0 else None
                if head < 0 or length is None:
                    return
                self._end = head + 4 + int(length[1])
            if len(self._buffer) < self._end:
                return
            self._buffer, self._end = self._buffer[self._end :], None
            self._transport.write(_ANSWER)


async def main() -> None:
    """Listen on a free port and say which."""
    server = await asyncio.get_running_loop().create_server(Null, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
