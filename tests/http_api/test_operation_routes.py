"""Every operation over HTTP: what it answers and how it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.factory import payload, report
from tests.stores import on_sqlite

from provenance_server.operations import OPERATIONS
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


@pytest.fixture
def ids(client: TestClient, store: Store, origin: OriginRecord) -> dict[str, str]:
    """Fill the store so that every path names something."""
    report(store, origin, payload())
    client.post("/api/resource-types", json={"mnemonic": "ORDER"})
    client.post("/api/actions", json={"mnemonic": "SHIPPED"})
    client.post("/api/origins", json={"mnemonic": "empty"})
    client.post("/api/origins/my-app/releases", json={"version": "1.0.0"})
    ingest = {"label": "backend", "scopes": ["ingest"], "origin": "my-app"}
    return {
        "interaction": client.get("/api/interactions").json()["items"][0]["id"],
        "key": client.post("/api/keys", json=ingest).json()["prefix"],
        "changes": client.get("/api/changes").json()["nextCursor"],
    }


CALLS: list[tuple[str, str, str, Any, int]] = [
    ("get_error_issues", "GET", "/api/error-issues?status=open&status=muted&limit=5", None, 200),
    ("get_error_issue", "GET", "/api/error-issues/MY-APP-1?event=first", None, 200),
    ("get_error_issue_events", "GET", "/api/error-issues/my-app-1/events", None, 200),
    ("update_error_issue_status", "PATCH", "/api/error-issues/MY-APP-1/status", {"status": "resolved"}, 200),
    ("get_releases", "GET", "/api/origins/my-app/releases", None, 200),
    ("create_release", "POST", "/api/origins/1/releases", {"version": "2.0.0"}, 201),
    ("get_release", "GET", "/api/origins/my-app/releases/1.0.0", None, 200),
    ("delete_release", "DELETE", "/api/origins/my-app/releases/1.0.0", None, 200),
    ("list_sourcemaps", "GET", "/api/origins/my-app/releases/1.0.0/sourcemaps", None, 200),
    ("check_sourcemaps", "POST", "/api/origins/my-app/releases/1.0.0/sourcemaps/missing", {"files": []}, 200),
    ("resolve_frames", "POST", "/api/sourcemaps/resolve", {"origin": "my-app", "stack": "Error: x"}, 200),
    ("explain_sourcemaps", "GET", "/api/interactions/{interaction}/sourcemaps?origin=my-app", None, 200),
    (
        *("record_interaction", "POST", "/api/interactions"),
        *({"origin": "my-app", "resourceType": "ORDER", "action": "SHIPPED", "interaction": {"a": 1}}, 201),
    ),
    ("list_interactions", "GET", "/api/interactions?origin=my-app", None, 200),
    ("get_interaction", "GET", "/api/interactions/{interaction}", None, 200),
    ("explain_grouping", "GET", "/api/interactions/{interaction}/grouping?origin=my-app", None, 200),
    ("list_origins", "GET", "/api/origins", None, 200),
    ("create_origin", "POST", "/api/origins", {"mnemonic": "Worker", "name": "Worker"}, 201),
    ("get_origin", "GET", "/api/origins/1", None, 200),
    ("update_origin", "PATCH", "/api/origins/my-app", {"name": "Other"}, 200),
    ("delete_origin", "DELETE", "/api/origins/empty", None, 200),
    ("list_resource_types", "GET", "/api/resource-types", None, 200),
    ("create_resource_type", "POST", "/api/resource-types", {"mnemonic": "INVOICE"}, 201),
    ("get_resource_type", "GET", "/api/resource-types/error", None, 200),
    ("update_resource_type", "PATCH", "/api/resource-types/ORDER", {"name": "Orders"}, 200),
    ("delete_resource_type", "DELETE", "/api/resource-types/ORDER", None, 200),
    ("list_actions", "GET", "/api/actions", None, 200),
    ("create_action", "POST", "/api/actions", {"mnemonic": "PAID"}, 201),
    ("get_action", "GET", "/api/actions/CAUGHT", None, 200),
    ("update_action", "PATCH", "/api/actions/SHIPPED", {"name": "Sent"}, 200),
    ("delete_action", "DELETE", "/api/actions/SHIPPED", None, 200),
    ("create_key", "POST", "/api/keys", {"label": "ci", "scopes": ["write"]}, 201),
    ("list_keys", "GET", "/api/keys", None, 200),
    ("revoke_key", "DELETE", "/api/keys/{key}", None, 200),
    ("get_access", "GET", "/api/access", None, 200),
    ("list_activity", "GET", "/api/activity?origin=my-app", None, 200),
    ("list_changes", "GET", "/api/changes?after={changes}", None, 200),
]


@pytest.mark.parametrize(("name", "method", "path", "body", "status"), CALLS, ids=[call[0] for call in CALLS])
def test_each_operation_answers_with_its_model(
    client: TestClient, ids: dict[str, str], name: str, method: str, path: str, body: Any, status: int
) -> None:
    operation = next(one for one in OPERATIONS if one.name == name)

    answer = client.request(method, path.format(**ids), json=body)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert operation.answer.model_validate(answer.json()).model_dump(mode="json", by_alias=True) == answer.json()


def test_the_table_above_names_every_operation() -> None:
    assert [call[0] for call in CALLS] == [operation.name for operation in OPERATIONS]


def test_asking_again_is_safe_and_told_by_the_status(client: TestClient, origin: OriginRecord) -> None:
    release = {"version": "1.0.0"}
    interaction = {
        "origin": "my-app",
        "resourceType": "ERROR",
        "interaction": {"message": "x", "eventId": "a" * 32},
    }

    statuses = [client.post("/api/origins/my-app/releases", json=release).status_code for _ in range(2)]
    recorded = [client.post("/api/interactions", json=interaction) for _ in range(2)]

    assert statuses == [201, 200]
    assert [answer.status_code for answer in recorded] == [201, 200]
    assert recorded[0].json()["id"] == recorded[1].json()["id"]


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("GET", "/api/error-issues?limit=0", None, "limit"),
        ("GET", "/api/error-issues?colour=red", None, "colour"),
        ("GET", "/api/error-issues?origin=a&origin=b", None, "origin"),
        ("GET", "/api/error-issues?cursor=AA", None, "cursor"),
        ("GET", "/api/error-issues/x?issueId=y", None, "stands in the path"),
        ("PATCH", "/api/error-issues/x/status", {"status": "open", "issue_id": "y"}, "stands in the path"),
        ("POST", "/api/origins?mnemonic=x", {"mnemonic": "x"}, "not in the query"),
        ("POST", "/api/origins", [], "JSON object"),
        ("POST", "/api/origins", {"mnemonic": 1}, "mnemonic"),
        ("GET", "/api/origins", {"limit": 1}, "takes no body"),
        ("DELETE", "/api/origins/x", {"id": "x"}, "takes no body"),
    ],
)
def test_bad_arguments_are_named(client: TestClient, method: str, path: str, body: Any, says: str) -> None:
    answer = client.request(method, path, json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_input"
    assert says in answer.json()["error"]["message"]


@on_sqlite
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"mnemonic": "\\ud800"}', b'{"\\ud800": 1}', b"[" * 5000])
def test_a_broken_body_is_a_clear_400(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/origins", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_input"


@pytest.mark.parametrize("kind", ["ERROR", "ORDER"])
@pytest.mark.parametrize(
    "content",
    [
        b'{"message":"a\\ud800b\\u0000"}',
        b'{"\\udfff":1}',
        b'{"x":NaN,"y":1e999,"z":123456789012345678901234567890,"w":18446744073709551615}',
        b'{"x":' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"a":"\xed\xa0\x80\xff"}',
    ],
)
def test_weird_content_of_an_interaction_is_repaired(
    client: TestClient, ids: dict[str, str], kind: str, content: bytes
) -> None:
    body = b'{"origin":"my-app","resourceType":"%s","action":"%s","interaction":%s,"externalResponse":%s}'
    action = {"ERROR": b"CAUGHT", "ORDER": b"SHIPPED"}[kind]

    answer = client.post(
        "/api/interactions",
        content=body % (kind.encode(), action, content, content),
        headers={"content-type": "application/json; charset=utf-8"},
    )

    assert answer.status_code == 201, answer.text
    assert client.get(f"/api/interactions/{answer.json()['id']}").json()["reported"] == answer.json()["reported"]


@on_sqlite
def test_an_interaction_over_the_limit_is_refused(client: TestClient, origin: OriginRecord) -> None:
    body = {"origin": "my-app", "resourceType": "ERROR", "interaction": {"message": "x" * 1_100_000}}

    answer = client.post("/api/interactions", json=body)

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


@on_sqlite
def test_a_body_that_is_no_json_by_its_type_is_refused(client: TestClient) -> None:
    answer = client.post("/api/origins", content=b'{"mnemonic":"x"}', headers={"content-type": "text/plain"})

    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]["message"]


@on_sqlite
def test_a_body_without_a_type_is_taken_for_json(client: TestClient) -> None:
    assert client.post("/api/origins", content=b'{"mnemonic":"x"}').status_code == 201


@on_sqlite
def test_headers_stand_for_arguments_and_the_body_wins(client: TestClient, ids: dict[str, str]) -> None:
    body = {"origin": "my-app", "resourceType": "ORDER", "action": "SHIPPED", "spanId": "from-body"}
    headers = {
        b"x-uowid": b"uow-1",
        b"x-userid": "jürgen".encode(),
        b"x-interaction-timestamp": b"2026-11-23T10:00:00Z",
        b"x-span-id": b"from-header",
        b"x-parent-span-id": b"",
    }

    reported = client.post("/api/interactions", json=body, headers=headers).json()["reported"]

    assert (reported["uowId"], reported["userId"]) == ("uow-1", "jürgen")
    assert reported["interactionTimestamp"] == "2026-11-23T10:00:00.000Z"
    assert (reported["spanId"], reported["parentSpanId"]) == ("from-body", None)


@on_sqlite
@pytest.mark.parametrize(
    ("told", "client_name"),
    [
        (None, None),
        ("  ", None),
        ("alice", "alice"),
        ("key:alice", "key:alice"),
        ("a\u202eb", "a\\u{202e}b"),
        ("x" * 70, "x" * 64 + "… (+6 chars)"),
    ],
)
def test_a_status_change_says_which_program_asked_in_its_own_word(
    client: TestClient, ids: dict[str, str], told: str | None, client_name: str | None
) -> None:
    headers = {b"x-userid": told.encode()} if told is not None else {}

    client.patch("/api/error-issues/MY-APP-1/status", json={"status": "muted"}, headers=headers)

    change = client.get("/api/error-issues/MY-APP-1").json()["history"][0]
    assert (change["actor"], change["client"]) == ("open", client_name)


def test_what_is_recorded_over_http_without_a_key_is_public(client: TestClient, origin: OriginRecord) -> None:
    body = {"origin": "my-app", "resourceType": "ERROR", "interaction": {"message": "x", "via": "server"}}

    assert client.post("/api/interactions", json=body).json()["via"] == "public"


def test_a_walk_over_pages_sees_every_row_once(client: TestClient, store: Store, origin: OriginRecord) -> None:
    report(store, origin, *(payload(fingerprint=[str(number)]) for number in range(7)))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/error-issues", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["nextCursor"]

    assert len(seen) == len(set(seen)) == 7


@on_sqlite
def test_head_answers_like_get_without_a_body(client: TestClient) -> None:
    answer = client.head("/api/origins")

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/api/error-issues/{}",
        "/api/error-issues/{}/events",
        "/api/origins/{}",
        "/api/origins/{}/releases",
        "/api/interactions/{}",
        "/api/resource-types/{}",
        "/api/actions/{}",
    ],
)
def test_a_name_of_nothing_is_refused_whatever_it_holds(client: TestClient, ids: dict[str, str], path: str) -> None:
    names = [
        *("a%2Fb", "my-app%2Freleases", "my-app%2freleases", "MY-APP-1%2Fevents", "%2e%2e", "%00", "%ff", "%20", "-1"),
        *(
            "a" * 3000,
            "%F0%9F%98%80",
            "9" * 19,
            "9" * 30,
            "MY-APP-" + "9" * 25,
            "a%3Fb",
            "a%23b",
            "%0d%0aX:1",
            "%D9%A1",
        ),
    ]

    answers = {name: client.get(path.format(name)) for name in names}

    assert {name: answer for name, answer in answers.items() if answer.status_code not in {400, 404}} == {}
    assert {answer.json()["error"]["code"] for answer in answers.values()} <= {"invalid_input", "not_found"}


def test_a_slash_in_a_name_changes_nothing_elsewhere(client: TestClient, ids: dict[str, str]) -> None:
    status = client.patch("/api/error-issues/MY-APP-1%2Fstatus", json={"status": "muted"})
    release = client.post("/api/origins/my-app%2Freleases", json={"version": "9"})

    assert (status.status_code, release.status_code) == (404, 404)
    assert client.get("/api/error-issues/MY-APP-1").json()["status"] == "open"
