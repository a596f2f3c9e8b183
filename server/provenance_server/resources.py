"""Resources: what the tools answer, at an address; names, titles and addresses hold no text of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from mcp.types import (
    Annotations,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput, NotFound, ProvenanceError
from provenance_server.answers import Origin
from provenance_server.apps import issues_app
from provenance_server.callers import Caller
from provenance_server.fitting import compact, cost, given_line
from provenance_server.operations import GET_INTERACTION, LIST_ORIGINS
from provenance_server.protocol_errors import protocol_error
from provenance_server.render import to_text
from provenance_server.render_limits import ORIGIN_ROW, ORIGINS_LEAST
from provenance_server.rendered import Rendered
from provenance_server.sharing import largest_share
from provenance_server.tool_calls import run_named
from provenance_server.tools import EVIDENCE
from provenance_server.worker_threads import in_thread

SCHEME = "provenance://"
ISSUES = "issues"
EVENTS = "events"
RELEASES = "releases"
ORIGINS = "origins"
JSON = "application/json"
UNRESOLVED = ("open", "regressed")

_MOST_ROWS = 20
_MOST_ORIGINS = 100
_ORIGIN_WORDS = (100, 40, 20, 12, 0)
"""Tokens of an origin's name and description each: as many as its row has room for."""
_LONGEST_REFERENCE = 200
_OTHERWISE = "list them with `provenance origins list`, or complete the argument `origin` with how one begins"
_BETWEEN = 3
"""Tokens between two rows, whose signs are joined otherwise than at the end of one."""
_PAGE_STAYS_MS = 3_600_000
_FOR_ALL = Annotations(audience=["user", "assistant"])
_FOR_HOSTS = Annotations(audience=["user"])


@dataclass(frozen=True, slots=True)
class Address:
    """What a URI names: a kind of thing, and which one; all of them where that is empty."""

    kind: str
    reference: str


def address_of(uri: str) -> Address:
    """Return what a URI names.

    Raises:
        NotFound: It is none of ours.
    """
    kind, slash, rest = uri.removeprefix(SCHEME).partition("/")
    reference = unquote(rest)
    alone = kind in {ISSUES, ORIGINS} and not slash
    one = kind in {ISSUES, EVENTS, RELEASES} and 0 < len(reference) <= _LONGEST_REFERENCE and "/" not in reference
    if not uri.startswith(SCHEME) or not (alone or one):
        raise NotFound(
            f"No resource {quoted(uri)}. There are {SCHEME}{ISSUES}, {SCHEME}{ORIGINS}, {SCHEME}{ISSUES}/{{id}}, "
            f"{SCHEME}{EVENTS}/{{id}} and {SCHEME}{RELEASES}/{{origin}}."
        )
    return Address(kind, reference)


def listed() -> ListResourcesResult:
    """Return the resources that are always there."""
    return ListResourcesResult(
        resources=[
            Resource(
                uri=SCHEME + ISSUES,
                name="unresolved-issues",
                title="Unresolved error issues",
                description="What is open or regressed, newest activity first. Subscribe to hear of issues that are "
                "new or change their status.",
                mime_type=JSON,
                annotations=_FOR_ALL,
            ),
            Resource(
                uri=SCHEME + ORIGINS,
                name="origins",
                title="Origins",
                description="The applications and services whose errors are tracked.",
                mime_type=JSON,
                annotations=_FOR_ALL,
            ),
            Resource(
                uri=issues_app.URI,
                name="issues-app",
                title="View of error issues",
                description="The page on which hosts show what the reading tools answer.",
                mime_type=issues_app.MIME_TYPE,
                annotations=_FOR_HOSTS,
            ),
        ]
    )


def templates() -> ListResourceTemplatesResult:
    """Return how the other resources are named."""
    return ListResourceTemplatesResult(
        resource_templates=[
            ResourceTemplate(
                uri_template=f"{SCHEME}{ISSUES}/{{id}}",
                name="issue",
                title="Error issue",
                description=f"One issue, by id or short id. Subscribe to hear of its changes. {EVIDENCE}",
                mime_type=JSON,
                annotations=_FOR_ALL,
            ),
            ResourceTemplate(
                uri_template=f"{SCHEME}{EVENTS}/{{id}}",
                name="event",
                title="Event",
                description=f"One event of an issue, in full. {EVIDENCE}",
                mime_type=JSON,
                annotations=_FOR_ALL,
            ),
            ResourceTemplate(
                uri_template=f"{SCHEME}{RELEASES}/{{origin}}",
                name="releases",
                title="Releases",
                description="An origin's newest releases, with new, regressed and total issues. Subscribe to hear of "
                "issues that are new or regressed.",
                mime_type=JSON,
                annotations=_FOR_ALL,
            ),
        ]
    )


async def read(caller: Caller, uri: str) -> ReadResourceResult:
    """Return what is at a URI.

    Raises:
        MCPError: Nothing is there, or the caller may not see it.
    """
    if uri == issues_app.URI:
        page = TextResourceContents(
            uri=uri, mime_type=issues_app.MIME_TYPE, text=issues_app.html(), _meta=issues_app.contents_meta()
        )
        return ReadResourceResult(contents=[page], ttl_ms=_PAGE_STAYS_MS, cache_scope="public")
    try:
        rendered = await _rendered(caller, address_of(uri))
    except ProvenanceError as error:
        raise protocol_error(error, uri) from None
    text = to_text(rendered.content)
    return ReadResourceResult(
        contents=[TextResourceContents(uri=uri, mime_type=JSON, text=text, _meta=rendered.meta or None)]
    )


async def _rendered(caller: Caller, address: Address) -> Rendered:
    if address.kind == ORIGINS:
        return await in_thread(lambda: _origins(caller))
    if address.kind == RELEASES:
        return await run_named("get_releases", caller, {"origin": address.reference, "limit": _MOST_ROWS})
    if address.kind == EVENTS:
        return await _event(caller, address.reference)
    if address.reference:
        return await run_named("get_error_issue", caller, {"issueId": address.reference})
    return await run_named("get_error_issues", caller, {"status": list(UNRESOLVED), "limit": _MOST_ROWS})


async def _event(caller: Caller, reference: str) -> Rendered:
    """Return one event as the tool shows it within its issue."""

    def issue_id() -> str | None:
        return caller.open_client().call(GET_INTERACTION, {"id": reference}).issue_id

    missing = NotFound(f"No event {quoted(reference)}. Read an issue to see the id of its event.")
    try:
        issue = await in_thread(issue_id)
    except InvalidInput:
        raise missing from None
    if issue is None:
        raise missing
    detail = await run_named("get_error_issue", caller, {"issueId": issue, "event": reference, "detail": "full"})
    event: dict[str, Any] = detail.content.get("event", {})
    return Rendered({"issue": detail.content["shortId"], **event}, detail.meta)


def _origins(caller: Caller) -> Rendered:
    """Return the oldest origins, each within its share of what the page may cost."""
    found = caller.open_client().call(LIST_ORIGINS, {"limit": _MOST_ORIGINS})
    more = found.total - len(found.items)
    page = {"total": found.total} | ({"cut": f"{more} more: {_OTHERWISE}"} if more > 0 else {})
    room = max(ORIGIN_ROW * len(found.items), ORIGINS_LEAST) - cost({"items": [], **page})
    rows = [_origin(origin, _ORIGIN_WORDS[0]) for origin in found.items]
    share = largest_share([_row_cost(row) for row in rows], room)
    items = [
        row if _row_cost(row) <= share else _shorter(origin, share)
        for row, origin in zip(rows, found.items, strict=True)
    ]
    return Rendered({"items": items, **page})


def _shorter(origin: Origin, share: int) -> dict[str, Any]:
    """Return an origin within its share, with shorter texts or none; its mnemonic and number name it everywhere."""
    rows = (_origin(origin, words) for words in _ORIGIN_WORDS)
    return next((row for row in rows if _row_cost(row) <= share), _origin(origin, 0))


def _origin(origin: Origin, words: int) -> dict[str, Any]:
    return compact(
        {
            "mnemonic": origin.mnemonic,
            "number": origin.number,
            "name": given_line(origin.name, words) if words else None,
            "description": given_line(origin.description, words) if words else None,
        }
    )


def _row_cost(row: dict[str, Any]) -> int:
    return cost(row) + _BETWEEN
