"""The OpenAPI document, and the page that shows it as text: without a script or anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.responses import RedirectResponse

from provenance_http.scoped_routes import PUBLIC, add_route

Json = dict[str, Any]
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "h2{margin-top:2.5rem;font-size:1.1rem}code,pre{font:13px/1.4 ui-monospace,monospace}"
    "pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:4px}"
    "table{border-collapse:collapse}td{padding:.1rem 1rem .1rem 0;vertical-align:top}"
)
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_document_routes(app: FastAPI) -> None:
    """Register the document and the page, to which a browser is led: they tell nothing of what is stored."""

    async def document(_request: Request) -> Response:
        return Response(orjson.dumps(app.openapi()), media_type="application/json")

    async def docs(_request: Request) -> Response:
        headers = {"content-security-policy": _POLICY}
        return Response(docs_html(app.openapi()), headers=headers, media_type="text/html")

    async def front(_request: Request) -> Response:
        return RedirectResponse("/docs")

    add_route(app, "/", front, {"GET": PUBLIC})
    add_route(app, "/openapi.json", document, {"GET": PUBLIC})
    add_route(app, "/docs", docs, {"GET": PUBLIC})


def docs_html(document: Json) -> str:
    """Return an OpenAPI document as a page of text."""
    info: Json = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    operations = [
        _operation(path, method, operation, item.get("parameters", []))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: the API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><h1>{title}</h1>'
        f'<p>{escape(info["description"])}</p><p>For programs: <a href="/openapi.json">/openapi.json</a></p>'
        f"{''.join(operations)}</body></html>"
    )


def _operation(path: str, method: str, operation: Json, shared: list[Json]) -> str:
    parts = [
        f'<h2 id="{escape(operation["operationId"])}"><code>{method.upper()} {escape(path)}</code></h2>',
        f"<p>{escape(operation.get('description') or operation['summary'])}</p>",
        _parameters([*shared, *operation.get("parameters", [])]),
    ]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        parts.append(f"<p>Body</p>{_example(media)}")
    for status, answer in operation["responses"].items():
        for media in answer.get("content", {}).values() if status.startswith("2") else ():
            parts.append(f"<p>Answer {escape(status)}</p>{_example(media)}")
    return "".join(parts)


def _parameters(parameters: list[Json]) -> str:
    if not parameters:
        return ""
    rows = [
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}"
        f"{', required' if one['required'] else ''}</td><td>{escape(one.get('description', ''))}</td></tr>"
        for one in parameters
    ]
    return f"<table>{''.join(rows)}</table>"


def _example(media: Json) -> str:
    example = media["example"]
    text = example if isinstance(example, str) else orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
    return f"<pre>{escape(text)}</pre>"
