"""A web server of a test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, TypeVar


@contextmanager
def answering(handler: Callable[..., BaseHTTPRequestHandler]) -> Generator[str]:
    """Answer requests on a free port of loopback with a handler, and give the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Site:
    """What is published, and where."""

    url: str = ""


S = TypeVar("S", bound=Site)


class SiteHandler(BaseHTTPRequestHandler, Generic[S]):
    """Answer requests to a site, and say nothing of them."""

    def __init__(self, site: S, *arguments: Any) -> None:
        self.site = site
        super().__init__(*arguments)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def publishing(site: S, handler: Callable[..., SiteHandler[S]]) -> Generator[S]:
    """Publish a site on a free port of loopback."""
    with answering(partial(handler, site)) as site.url:
        yield site
