"""Whatever an event holds: it stands under `reported`, is cleaned, stays small, and passes for nobody."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from mcp import Client
from splintr import Tokenizer
from tests.injection.hostile import BAD, corpus, event, split_payloads
from tests.injection.readers import Output, agent, below, described, through_http, through_resources, through_tools
from tests.processes import Installation, RunningServer, serving

from provenance_cli.main import main
from provenance_core.events import Via
from provenance_core.origins import OriginConfig
from provenance_server.ingest import from_sentry
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio

ORIGIN = "my-app"
CANARY = re.compile(r"zq\d{4}k")
PAYLOADS = [(entry["id"], entry["payload"]) for entry in corpus()] + list(split_payloads())
EVERY = 4
"""Of how many issues one is read through what shows of an event no more than others do."""

MOST_TOKENS = {"concise": 4_000, "full": 12_000, "20": 2_500, "100": 12_500}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Return a machine whose store holds one issue a payload, with a canary of its own in every field."""
    machine = Installation(tmp_path_factory.mktemp("machine"))
    store = Store.open(machine.store_url)
    origin = store.origins.create(ORIGIN, "My app", None, OriginConfig())
    for number, (_, payload) in enumerate(PAYLOADS):
        marks: dict[str, str] = {}

        def text(field: str, payload: str = payload, marks: dict[str, str] = marks) -> str:
            return marks.setdefault(field, f"zq{len(marks):04d}k") + payload

        store.record([from_sentry(origin, event(number, text), Via.PUBLIC)])
    store.close()
    return machine


@pytest.fixture(scope="module")
async def client(machine: Installation) -> AsyncIterator[Client]:
    async with agent(machine) as client:
        yield client


@pytest.fixture(scope="module")
def server(machine: Installation) -> Iterator[RunningServer]:
    with serving(machine) as server:
        yield server


@pytest.fixture(scope="module")
def issues() -> list[str]:
    return [f"MY-APP-{number + 1}" for number in range(len(PAYLOADS))]


@pytest.fixture(scope="module")
async def tools(client: Client, issues: list[str]) -> list[Output]:
    return await through_tools(client, issues, ORIGIN)


@pytest.fixture(scope="module")
async def resources(client: Client, tools: list[Output], issues: list[str]) -> list[Output]:
    return await through_resources(client, issues[::EVERY], _events(tools)[::EVERY], ORIGIN)


@pytest.fixture(scope="module")
def answers(server: RunningServer, tools: list[Output], issues: list[str]) -> list[Output]:
    with server.client() as http:
        return through_http(http, issues, _events(tools)[::EVERY], ORIGIN)


@pytest.fixture(scope="module")
def printed(machine: Installation, issues: list[str]) -> list[Output]:
    """Return what the command line prints for people."""
    told: list[Output] = []
    commands = [["errors", "list", "--limit", "100"], ["releases", "list", "--origin", ORIGIN]]
    commands += [["errors", "get", issue] for issue in issues]
    commands += [["errors", "events", issue] for issue in issues[::EVERY]]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in machine.environment.items():
            patch.setenv(name, value)
        for words in commands:
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                assert main(words) == 0
            told.append(Output(" ".join(words), out.getvalue() + err.getvalue()))
    return told


def _events(tools: list[Output]) -> list[str]:
    return [output.document["event"]["id"] for output in tools if "'concise'" in output.door]


def _outside(outputs: list[Output]) -> list[tuple[str, str]]:
    return [
        (output.door, text)
        for output in outputs
        for inside, text in below(output.document, "reported")
        if not inside and CANARY.search(text)
    ]


def _hidden(outputs: list[Output]) -> set[tuple[str, str]]:
    return {(output.door, f"U+{ord(one):04X}") for output in outputs for one in output.text if ord(one) in BAD}


async def test_what_is_reported_stands_under_reported_only(
    tools: list[Output], resources: list[Output], answers: list[Output]
) -> None:
    assert _outside(tools) == []
    assert _outside(resources) == []
    assert _outside(answers) == []
    assert sum(len(CANARY.findall(output.text)) for output in tools) > 10 * len(PAYLOADS)


async def test_no_character_hides_or_steers(
    tools: list[Output], resources: list[Output], printed: list[Output]
) -> None:
    texts = [Output(output.door, text) for output in (*tools, *resources) for _, text in below(output.document, "")]

    assert _hidden(texts) == set()
    assert _hidden(printed) == set()


async def test_every_answer_keeps_to_its_budget(tools: list[Output]) -> None:
    tokenizer = Tokenizer.from_pretrained("o200k_base")
    for output in tools:
        most = next(most for word, most in MOST_TOKENS.items() if re.search(rf"\b{word}\b", output.door))
        assert len(tokenizer.encode(output.text)) <= most, output.door


async def test_nothing_in_an_event_sets_what_the_server_knows(tools: list[Output], answers: list[Output]) -> None:
    for output in (*tools, *answers):
        for issue in output.document.get("items", [output.document]):
            if "eventCount" in issue and "shortId" in issue:
                trust = issue.get("trust") or {}
                assert issue["status"] == "open"
                assert not any(trust.values())
                assert not issue.get("withheld")
            if event := issue.get("event"):
                assert event["via"] == "public"
                assert not event.get("matched")
            assert not issue.get("registered")


async def test_what_a_client_is_told_first_does_not_depend_on_events(
    client: Client, tools: list[Output], tmp_path: Path
) -> None:
    assert tools
    told = await described(client)
    async with agent(Installation(tmp_path)) as other:
        assert await described(other) == told
        assert other.instructions == client.instructions


async def test_refusals_hold_nothing_of_events(client: Client, server: RunningServer, issues: list[str]) -> None:
    for arguments in ({"issueId": issues[0], "status": "muted", "release": "x"}, {"issueId": issues[0], "event": "x"}):
        name = "update_error_issue_status" if "status" in arguments else "get_error_issue"
        result = await client.call_tool(name, arguments)
        assert result.is_error
        assert not CANARY.search(result.model_dump_json())
    refused = await client.call_tool(
        "update_error_issue_status", {"issueId": issues[0], "status": "resolved", "release": "none"}
    )
    assert refused.is_error
    assert not CANARY.search(refused.model_dump_json())
    with server.client() as http:
        for answer in (
            http.patch(f"/api/error-issues/{issues[0]}/status", json={"status": "resolved", "release": "none"}),
            http.get("/api/error-issues/MY-APP-9999"),
            http.get(f"/api/error-issues/{issues[0]}?event=none"),
        ):
            assert answer.is_error
            assert not CANARY.search(answer.text)


async def test_completions_give_nothing_of_events(client: Client) -> None:
    from mcp.types import PromptReference, ResourceTemplateReference  # noqa: PLC0415

    for reference in (
        ResourceTemplateReference(uri="provenance://issues/{id}"),
        ResourceTemplateReference(uri="provenance://releases/{origin}"),
        PromptReference(name="fix_error"),
        PromptReference(name="release_check"),
    ):
        for argument in ("id", "origin", "issueId", "release"):
            for prefix in ("", "zq", "MY"):
                found = await client.complete(reference, {"name": argument, "value": prefix})
                assert not CANARY.search(found.model_dump_json())


async def test_prompts_hold_nothing_of_events(client: Client, issues: list[str]) -> None:
    for name, arguments in (
        ("triage_errors", {"origin": ORIGIN}),
        ("fix_error", {"issueId": issues[0]}),
        ("release_check", {"origin": ORIGIN}),
    ):
        assert not CANARY.search((await client.get_prompt(name, arguments)).model_dump_json())


async def test_a_reader_changes_nothing(machine: Installation, issues: list[str]) -> None:
    async with agent(machine, "--read-only") as reader:
        listed = [tool.name for tool in (await reader.list_tools()).tools]
        refused = await reader.call_tool("update_error_issue_status", {"issueId": issues[0], "status": "resolved"})
        issue = await reader.call_tool("get_error_issue", {"issueId": issues[0]})

    assert listed == ["get_error_issues", "get_error_issue", "get_releases"]
    assert refused.is_error
    assert issue.structured_content is not None
    assert issue.structured_content["status"] == "open"


async def test_a_lockdown_shows_nothing_of_it(machine: Installation, issues: list[str]) -> None:
    async with agent(machine, "--lockdown") as reader:
        outputs = await through_tools(reader, issues[:5], ORIGIN)

    assert not any(CANARY.search(output.text) for output in outputs)
    assert all(row["withheld"] for row in outputs[0].document["items"])


def test_the_corpus_has_every_family_and_no_payload_twice() -> None:
    entries = corpus()

    assert len({entry["id"] for entry in entries}) == len({entry["payload"] for entry in entries}) == len(entries)
    assert len({entry["family"] for entry in entries}) == 12
    assert all(json.loads(json.dumps(entry["payload"])) == entry["payload"] for entry in entries)
