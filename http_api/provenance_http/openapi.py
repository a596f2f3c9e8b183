"""Describe the API in OpenAPI: made of the operations' own models, so that it cannot say anything else."""

from __future__ import annotations

from typing import Any, Literal, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from provenance_core.access import Scope
from provenance_http.credentials import LONGEST_CLIENT
from provenance_http.examples import EXAMPLES, NUMBER, Example
from provenance_http.openapi_ingest import ingest_paths, ingest_schemas
from provenance_http.openapi_refusals import refusal_references, refusal_responses, refusal_schemas
from provenance_http.openapi_security import NOBODY_ASKED, required, security_schemes
from provenance_http.openapi_uploads import UPLOAD_PATH, upload_operation
from provenance_http.routes import HEADER_ARGUMENTS, WITH_BODY, AnyOperation
from provenance_server.client import CLIENT_HEADER
from provenance_server.operations import OPERATIONS, RECORD_INTERACTION, UPDATE_ERROR_ISSUE_STATUS
from provenance_server.sourcemap_answers import Upload

Json = dict[str, Any]
REFERENCE = "#/components/schemas/{model}"
_OF_NUMBERS = {401: "Unauthorized", 403: "Forbidden", 421: "WrongHost", 503: "Unavailable"}
_DESCRIPTION = (
    "Self-hosted, Sentry-compatible error tracking. Fields of an answer are the server's facts; whatever came out of "
    'an event stands under `reported`. A refusal is `{"error": {"code", "message", "details"}}` and says what '
    "to do next. Sentry SDKs send to the two ingest paths by DSN, `http://<publicKey>@<host>/<number>`. "
    "Under `/api/0/` is what sentry-cli and bundlers' plugins need for source maps and releases, in Sentry's form. "
    "Agents ask `POST /mcp`. Each operation names the scope that a key needs (`x-required-scope`); a server that only "
    "its own machine reaches asks for none until the first key is made."
)


def openapi_document(title: str, version: str) -> Json:
    """Return the OpenAPI 3.1 document of every route."""
    models = _Models()
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(models, operation)
    paths.setdefault(UPLOAD_PATH, {})["post"] = upload_operation(models.upload)
    paths |= ingest_paths(NUMBER) | _health_paths()
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": models.schemas | refusal_schemas() | ingest_schemas(),
            "responses": refusal_responses(),
            "securitySchemes": security_schemes(),
        },
    }


class _Models:
    """Hold the JSON schema of every model that a route takes or gives."""

    def __init__(self) -> None:
        wanted: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = []
        for operation in OPERATIONS:
            wanted.append((operation.arguments, "validation"))
            wanted.append((operation.answer, "serialization"))
        wanted.append((Upload, "serialization"))
        self._names, found = models_json_schema(list(dict.fromkeys(wanted)), ref_template=REFERENCE)
        self._all: dict[str, Json] = found["$defs"]
        parameters_only = {self._name(o.arguments) for o in OPERATIONS if o.method not in WITH_BODY}
        self.schemas = {name: schema for name, schema in self._all.items() if name not in parameters_only}
        for operation in OPERATIONS:
            if operation.method in WITH_BODY:
                name = self._name(operation.arguments)
                self.schemas[name] = _without(self._all[name], operation.arguments.path_arguments)

    @property
    def upload(self) -> Json:
        """Return a reference to what is answered to an upload."""
        return self._names[Upload, "serialization"]

    def arguments(self, operation: AnyOperation) -> Json:
        """Return the schema of an operation's arguments."""
        return self._all[self._name(operation.arguments)]

    def body(self, operation: AnyOperation) -> Json:
        """Return a reference to the arguments that stand in the body."""
        return {"$ref": REFERENCE.format(model=self._name(operation.arguments))}

    def answer(self, operation: AnyOperation) -> Json:
        """Return a reference to an operation's answer."""
        return self._names[operation.answer, "serialization"]

    def _name(self, model: type[BaseModel]) -> str:
        return str(self._names[model, "validation"]["$ref"]).rpartition("/")[2]


def _without(schema: Json, names: frozenset[str]) -> Json:
    """Return an object's schema without some of its properties."""
    kept = {name: value for name, value in schema["properties"].items() if name not in names}
    required = [name for name in schema.get("required", []) if name not in names]
    rest = {key: value for key, value in schema.items() if key not in {"properties", "required"}}
    return {**rest, "properties": kept} | ({"required": required} if required else {})


def _operation(models: _Models, operation: AnyOperation) -> Json:
    example = EXAMPLES[operation.name]
    described: Json = {
        "operationId": operation.name,
        "summary": operation.title,
        "description": operation.description,
        "tags": [operation.path.split("/")[2]],
        "parameters": _parameters(models.arguments(operation), operation, example),
        "responses": _answers(models, operation, example) | refusal_references(operation.method),
    } | required(operation.scope)
    if operation.method in WITH_BODY:
        in_body = {name: value for name, value in example.arguments.items() if name not in _in_path(operation)}
        media = {"schema": models.body(operation), "example": in_body}
        described["requestBody"] = {"required": True, "content": {"application/json": media}}
    return described


def _answers(models: _Models, operation: AnyOperation, example: Example) -> Json:
    """Return the success answers: the one of the example, and 200 beside 201 where asking again is safe."""
    status = operation.status(operation.answer.model_validate(example.answer))
    media = {"application/json": {"schema": models.answer(operation), "example": example.answer}}
    answers = {str(status): {"description": operation.title, "content": media}}
    if operation.name in {"create_release", "record_interaction"}:
        answers["200"] = {"description": "It was there before", "content": media}
    return answers


def _parameters(schema: Json, operation: AnyOperation, example: Example) -> list[Json]:
    parameters: list[Json] = []
    for name, value in schema["properties"].items():
        in_path = name in _in_path(operation)
        if not in_path and operation.method in WITH_BODY:
            continue
        parameters.append(
            {
                "name": name,
                "in": "path" if in_path else "query",
                "required": in_path or name in schema.get("required", []),
                "schema": _not_null(value),
            }
            | ({"description": value["description"]} if "description" in value else {})
            | ({"example": example.arguments[name]} if name in example.arguments else {})
        )
    return parameters + [_header(name, meaning) for name, meaning in _headers(operation).items()]


def _headers(operation: AnyOperation) -> dict[str, str]:
    if operation is RECORD_INTERACTION:
        return {name: f"Stands for `{argument}`; the body wins" for name, argument in HEADER_ARGUMENTS.items()}
    if operation is UPDATE_ERROR_ISSUE_STATUS:
        return {CLIENT_HEADER: f"The program that asks, in its own word, for the history: {LONGEST_CLIENT} characters"}
    return {}


def _header(name: str, meaning: str) -> Json:
    moment = {"x-interaction-timestamp": "2026-11-23T10:00:00Z"}
    schema: Json = {"type": "string"} | ({"format": "date-time"} if name in moment else {})
    shown = moment.get(name, "alice")
    return {"name": name, "in": "header", "required": False, "description": meaning, "schema": schema, "example": shown}


def _in_path(operation: AnyOperation) -> frozenset[str]:
    return operation.arguments.path_arguments


def _not_null(schema: Json) -> Json:
    """Return a parameter's schema without the null that no path and no query can say."""
    kept = {key: value for key, value in schema.items() if key not in {"anyOf", "description", "title"}}
    if kept.get("default", ...) is None:
        del kept["default"]
    choices = [choice for choice in cast("list[Json]", schema.get("anyOf", [])) if choice != {"type": "null"}]
    return kept | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _health_paths() -> Json:
    media = {"application/json": {"schema": {"$ref": REFERENCE.format(model="Health")}, "example": {"status": "ok"}}}
    ok: Json = {"200": {"description": "Yes", "content": media}}
    alive: Json = {"operationId": "healthz", "summary": "Is the process alive", "tags": ["health"], "responses": ok}
    unready = {"503": {"$ref": "#/components/responses/Unavailable"}}
    ready: Json = {
        "operationId": "readyz",
        "summary": "Can it read and write its store",
        "tags": ["health"],
        "responses": ok | unready,
    }
    text = {"schema": {"type": "string"}, "example": 'provenance_ingest_requests_total{outcome="accepted"} 1024.0\n'}
    numbers = {
        "operationId": "metrics",
        "summary": "What came in, what became of it and how long it took, for Prometheus",
        "tags": ["health"],
        "responses": {
            "200": {"description": "Prometheus's text format", "content": {"text/plain": text}},
            **{str(status): {"$ref": f"#/components/responses/{name}"} for status, name in _OF_NUMBERS.items()},
        },
    }
    return {
        "/healthz": {"get": alive | NOBODY_ASKED},
        "/readyz": {"get": ready | NOBODY_ASKED},
        "/metrics": {"get": numbers | required(Scope.READ)},
    }
