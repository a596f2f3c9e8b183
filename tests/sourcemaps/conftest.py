"""The builds, the browser and the web server of a session, and a machine with a server for each module."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests import running
from tests.processes import Installation, RunningServer
from tests.sourcemaps.browsers import Browser, Site, browsing, publishing
from tests.sourcemaps.builds import Builds, build, run_in_node

pytest.register_assert_rewrite("tests.sourcemaps.shops")
from tests.sourcemaps.shops import PUBLISHED, Copy, Shop  # noqa: E402  # its asserts are rewritten only from here on

server, origin = running.server, running.origin


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Build both releases of the application with every bundler, once for all processes that run tests."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, built = shared / "builds", shared / "builds.built"
    with FileLock(shared / "builds.lock"):
        if built.exists():
            return Builds(folder)
        shutil.rmtree(folder, ignore_errors=True)  # of one that failed
        made = build(folder)
        built.touch()
        return made


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run one Chromium for all."""
    with browsing(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Run one web server for all."""
    with publishing() as running:
        yield running


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Return a machine with a store of its own."""
    return Installation(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def shop(machine: Installation, server: RunningServer, origin: dict[str, Any]) -> Shop:
    """Return the origin of the test, with what its uploads and runs need."""
    return Shop(machine, server, origin)


@pytest.fixture
def run(shop: Shop, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a function that lets a copy make its mistakes; with a root, Node's frames are `app:///…` below it."""

    def _run(copy: Copy, *, root: Path | None = None) -> None:
        if copy.target == "node":
            run_in_node(shop.machine, copy.bundle, shop.dsn, copy.release, app_root=root)
            return
        site: Site = request.getfixturevalue("site")
        browser: Browser = request.getfixturevalue("browser")
        browser.open(site, site.publish(PUBLISHED, copy.bundle), {"dsn": shop.dsn, "release": copy.release})

    return _run
