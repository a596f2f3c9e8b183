"""The application of app/, built in two releases by every bundler, and the programs that put it to use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.processes import NODE_TESTS, Installation

HERE = Path(__file__).parent
RELEASES = ("r1", "r2")
BUILD_SECONDS = 100

FETCHED = "run `make test`, which needs the npm registry once"


def needed(present: object, reason: str) -> None:
    """Skip the test where something that it needs is absent; fail where CI must have it."""
    if not present:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


def node_modules() -> Path:
    """Return the folder of the bundlers, SDKs and readers of source maps from npm."""
    folder = HERE / "node_modules"
    needed((folder / ".ready").exists() and shutil.which("node"), f"the bundlers are not installed for Node: {FETCHED}")
    return folder


def sentry_cli() -> Path:
    """Return the program of stock sentry-cli: npm puts that of each platform into a package of its own."""
    found = sorted((NODE_TESTS / "node_modules" / "@sentry").glob("cli-*/bin/sentry-cli*"))
    needed(found, f"sentry-cli is not installed: {FETCHED}")
    return found[0]


def sentry() -> Path:
    """Return the script of the command line that replaces sentry-cli."""
    script = node_modules() / "sentry" / "dist" / "bin.cjs"
    needed(script.exists(), f"Sentry's newer command line is not installed: {FETCHED}")
    return script


def needed_plugin(bundler: str) -> None:
    """Skip the test where Sentry's plugin for a bundler is absent; fail where CI must have it."""
    present = (node_modules() / "@sentry" / f"{bundler}-plugin").is_dir()
    needed(present, f"Sentry's plugin for {bundler} is not installed: {FETCHED}")


@dataclass(frozen=True)
class Bundle:
    """What a bundler wrote for one target in one release.

    Args:
        folder: The folder that is uploaded, and that a web server publishes.
        script: The path of its script below that folder.
    """

    folder: Path
    script: str

    def copy_to(self, folder: Path) -> Bundle:
        """Return a copy that may be changed."""
        shutil.copytree(self.folder, folder)
        return Bundle(folder, self.script)


@dataclass(frozen=True)
class Builds:
    """Both releases of the application, below a folder."""

    folder: Path

    def bundle(self, release: str, bundler: str, target: str) -> Bundle:
        """Return what a bundler wrote for Node or for browsers."""
        scripts = json.loads((self.folder / release / "scripts.json").read_text())
        return Bundle(self.folder / release / "dist" / bundler / target, scripts[bundler][target])


def build(folder: Path) -> Builds:
    """Build both releases, side by side."""
    node_modules()
    running = [
        subprocess.Popen(["node", str(HERE / "build.mjs"), str(folder / release), release]) for release in RELEASES
    ]
    assert [process.wait(BUILD_SECONDS) for process in running] == [0] * len(RELEASES)
    return Builds(folder)


def run_in_node(machine: Installation, bundle: Bundle, dsn: str, release: str, *, app_root: Path | None = None) -> None:
    """Run the application in Node once; with a root, frames are reported as `app:///…` below it."""
    environment = machine.environment | {"SENTRY_DSN": dsn, "RELEASE": release, "APP_ROOT": str(app_root or "")}
    command = ["node", str(bundle.folder / bundle.script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
