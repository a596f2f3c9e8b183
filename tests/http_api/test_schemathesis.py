"""Whatever is asked, the API answers as its OpenAPI document says: no fault, and no status or body but those."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.examples import THOROUGH, examples
from tests.factory import make_origin, payload, report
from tests.http_api.keys import bearer, make_key
from tests.stores import KINDS, new_database_url

from provenance_core.access import Scope
from provenance_http.app import create_app
from provenance_http.openapi import openapi_document
from provenance_storage.store import Store

BASE = "http://127.0.0.1:4000"
SENT = "fc6d8c0c43fc4630ad850ee518f1b9d0"
WAYS = {"x-api-key", "authorization"}
EXAMPLES = examples(20, thorough=40)
PLACES: dict[str, tuple[str, str]] = {
    one["operationId"]: (path, method)
    for path, item in openapi_document("Provenance", "1")["paths"].items()
    for method, one in item.items()
    if method != "parameters"
}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]


@schemathesis.serializer("application/x-sentry-envelope", "application/zip")
def _as_it_is(_context: object, value: object) -> bytes:
    """Return an envelope's or archive's bytes; what is none is sent as JSON."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


@dataclass
class Api:
    """An application on a store that holds a few events, and what is there."""

    schema: BaseSchema
    key: str
    path: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    query: dict[str, Any] = field(default_factory=dict[str, Any])
    body: dict[str, Any] = field(default_factory=dict[str, Any])

    def operation(self, name: str) -> Operation:
        """Return an operation by its id."""
        path, method = PLACES[name]
        return self.schema[path][method]


@pytest.fixture(scope="module", params=KINDS if THOROUGH else KINDS[:1])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Give an application; what only one kind of store refuses is asked of both by `test_hostile_requests`."""
    with new_database_url(request.param, tmp_path_factory.mktemp("api")) as url:
        store = Store.open(url)
        shop = make_origin(store)
        event, _ = report(store, shop, payload(eventId=SENT), payload(user={"id": "b"}))
        report(store, shop, payload(errorType="Rare", causes=[], frames=[], level="warning", release="shop@1.1.0"))
        key = make_key(store, Scope.ADMIN)
        app = create_app(store)
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"host": BASE.removeprefix("http://")})
        schema.config.base_url = BASE
        schema.config.generation.allow_extra_parameters = False  # any is refused, and little else would be asked
        ids = {"origins": "shop", "interactions": str(event.id), "resource-types": "ERROR", "actions": "CAUGHT"}
        path = {
            kind: {"id": there, "issueId": "shop-1", "origin": "shop", "release": "shop@1.0.0"}
            for kind, there in ids.items()
        }
        yield Api(
            schema,
            key,
            path | {"error-issues": {"issueId": "shop-1"}, "{originNumber}": {"originNumber": shop.number}},
            {"origin": "shop", "sentry_key": shop.public_key},
            {"origin": "shop", "resourceType": "ERROR"},
        )
        shutdown_lifespans()
        store.close()


def _cases(api: Api, operation: Operation) -> st.SearchStrategy[Request]:
    """Return requests as the document describes them and others, each of anything and of what is there."""
    kind = operation.path.split("/")[2:3]
    path = {parameter.name for parameter in operation.path_parameters}
    query = {parameter.name for parameter in operation.query}
    in_path = {name: value for name, value in api.path.get("".join(kind), {}).items() if name in path}
    in_query = {name: value for name, value in api.query.items() if name in query}
    body = api.body if operation.label == "POST /api/interactions" else {}

    def known(case: Request) -> Request:
        if isinstance(case.body, dict) and body:
            case.body = {name: value for name, value in case.body.items() if not name.startswith(("origin", "re"))}
            case.body |= body
        return case

    anything = [operation.as_strategy(mode) for mode in GenerationMode]
    there = [operation.as_strategy(mode, path_parameters=in_path, query=in_query).map(known) for mode in GenerationMode]
    return st.one_of(anything + there) if in_path or in_query or body else st.one_of(anything)


@pytest.mark.parametrize("name", list(PLACES))
def test_every_answer_is_as_described(api: Api, name: str) -> None:
    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(case=_cases(api, api.operation(name)))
    def ask(case: Request) -> None:
        for way in WAYS:
            case.headers.pop(way, None)  # one that is made up would be refused before anything else is looked at
        case.headers.update(bearer(api.key))
        answer = case.call_and_validate(checks=CHECKS)
        assert answer.status_code != 401 or "{originNumber}" in case.path

    ask()
