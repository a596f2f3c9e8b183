"""The protocol's own checker finds nothing wrong but what only its example server can have, in both revisions."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from tests.mcp_clients.machines import Served
from tests.processes import node_package

Revision = Literal["2025-11-25", "2026-07-28"]
REVISIONS: tuple[Revision, ...] = ("2025-11-25", "2026-07-28")
FOLDER = Path(__file__).parent
ENTRY = re.compile(r"  - (?P<check>[\w-]+:[\w-]+)  # (?P<missing>.+)")
FIXTURE = re.compile(r"(tool|prompt|resource|template) (test_\w+|test://\S+)")

NOT_OURS = {
    "logging-set-level:logging-set-level": "logging",
    "server-sse-multiple-streams:server-sse-multiple-streams-session": "session",
}
"""What is no fixture of the example server, but what a server may leave out, and this one does."""

PASSED: dict[Revision, set[str]] = {
    "2025-11-25": {
        "dns-rebinding-protection",
        "ping",
        "prompts-list",
        "resources-list",
        "server-initialize",
        "server-session-lifecycle",
        "tools-call-error",
        "tools-list",
    },
    "2026-07-28": {
        "caching",
        "dns-rebinding-protection",
        "http-header-validation",
        "input-required-result-ignore-extra-params",
        "input-required-result-unsupported-methods",
        "prompts-list",
        "resources-list",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
        "tools-call-error",
        "tools-list",
    },
}
"""What any server must pass whole, whatever tools it has."""


@dataclass(frozen=True)
class Report:
    """What the checker found.

    Attributes:
        code: How it ended.
        printed: What it printed.
        statuses: What became of each check, by `scenario:check`, each time it was made.
    """

    code: int
    printed: str
    statuses: dict[str, list[str]]

    def of(self, scenario: str) -> list[str]:
        """Return what became of the checks of a scenario."""
        found = [statuses for check, statuses in self.statuses.items() if check.partition(":")[0] == scenario]
        return [status for statuses in found for status in statuses]


@pytest.fixture(scope="module", params=REVISIONS)
def revision(request: pytest.FixtureRequest) -> Revision:
    return request.param


@pytest.fixture(scope="module")
def report(revision: Revision, open_server: Served, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Let the checker ask all that a revision requires."""
    folder = tmp_path_factory.mktemp("conformance")
    program = node_package("@modelcontextprotocol/conformance") / "dist" / "index.js"
    command = ["node", program, "server", "--url", open_server.mcp_url, "--requirements", revision]
    done = subprocess.run(
        [*command, "--expected-failures", FOLDER / f"baseline-{revision}.yml", "--output-dir", folder],
        env=open_server.machine.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    statuses: dict[str, list[str]] = {}
    for file in folder.glob("*/checks.json"):
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*$", "", file.parent.name)
        for check in json.loads(file.read_text(encoding="utf-8")):
            statuses.setdefault(f"{scenario}:{check['id']}", []).append(check["status"])
    return Report(done.returncode, done.stdout + done.stderr, statuses)


def _baseline(revision: Revision) -> dict[str, str]:
    """Return what is missing for each check that is expected to fail."""
    lines = (FOLDER / f"baseline-{revision}.yml").read_text(encoding="utf-8").splitlines()
    entries = [ENTRY.fullmatch(line) for line in lines if line.startswith("  - ")]
    return {entry["check"]: entry["missing"] for entry in entries if entry}


def test_nothing_fails_that_is_not_expected_and_nothing_expected_passes(report: Report) -> None:
    assert report.code == 0, report.printed[-4_000:]


def test_what_is_expected_to_fail_needs_what_only_the_example_server_has(revision: Revision, report: Report) -> None:
    missing = _baseline(revision)
    odd = {check: what for check, what in missing.items() if not FIXTURE.fullmatch(what)}
    failing = {check for check in missing if {"FAILURE", "WARNING"} & set(report.statuses.get(check, []))}

    assert odd.items() <= NOT_OURS.items()
    assert failing == missing.keys()
    assert not {check.partition(":")[0] for check in missing} & PASSED[revision]


def test_what_any_server_can_pass_passes(revision: Revision, report: Report) -> None:
    found = {scenario: set(report.of(scenario)) for scenario in PASSED[revision]}

    assert [scenario for scenario, statuses in found.items() if not statuses] == []
    assert [scenario for scenario, statuses in found.items() if statuses - {"SUCCESS", "INFO"}] == []


def test_every_message_is_of_the_published_schema(report: Report) -> None:
    checked = [statuses for check, statuses in report.statuses.items() if check.endswith(":wire-schema-valid")]

    assert len(checked) >= 25
    assert {status for statuses in checked for status in statuses} == {"SUCCESS"}


@pytest.mark.parametrize("revision", ["2026-07-28"], indirect=True)
def test_a_server_without_sessions_behaves_as_one(report: Report) -> None:
    statuses = report.of("server-stateless")

    assert statuses.count("SUCCESS") == 26
    assert statuses.count("FAILURE") == 2
