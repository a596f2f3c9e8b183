"""An origin for one test, the bundles that report to it, and what the server must tell of them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.processes import Installation, RunningServer, dsn
from tests.sourcemaps.builds import BUILD_SECONDS, HERE, RELEASES, Builds, Bundle, needed_plugin, sentry, sentry_cli

TRUTH: dict[str, dict[str, Any]] = json.loads((HERE / "truth.json").read_text())
"""By how the title of an error begins: where it is raised."""
PUBLISHED = "shop"
"""The folder of the web server that holds the application."""
QUIET = {"SENTRY_CLI_NO_TELEMETRY": "1", "SENTRY_CLI_NO_UPDATE_CHECK": "1"}
"""So that Sentry's programs ask nobody but our server."""


@dataclass(frozen=True)
class Copy:
    """A bundle of one release for the test alone, and what it runs in."""

    bundle: Bundle
    target: str
    release: str

    @property
    def folder(self) -> str:
        """Return the folder that is uploaded."""
        return str(self.bundle.folder)


@dataclass(frozen=True)
class Shop:
    """The origin of a case, with what its uploads and runs need."""

    machine: Installation
    server: RunningServer
    origin: dict[str, Any]

    @property
    def mnemonic(self) -> str:
        """Return what people call the origin."""
        return self.origin["mnemonic"]

    @property
    def dsn(self) -> str:
        """Return where the SDKs report to."""
        return dsn(self.server.url, self.origin)

    def sentry_cli(self, *arguments: str) -> None:
        """Run stock sentry-cli for the origin."""
        self._run(str(sentry_cli()), *arguments)

    def sentry(self, *arguments: str) -> None:
        """Run the command line that replaces sentry-cli for the origin."""
        self._run("node", str(sentry()), *arguments)

    def _run(self, *command: str) -> None:
        told = {
            "SENTRY_URL": self.server.url,
            "SENTRY_AUTH_TOKEN": "any",
            "SENTRY_ORG": "any",
            "SENTRY_PROJECT": self.mnemonic,
        }
        environment = self.machine.environment | QUIET | told
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def build(self, builds: Builds, bundler: str, target: str) -> dict[str, Copy]:
        """Build both releases, side by side, with Sentry's plugin for a bundler, which uploads what is written."""
        needed_plugin(bundler)
        folders = {release: builds.folder / release / "uploaded" / bundler / target for release in RELEASES}
        running: dict[str, subprocess.Popen[str]] = {}
        for release, folder in folders.items():
            command = ["node", str(HERE / "build_with_plugin.mjs"), str(folder), bundler, target, release]
            own = {"SENTRY_CONFIG_DIR": f"{folder}-settings"}  # two processes cannot open one at once
            running[release] = subprocess.Popen(
                [*command, self.server.url, self.mnemonic],
                cwd=builds.folder / release,
                env=self.machine.environment | QUIET | own,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        said = {release: process.communicate(timeout=BUILD_SECONDS)[0] for release, process in running.items()}
        assert [process.returncode for process in running.values()] == [0] * len(RELEASES), said
        return {
            release: Copy(Bundle(folder, said[release].split()[-1]), target, release)
            for release, folder in folders.items()
        }

    def check(self, copies: dict[str, Copy]) -> None:
        """Check that every mistake of both releases is told by its source, and is one issue."""
        issues = self._issues()

        assert sorted(_mistake(title) for title, _ in issues) == sorted(TRUTH)
        for title, events in issues:
            assert sorted(event["release"] for event in events) == list(RELEASES), title
            for event in events:
                _check(event, TRUTH[_mistake(title)], copies[event["release"]].bundle.script)

    def _issues(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return the titles of the origin's issues, each with all of its events."""
        with self.server.client() as client:

            def get(path: str, **query: str) -> dict[str, Any]:
                return client.get(path, params=query).raise_for_status().json()

            found: list[tuple[str, list[dict[str, Any]]]] = []
            for issue in get("/api/error-issues", origin=self.mnemonic, limit="50")["items"]:
                path = f"/api/error-issues/{issue['id']}"
                events = get(f"{path}/events")["items"]
                found.append((issue["reported"]["title"], [get(path, event=event["id"])["event"] for event in events]))
            return found


def _mistake(title: str) -> str:
    """Return which of the mistakes an issue is of."""
    return next((begin for begin in TRUTH if title.startswith(begin)), title)


def _check(event: dict[str, Any], truth: dict[str, Any], script: str) -> None:
    """Check where an event and its cause were raised."""
    reported = event["reported"]
    _check_frame(reported["frames"], event["release"], truth, script)
    if "cause" in truth:
        _check_frame(reported["causes"][0]["frames"], event["release"], truth["cause"], script)


def _check_frame(frames: list[dict[str, Any]], release: str, truth: dict[str, Any], script: str) -> None:
    """Check the innermost frame that is not the engine's own."""
    frame = next(frame for frame in frames if frame.get("line"))

    assert (frame["file"], frame["function"], frame["line"]) == (
        truth["file"],
        truth["function"],
        truth["line"][release],
    )
    assert truth["text"] in frame["contextLine"]
    assert frame["source"] == "artifact"
    assert frame["sourceMapId"]
    assert frame["inApp"]
    assert frame["minified"]["file"].endswith(script)
    assert frame["minified"]["line"] >= 1
    assert frame["minified"]["column"] >= 1
