"""Describe the refusals in OpenAPI: which there are, and what they look like."""

from __future__ import annotations

from typing import Any

from provenance_http.error_answers import INTERNAL

Json = dict[str, Any]
_SCHEMA = {"$ref": "#/components/schemas/Error"}

_REFUSALS: dict[str, tuple[int, str, str, str]] = {
    "InvalidInput": (400, "invalid_input", "An argument is wrong", "Invalid arguments: limit: must be at most 100."),
    "Unauthorized": (401, "unauthorized", "There is no key, or a wrong one", "This server asks for a key."),
    "Forbidden": (
        *(403, "forbidden", "The key lacks the scope, or a page of another site asked"),
        "This takes the scope `triage`, and the key has: read.",
    ),
    "NotFound": (404, "not_found", "There is no such thing", "No origin 'shop'. Known: my-app, worker."),
    "Timeout": (408, "timeout", "The body took too long", "The body must arrive within 30 seconds; send it again."),
    "Conflict": (409, "conflict", "The present state refuses it; nothing changed", "An ignored issue can only reopen."),
    "TooLarge": (413, "too_large", "The body or event is too large", "An event may have 1048576 bytes at most."),
    "UnsupportedEncoding": (
        *(415, "unsupported_encoding", "The body is not JSON, or encoded in an unknown way"),
        "Send the arguments as JSON, with the header `content-type: application/json`.",
    ),
    "WrongHost": (421, "wrong_host", "The server has another name", "Ask 127.0.0.1 or localhost."),
    "TooManyRequests": (429, "too_many_requests", "Too much waits; see Retry-After", "Wait and send again."),
    "Internal": (500, "internal", "A fault of the server", INTERNAL),
    "Unavailable": (503, "unavailable", "The store cannot be reached", "The store cannot be used now."),
}
_ALWAYS = ("InvalidInput", "Unauthorized", "Forbidden", "NotFound", "WrongHost", "Internal", "Unavailable")
_WRITING = ("Timeout", "Conflict", "TooLarge", "UnsupportedEncoding", "TooManyRequests")
_BY_METHOD = {"GET": _ALWAYS, "DELETE": (*_ALWAYS, "Conflict"), "POST": _ALWAYS + _WRITING, "PATCH": _ALWAYS + _WRITING}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
_CHALLENGE = {
    "WWW-Authenticate": {"description": "How to show a key, by RFC 6750 and RFC 9728", "schema": {"type": "string"}}
}


def refusal_references(method: str) -> Json:
    """Return the refusals of an operation, by status."""
    return {str(_REFUSALS[name][0]): {"$ref": f"#/components/responses/{name}"} for name in _BY_METHOD[method]}


def refusal_responses() -> Json:
    """Return the components that refusals refer to."""
    responses: Json = {}
    for name, (status, code, meaning, message) in _REFUSALS.items():
        details = {"retryAfter": 5} if status == 429 else {}
        example = {"error": {"code": code, "message": message, "details": details}}
        content = {"application/json": {"schema": _SCHEMA, "example": example}}
        responses[name] = {"description": meaning, "content": content}
        if status == 429:
            responses[name]["headers"] = _RETRY_AFTER
        if status == 401:
            responses[name]["headers"] = _CHALLENGE
    return responses


def refusal_schemas() -> Json:
    """Return the schema of a refusal, and of what a probe answers."""
    text = {"type": "string"}
    inner = {
        "type": "object",
        "properties": {"code": text, "message": text, "details": {"type": "object"}},
        "required": ["code", "message", "details"],
        "additionalProperties": False,
    }
    return {
        "Error": {
            "type": "object",
            "description": "Why a request was refused, and what to do next.",
            "properties": {"error": inner},
            "required": ["error"],
            "additionalProperties": False,
        },
        "Health": {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]},
    }
