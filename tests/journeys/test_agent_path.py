"""An agent's way from "what came back?" to "mended", by tool calls alone, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from splintr import Tokenizer
from tests.factory import TESTER, make_origin, payload, report
from tests.processes import Installation

from provenance_core.lifecycle import Status
from provenance_storage.issues import StatusRequest
from provenance_storage.records import OriginRecord
from provenance_storage.releases import ReleaseDetails
from provenance_storage.store import Store

pytestmark = pytest.mark.anyio

MOST_CALLS = 4
MOST_TOKENS = 6_000
OTHERS = 12


class Meter:
    """Call tools and count what a model has to read and write for it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tokenizer = Tokenizer.from_pretrained("o200k_base")
        self.calls = 0
        self.tokens = 0

    async def __call__(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must not refuse."""
        result = await self._client.call_tool(name, arguments)
        text = result.content[0].text  # type: ignore[union-attr]  # every tool answers with text
        assert not result.is_error, text
        self.calls += 1
        self.tokens += len(self._tokenizer.encode(text)) + len(self._tokenizer.encode(f"{name} {arguments}"))
        assert result.structured_content is not None
        return result.structured_content


def _frame(function: str, line: int, code: str, **values: Any) -> dict[str, Any]:
    return {
        "file": f"shop/{function}.py",
        "function": function,
        "line": line,
        "inApp": True,
        "preContext": ["def price(article):", "    rates = load_rates()"],
        "contextLine": code,
        "postContext": ["", "    return total"],
        "vars": values,
    }


def _regressed(store: Store, origin: OriginRecord) -> None:
    """Put a store into the state of a Monday morning: much that is open, and one thing that came back."""
    store.releases.register(origin.id, "shop@1.0.0", ReleaseDetails())
    store.releases.register(origin.id, "shop@1.1.0", ReleaseDetails())
    for number in range(OTHERS):
        report(store, origin, payload(errorType=f"Other{'ABCDEFGHIJKLMNOP'[number]}Error", release="shop@1.0.0"))
    broken = payload(
        errorType="CheckoutError",
        message="could not price the order",
        release="shop@1.0.0",
        frames=[_frame("checkout", 88, "    raise CheckoutError('could not price the order')", order=4711)],
        causes=[
            {
                "errorType": "KeyError",
                "message": "'CHF'",
                "frames": [_frame("price", 31, "    rate = rates[article.currency]", currency="CHF", rates={"EUR": 1})],
            }
        ],
    )
    report(store, origin, broken)
    store.issues.change_status(
        f"{origin.mnemonic}-{OTHERS + 1}", StatusRequest(Status.RESOLVED, "shop@1.0.0", None, TESTER)
    )
    report(store, origin, {**broken, "release": "shop@1.1.0"})


async def test_an_agent_finds_what_came_back_and_resolves_it(tmp_path: Path) -> None:
    machine = Installation(tmp_path)
    store = Store.open(machine.store_url)
    _regressed(store, make_origin(store, "shop"))
    store.close()

    async with Client(machine.mcp()) as client:
        call = Meter(client)
        newest = (await call("get_releases", origin="shop", limit=2))["items"][0]
        regressed = await call("get_error_issues", origin="shop", status=["regressed"], release=newest["version"])
        (row,) = regressed["items"]
        issue = await call("get_error_issue", issueId=row["shortId"])
        changed = await call(
            "update_error_issue_status",
            issueId=row["shortId"],
            status="resolved",
            release=newest["version"],
            note="shop/price.py: currencies without a rate are refused before pricing",
        )

    stack = issue["event"]["reported"]["stack"]
    assert newest["version"] == "shop@1.1.0"
    assert newest["regressedIssues"] == 1
    assert "KeyError" in stack.splitlines()[0]
    assert "rate = rates[article.currency]" in stack
    assert "currency = 'CHF'" in stack
    assert (changed["status"], changed["previousStatus"]) == ("resolved", "regressed")
    assert call.calls <= MOST_CALLS
    assert call.tokens <= MOST_TOKENS, call.tokens
