"""Describe the door for source maps in OpenAPI, and what sentry-cli uploads to."""

from __future__ import annotations

import inspect
from typing import Any

from provenance_core.access import Scope
from provenance_http.openapi_refusals import refusal_references
from provenance_http.openapi_security import required
from provenance_http.upload_routes import NAME, PATH, ZIP, UploadSourcemaps, upload_sourcemaps

Json = dict[str, Any]
UPLOAD_PATH = PATH
_RELEASE_ID = "01935711-5a18-7b44-8c9d-2f7e6a1b0d93"
_ANSWER: Json = {
    "origin": "my-app",
    "release": "1.2.3",
    "releaseId": _RELEASE_ID,
    "dist": None,
    "added": 2,
    "replaced": 0,
    "unchanged": 0,
    "resolvedIssues": 3,
    "warnings": [],
}
_EXAMPLES: Json = {"origin": "my-app", "release": "1.2.3", "urlPrefix": "~/static/"}
_FILE: Json = {"type": "string", "format": "binary"}


def upload_operation(answer: Json) -> Json:
    """Return the operation of the door.

    Args:
        answer: A reference to the schema of what it answers.
    """
    media = {"application/json": {"schema": answer, "example": _ANSWER}}
    return {
        "operationId": NAME,
        "summary": "Upload source maps of a release",
        "description": inspect.cleandoc(upload_sourcemaps.__doc__ or ""),
        "tags": ["origins"],
        "parameters": _parameters(),
        "requestBody": {"required": True, "content": _bodies()},
        "responses": {
            "200": {"description": "All of it was there before", "content": media},
            "201": {"description": "It is stored", "content": media},
        }
        | refusal_references("POST"),
    } | required(Scope.WRITE)


def _parameters() -> list[Json]:
    schema = UploadSourcemaps.model_json_schema()
    parameters: list[Json] = []
    for name, told in schema["properties"].items():
        in_path = name in UploadSourcemaps.path_arguments
        described = {key: told[key] for key in ("description",) if key in told}
        example = {"example": _EXAMPLES[name]} if name in _EXAMPLES else {}
        kept = {key: value for key, value in told.items() if key not in {"description", "title"}}
        place = {"name": name, "in": "path" if in_path else "query", "required": in_path, "schema": kept}
        parameters.append(place | described | example)
    return parameters


def _bodies() -> Json:
    texts: Json = {name: {"type": "string"} for name in ("dist", "urlPrefix", "name")}
    form = {"type": "object", "properties": {**texts, "file": _FILE}, "additionalProperties": _FILE}
    example = {"~/static/app.min.js": "a()\n", "~/static/app.min.js.map": '{"version":3,"sources":[],"mappings":""}'}
    return {
        "multipart/form-data": {"schema": form, "example": example},
        ZIP: {"schema": _FILE, "example": "curl -T dist.zip -X POST -H 'content-type: application/zip'"},
    }
