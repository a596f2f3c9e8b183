"""A web server on loopback that publishes built applications, and a headless Chromium that opens their pages."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
from tests import websites
from tests.sourcemaps.builds import Bundle, needed

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)
START_SECONDS = 60
PAGE_SECONDS = 60


@dataclass
class Site(websites.Site):
    """What is published, by the first part of its path, and which pages said that they are done."""

    folders: dict[str, Path] = field(default_factory=dict)
    done: queue.Queue[dict[str, list[str]]] = field(default_factory=lambda: queue.Queue())

    def publish(self, name: str, bundle: Bundle) -> str:
        """Publish a bundle and return the URL of its folder."""
        self.folders[name] = bundle.folder
        return f"{self.url}/{name}/"


class _Handler(websites.SiteHandler[Site], SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        name, _, rest = urlsplit(path).path.lstrip("/").partition("/")
        folder = self.site.folders.get(name)
        return str(folder / (rest or "index.html")) if folder else "/dev/null/absent"

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # both releases of a script may have one URL
        super().end_headers()

    def do_POST(self) -> None:
        self.site.done.put(parse_qs(urlsplit(self.path).query))
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()


def publishing() -> AbstractContextManager[Site]:
    """Run the web server on a free port."""
    return websites.publishing(Site(), _Handler)


@dataclass(frozen=True)
class Browser:
    """A running Chromium, told over its debugging port which pages to open."""

    port: int

    def open(self, site: Site, url: str, settings: dict[str, str]) -> None:
        """Open a page of a site in a tab of its own, wait until its application says that all is sent, and close it."""
        page = f"{url}?{urlencode(settings)}"
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PAGE_SECONDS, trust_env=False) as client:
            tab = client.put(f"/json/new?{quote(page, safe='')}").raise_for_status().json()
            try:
                said = site.done.get(timeout=PAGE_SECONDS)
            finally:
                client.get(f"/json/close/{tab['id']}").raise_for_status()
        assert said == {"sent": ["true"]}, said


@contextmanager
def browsing(profile: Path) -> Generator[Browser]:
    """Run Chromium with a new profile."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    needed(program, "Chromium is not installed; on Debian: apt-get install chromium")
    assert program is not None
    process = subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    found: queue.Queue[int] = queue.Queue()
    reader = threading.Thread(target=_find_port, args=(process.stderr, found))
    reader.start()
    try:
        yield Browser(found.get(timeout=START_SECONDS))
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
        reader.join()
        process.stderr.close()


def _find_port(lines: Any, found: queue.Queue[int]) -> None:
    """Read what Chromium says, to its end, and hand over the port that it names."""
    for line in lines:
        if line.startswith("DevTools listening on ws://"):
            found.put(int(urlsplit(line.split()[-1]).port or 0))
