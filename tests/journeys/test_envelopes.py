"""Every captured envelope of real SDKs is ingested over HTTP; every event is in exactly one issue."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import Any

import pytest
from tests.processes import RunningServer
from tests.samples import envelopes

EXPECTED = {"small": (176, 161), "node": (80, 80), "large": (160, 160)}


def _walk(client: Any, path: str, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get(path, params={**query, "limit": 100, **({"cursor": cursor} if cursor else {})}).json()
        rows += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            assert len(rows) == page["total"]
            return rows


@pytest.mark.parametrize("name", list(EXPECTED))
def test_every_event_is_in_exactly_one_issue(server: RunningServer, origin: dict[str, Any], name: str) -> None:
    files = envelopes(name)
    sent: list[str] = []
    with server.client() as client:
        for file in files:
            answer = client.post(
                f"/api/{origin['number']}/envelope/",
                content=gzip.compress(file.read_bytes()),
                headers={"content-encoding": "gzip", "x-sentry-auth": f"Sentry sentry_key={origin['publicKey']}"},
            )
            assert answer.status_code == 200, answer.text
            sent.append(answer.json()["id"])
        issues = _walk(client, "/api/error-issues", origin=origin["mnemonic"])
        stored: Counter[str] = Counter()
        for issue in issues:
            events = _walk(client, f"/api/error-issues/{issue['id']}/events")
            assert len(events) == issue["eventCount"]
            stored.update(event["reported"]["eventId"] for event in events)
        interactions = _walk(client, "/api/interactions", origin=origin["mnemonic"], resourceType="ERROR")

    count, expected_issues = EXPECTED[name]
    assert len(files) == len(set(sent)) == count
    assert stored == Counter(sent)
    assert len(interactions) == count
    assert len(issues) == expected_issues
