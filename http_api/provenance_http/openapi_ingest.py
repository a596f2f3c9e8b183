"""Describe the ingest doors in OpenAPI, which speak Sentry's protocol."""

from __future__ import annotations

from typing import Any

from provenance_http.openapi_security import required_of_senders

Json = dict[str, Any]
_KEY = "9d3f0e6a4b5c4d7e8f90a1b2c3d4e5f6"
_EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
_EVENT = {
    "event_id": _EVENT_ID,
    "platform": "python",
    "release": "1.2.3",
    "exception": {"values": [{"type": "ValueError", "value": "could not price the order"}]},
}
_ENVELOPE = (
    f'{{"event_id":"{_EVENT_ID}"}}\n{{"type":"event"}}\n'
    '{"exception":{"values":[{"type":"ValueError","value":"could not price the order"}]}}\n'
)
_ENCODING = {"type": "string", "enum": ["identity", "gzip", "deflate", "br", "zstd"]}
_REJECTIONS = {
    400: "The body is not understood",
    403: "The key is missing, or not one of that project",
    408: "The body took too long",
    413: "The body or the event is too large",
    415: "The body is encoded in an unknown way",
    429: "Too much waits, or the key has sent too much; see Retry-After and X-Sentry-Rate-Limits",
    500: "A fault of the server",
    503: "The store cannot be reached",
}
_NO_DOOR = {"401": "Unauthorized", "404": "NotFound"}
"""What is answered where the path has no number, and is no door."""


def ingest_paths(number: int) -> Json:
    """Return the paths that Sentry SDKs send to.

    Args:
        number: The origin's number in the examples.
    """
    envelope = _door("send_envelope", "Send an envelope", "Record the events of a Sentry envelope; count the rest.")
    media = {"schema": {"type": "string", "format": "binary"}, "example": _ENVELOPE}
    envelope["requestBody"] = {"required": True, "content": {"application/x-sentry-envelope": media}}
    event = _door("send_event", "Send an event", "Record one Sentry event.")
    media = {"schema": {"type": "object"}, "example": _EVENT}
    event["requestBody"] = {"required": True, "content": {"application/json": media}}
    parameters = _parameters(number)
    return {
        "/api/{originNumber}/envelope/": {"parameters": parameters, "post": envelope},
        "/api/{originNumber}/store/": {"parameters": parameters, "post": event},
    }


def ingest_schemas() -> Json:
    """Return the schemas of the doors' answers."""
    text = {"type": "string"}
    return {
        "Accepted": {
            "type": "object",
            "description": "The id of the first event; none where nothing has an id.",
            "properties": {"id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
            "additionalProperties": False,
        },
        "Rejection": {
            "type": "object",
            "description": "Why nothing was recorded, in Sentry's form.",
            "properties": {"detail": text, "causes": {"type": "array", "items": text}},
            "required": ["detail", "causes"],
        },
    }


def _door(name: str, title: str, description: str) -> Json:
    accepted = {"schema": {"$ref": "#/components/schemas/Accepted"}, "example": {"id": _EVENT_ID}}
    told: Json = {"detail": "What is wrong and what to do next.", "causes": []}
    rejected: Json = {"schema": {"$ref": "#/components/schemas/Rejection"}, "example": told}
    responses: Json = {"200": {"description": "It is on disk", "content": {"application/json": accepted}}}
    for status, meaning in _REJECTIONS.items():
        responses[str(status)] = {"description": meaning, "content": {"application/json": rejected}}
    for status, refusal in _NO_DOOR.items():
        responses[status] = {"$ref": f"#/components/responses/{refusal}"}
    described = f"{description} The answer comes once it is on disk."
    return {
        "operationId": name,
        "summary": title,
        "description": described,
        "tags": ["ingest"],
        "responses": responses,
    } | required_of_senders()


def _parameters(number: int) -> list[Json]:
    numbered: Json = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
    key: Json = {"type": "string", "maxLength": 100}
    return [
        {"name": "originNumber", "in": "path", "required": True, "schema": numbered, "example": number},
        {"name": "sentry_key", "in": "query", "required": False, "schema": key, "example": _KEY}
        | {"description": "The origin's public key, unless X-Sentry-Auth or the envelope's `dsn` names it"},
        {"name": "X-Sentry-Auth", "in": "header", "required": False, "schema": {"type": "string"}}
        | {"example": f"Sentry sentry_key={_KEY}, sentry_version=7"},
        {"name": "Content-Encoding", "in": "header", "required": False, "schema": _ENCODING},
    ]
