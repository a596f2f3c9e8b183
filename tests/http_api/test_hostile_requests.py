"""Every place of every operation takes hostile values politely: an answer that is documented, never a fault."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from starlette.testclient import TestClient
from tests.factory import make_origin, payload, report
from tests.http_api.conftest import BASE
from tests.stores import KINDS, new_database_url

from provenance_http.app import create_app
from provenance_http.openapi import openapi_document
from provenance_server.access_arguments import ListActivity, ListChanges, ListKeys
from provenance_server.arguments import Arguments, ListAll, ListEvents, ListInteractions, ListIssues, ListReleases
from provenance_server.change_cursors import write_changes_cursor
from provenance_server.cursors import write_cursor
from provenance_server.operation import Operation
from provenance_server.operations import OPERATIONS
from provenance_server.parsing import parse_arguments
from provenance_storage.changes import LAST, ChangesPosition, Mark
from provenance_storage.store import Store

DOCUMENT = openapi_document("Provenance", "1")
BY_NAME: dict[str, Operation[Any, Any]] = {operation.name: operation for operation in OPERATIONS}
WITH_BODY = {"POST", "PATCH"}
CHARACTERS = [
    *("\0", "a\0b", "\x1b[2J", "\ufeff", "\u202e", "\U0001f63c", "\uffff", "%", "%_\\", "'\" OR 1=1 --", "..", "a b"),
]
TEXTS = [
    *CHARACTERS,
    *("0", "-1", "1" * 18, "9" * 18, "9" * 19, str(2**63), "9" * 5_000, "1e309", "NaN", "٣", "1.5", "true", "null"),
    *("shop-0", "shop-" + "9" * 18, "shop-" + "9" * 19, "00000000-0000-0000-0000-000000000000", "f" * 32, "x" * 201),
    *("999999w", "0d", "1000-01-01", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59", "0001-01-01", "-1d"),
    *("AAAA", "====", "e30", "resolved,,", ",", "[]", "{}"),
]
RAW = ["%00", "%ff%fe", "%ed%a0%80", "%c0%af", "%", "%zz", "%2e%2e", "", "+", "%25%30%30"]
VALUES: list[Any] = [
    *CHARACTERS,
    *("\ud800", "\udfff\ud800", "x" * 10_001, None, True, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 1.5, 1e308),
    *(float("inf"), float("nan"), [], [[]], {}, {"": {"": ""}}, ["\0"], {"\0": "\ud800"}, [0] * 1_000),
]
TYPES = ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json5", ";", "*"]


@pytest.fixture(scope="module", params=KINDS)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with new_database_url(request.param, tmp_path_factory.mktemp("hostile")) as url:
        store = Store.open(url)
        shop = make_origin(store)
        report(store, shop, payload(), payload(user={"id": "b"}), payload(errorType="Rare", frames=[], causes=[]))
        with TestClient(create_app(store), base_url=BASE) as client:
            yield client
        store.close()


def _path(operation: Operation[Any, Any], **places: str) -> str:
    """Return an operation's path, with what is there unless something else is given."""
    identity = "shop" if "origins" in operation.path else "ERROR"
    there = {"issueId": "shop-1", "origin": "shop", "release": "1.0.0", "id": identity}
    return operation.path.format(**{name: places.get(name, there[name]) for name in operation.arguments.path_arguments})


def _names(operation: Operation[Any, Any]) -> list[str]:
    """Return the arguments that stand in the query or in the body."""
    fields = operation.arguments.model_fields.items()
    return [field.alias or name for name, field in fields if field.alias not in operation.arguments.path_arguments]


def _check(client: TestClient, operation: Operation[Any, Any], path: str, **request: Any) -> None:
    answer = client.request(operation.method, path, **request)
    told = f"{operation.method} {path[:300]} {str(request)[:300]}: {answer.status_code} {answer.text[:300]}"
    documented = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]

    assert answer.status_code < 500, told
    assert str(answer.status_code) in documented or answer.status_code == 405, told
    assert answer.headers["content-type"] == "application/json", told
    if answer.status_code >= 400:
        assert set(answer.json()["error"]) == {"code", "message", "details"}, told
        assert len(answer.content) < 5_000, told


@pytest.mark.parametrize("name", [name for name, operation in BY_NAME.items() if operation.arguments.path_arguments])
def test_in_the_path(client: TestClient, name: str) -> None:
    operation = BY_NAME[name]
    request: dict[str, Any] = {"json": {}} if operation.method in WITH_BODY else {}
    for place in operation.arguments.path_arguments:
        for value in [*(quote(text, safe="") for text in TEXTS), *RAW]:
            _check(client, operation, _path(operation, **{place: value}), **request)


@pytest.mark.parametrize("name", [name for name, operation in BY_NAME.items() if operation.method == "GET"])
def test_in_the_query(client: TestClient, name: str) -> None:
    operation = BY_NAME[name]
    for argument in [*_names(operation), "\0"]:
        for value in [*(quote(text, safe="") for text in TEXTS), *RAW]:
            _check(client, operation, f"{_path(operation)}?{quote(argument)}={value}")
        _check(client, operation, f"{_path(operation)}?{quote(argument)}=1&{quote(argument)}=%00")


@pytest.mark.parametrize("name", [name for name, operation in BY_NAME.items() if operation.method in WITH_BODY])
def test_in_the_body(client: TestClient, name: str) -> None:
    operation = BY_NAME[name]
    example: dict[str, Any] = {"mnemonic": "new", "version": "1", "status": "muted", "resourceType": "ERROR"}
    example |= {"files": [], "stack": "Error: x", "label": "new", "scopes": ["ingest"]}
    given = {key: value for key, value in example.items() if key in _names(operation)}
    given |= {"origin": "shop"} if "origin" in _names(operation) else {}
    for argument in [*_names(operation), "\0"]:
        for value in VALUES:
            body = json.dumps({**given, argument: value}).encode()
            _check(client, operation, _path(operation), content=body)
    for value in VALUES:
        _check(client, operation, _path(operation), content=json.dumps(value).encode())


@pytest.mark.parametrize("name", [name for name, operation in BY_NAME.items() if operation.method in WITH_BODY])
def test_in_the_headers(client: TestClient, name: str) -> None:
    operation = BY_NAME[name]
    for told in TYPES:
        _check(client, operation, _path(operation), content=b"{}", headers={"content-type": told})
    for text in ["\xff", "a\x7fb", "x" * 10_000, "=?utf-8?q?x?="]:
        headers = dict.fromkeys(("x-uowid", "x-userid", "x-span-id", "x-interaction-timestamp"), text.encode("latin-1"))
        _check(client, operation, _path(operation), content=b'{"status":"muted"}', headers=headers)


EXTREME = [0, -1, -(2**63), 2**63 - 1]
LISTS: list[tuple[str, type[Arguments], int, dict[str, str]]] = [
    ("get_error_issues", ListIssues, 3, {}),
    ("get_error_issues", ListIssues, 3, {"sort": "firstSeen", "origin": "shop"}),
    ("get_error_issues", ListIssues, 3, {"sort": "eventCount", "order": "asc"}),
    ("get_error_issue_events", ListEvents, 1, {}),
    ("get_releases", ListReleases, 1, {}),
    ("list_interactions", ListInteractions, 1, {}),
    ("list_origins", ListAll, 1, {}),
    ("list_keys", ListKeys, 0, {}),
    ("list_activity", ListActivity, 0, {}),
]


@pytest.mark.parametrize(("name", "model", "count", "filters"), LISTS)
def test_in_a_cursor_that_looks_like_ours(
    client: TestClient, name: str, model: type[Arguments], count: int, filters: dict[str, str]
) -> None:
    operation = BY_NAME[name]
    there = {name: "shop-1" if name == "issueId" else "shop" for name in model.path_arguments}
    arguments = parse_arguments(model, there | filters)
    for numbers in itertools.product(EXTREME, repeat=count):
        cursor = write_cursor(arguments, numbers, UUID(int=2**128 - 1))
        _check(client, operation, _path(operation), params={**filters, "cursor": cursor})


def test_in_a_position_of_changes_that_looks_like_ours(client: TestClient) -> None:
    operation = BY_NAME["list_changes"]
    marks = [Mark(*moments) for moments in itertools.product((-1, 0, LAST), repeat=2)]
    for common, further in itertools.product(marks, repeat=2):
        position = ChangesPosition(common, {0: further, 1: further, 2**70: further})
        after = write_changes_cursor(ListChanges(), position)
        _check(client, operation, operation.path, params={"after": after})
