"""The OpenAPI document: complete, valid, and true of what the routes do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from provenance_http.examples import EXAMPLES
from provenance_http.openapi import openapi_document
from provenance_server.operations import OPERATIONS
from provenance_server.parsing import parse_arguments

DOCUMENT = openapi_document("Provenance", "1")
WRITES = [operation for operation in OPERATIONS if operation.method in {"POST", "PATCH"}]
NAMES = [operation.name for operation in OPERATIONS]


def _described(name: str) -> dict[str, Any]:
    found = [one for item in DOCUMENT["paths"].values() for one in item.values() if "operationId" in one]
    return next(one for one in found if one["operationId"] == name)


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for one in value.values() for found in _references(one)]
    return [found for one in value for found in _references(one)] if isinstance(value, list) else []


def test_the_document_is_served(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    assert document["paths"] == DOCUMENT["paths"]
    assert document["components"] == DOCUMENT["components"]


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used = set(_references(DOCUMENT))
    defined = {
        f"#/components/{kind}/{name}"
        for kind, components in DOCUMENT["components"].items()
        for name in components
        if kind != "securitySchemes"
    }

    assert used == defined


def test_every_way_to_show_a_key_is_used_and_described() -> None:
    used = {
        name
        for item in DOCUMENT["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
        for way in operation["security"]
        for name in way
    }

    assert used == DOCUMENT["components"]["securitySchemes"].keys()


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_every_operation_is_described_in_its_own_words(operation: Any) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]

    assert described["operationId"] == operation.name
    assert described["summary"] == operation.title
    assert described["description"] == operation.description
    assert {"400", "404", "421", "503"} <= described["responses"].keys()
    assert ({"409", "413", "415", "429"} <= described["responses"].keys()) == (operation in WRITES)


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_every_argument_stands_in_one_place(operation: Any) -> None:
    described = _described(operation.name)
    placed = [one["name"] for one in described["parameters"] if one["in"] in {"path", "query"}]
    if operation in WRITES:
        schema = described["requestBody"]["content"]["application/json"]["schema"]
        placed += DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]
    in_path = {one["name"] for one in described["parameters"] if one["in"] == "path"}

    assert sorted(placed) == sorted(field.alias for field in operation.arguments.model_fields.values())
    assert in_path == set(re.findall(r"{(\w+)}", operation.path))


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_every_example_is_what_the_models_take_and_give(operation: Any) -> None:
    example = EXAMPLES[operation.name]
    described = _described(operation.name)
    status = str(operation.status(operation.answer.model_validate(example.answer)))
    media = described["responses"][status]["content"]["application/json"]

    parse_arguments(operation.arguments, example.arguments)
    answer = operation.answer.model_validate(example.answer)

    assert answer.model_dump(mode="json", by_alias=True, exclude_unset=True) == example.answer
    assert _validator(media["schema"]).is_valid(answer.model_dump(mode="json", by_alias=True))
    for parameter in described["parameters"]:
        if "example" in parameter:
            assert _validator(parameter["schema"]).is_valid(parameter["example"])


@pytest.mark.parametrize("operation", WRITES, ids=[operation.name for operation in WRITES])
def test_every_example_of_a_body_fits_its_schema(operation: Any) -> None:
    media = _described(operation.name)["requestBody"]["content"]["application/json"]

    _validator(media["schema"]).validate(media["example"])


def test_there_is_no_example_of_what_is_no_operation() -> None:
    assert EXAMPLES.keys() == set(NAMES)


@pytest.mark.parametrize("name", DOCUMENT["components"]["responses"])
def test_every_refusal_has_an_example_of_its_form(name: str) -> None:
    media = DOCUMENT["components"]["responses"][name]["content"]["application/json"]

    _validator(media["schema"]).validate(media["example"])


def test_real_answers_fit_their_schemas(client: TestClient) -> None:
    client.post("/api/origins", json=EXAMPLES["create_origin"].arguments)
    recorded = client.post("/api/interactions", json=EXAMPLES["record_interaction"].arguments)
    answers = {
        "record_interaction": ("201", recorded),
        "get_error_issues": ("200", client.get("/api/error-issues")),
        "get_error_issue": ("200", client.get("/api/error-issues/my-app-1")),
        "get_error_issue_events": ("200", client.get("/api/error-issues/my-app-1/events")),
        "list_interactions": ("200", client.get("/api/interactions")),
        "healthz": ("200", client.get("/healthz")),
    }
    refusals = {"400": client.get("/api/origins?x=1"), "404": client.get("/api/origins/x")}

    for name, (status, answer) in answers.items():
        assert str(answer.status_code) == status
        _validator(_described(name)["responses"][status]["content"]["application/json"]["schema"]).validate(
            answer.json()
        )
    for status, answer in refusals.items():
        assert str(answer.status_code) == status
        _validator({"$ref": "#/components/schemas/Error"}).validate(answer.json())


def test_the_ingest_doors_are_described_and_their_examples_work(client: TestClient) -> None:
    client.post("/api/origins", json={"mnemonic": "my-app"})
    key = client.get("/api/origins/1").json()["publicKey"]
    headers = {"x-sentry-auth": f"Sentry sentry_key={key}"}
    envelope = _described("send_envelope")["requestBody"]["content"]["application/x-sentry-envelope"]["example"]
    event = _described("send_event")["requestBody"]["content"]["application/json"]["example"]

    answers = [
        client.post("/api/1/envelope/", content=envelope, headers=headers),
        client.post("/api/1/store/", json=event, headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    for answer in answers:
        _validator({"$ref": "#/components/schemas/Accepted"}).validate(answer.json())


class _Page(HTMLParser):
    """Collect what a page loads, runs and says."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value for name, value in attrs if name in {"href", "src"} and value}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_docs_need_nothing_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/docs")
    page = _Page()
    page.feed(answer.text)
    policy = answer.headers["content-security-policy"]

    assert answer.headers["content-type"].startswith("text/html")
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert page.links == {"/openapi.json"}
    assert all(operation.path in page.text and operation.description in page.text for operation in OPERATIONS)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_browser_is_led_to_the_docs(client: TestClient) -> None:
    answer = client.get("/", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
    assert client.get("/").headers["content-type"].startswith("text/html")
