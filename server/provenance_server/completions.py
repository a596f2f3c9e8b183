"""Completions: what an argument of a prompt or an address may be, of what the caller may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mcp.types import CompleteRequestParams, CompleteResult, Completion, PromptReference

from provenance_core.clean import clean_line, quoted
from provenance_core.errors import InvalidInput, NotFound
from provenance_core.lifecycle import Status
from provenance_server import prompts, resources
from provenance_server.callers import Caller
from provenance_server.fitting import cost
from provenance_server.operations import GET_ERROR_ISSUES, GET_RELEASES, LIST_ORIGINS
from provenance_server.worker_threads import in_thread

MOST = 100
_AGES = ("1h", "24h", "7d", "30d")
_LONGEST = 200
TOKENS = 2_000
"""What the values of one answer may cost a model."""

Found = tuple[list[str], int | None]
"""Values, and how many there are where that is known."""


async def completed(caller: Caller, params: CompleteRequestParams) -> CompleteResult:
    """Return the values that begin as an argument does so far.

    Raises:
        NotFound: There is no such prompt or address.
    """
    _known(params)
    value = params.argument.value[:_LONGEST]
    others = (params.context.arguments or {}) if params.context is not None else {}
    find = _FINDERS.get(_meaning(params))
    if find is None:
        return CompleteResult(completion=Completion(values=[], total=0, has_more=False))
    values, total = await in_thread(lambda: find(caller, value, others))
    shown = _fitting(values[:MOST])
    more = len(values) > len(shown) or total is None or total > len(shown)
    return CompleteResult(completion=Completion(values=shown, total=total, has_more=more))


def _fitting(values: list[str]) -> list[str]:
    """Return the first values that together cost what an answer may."""
    shown: list[str] = []
    left = TOKENS
    for value in values:
        left -= cost([value])
        if left < 0:
            break
        shown.append(value)
    return shown


def _known(params: CompleteRequestParams) -> None:
    if isinstance(params.ref, PromptReference):
        prompts.find(params.ref.name)
        return
    known = {template.uri_template for template in resources.templates().resource_templates}
    if params.ref.uri not in known:
        raise NotFound(f"No resource template {quoted(params.ref.uri)}. Templates: {', '.join(sorted(known))}.")


def _meaning(params: CompleteRequestParams) -> str:
    """Name what an argument means: the `id` of an issue's address is an issue's."""
    if params.argument.name == "id" and not isinstance(params.ref, PromptReference):
        return "issueId" if f"/{resources.ISSUES}/" in params.ref.uri else "eventId"
    return params.argument.name


def _origins(caller: Caller, value: str, _: Mapping[str, str]) -> Found:
    found = caller.open_client().call(LIST_ORIGINS, {"limit": MOST})
    names = _beginning((origin.mnemonic for origin in found.items), value)
    return names, len(names) if found.next_cursor is None else None


def _releases(caller: Caller, value: str, others: Mapping[str, str]) -> Found:
    """Return registered versions, newest first: a name that only events mention is a report."""
    origin = others.get("origin") or caller.access.origin
    if not origin:
        return [], 0
    asked = {"origin": origin, "limit": MOST, **({"query": value} if value else {})}
    try:
        found = caller.open_client().call(GET_RELEASES, asked)
    except (NotFound, InvalidInput):
        return [], 0
    versions = _beginning((row.version for row in found.items if row.registered and row.version), value)
    return versions, len(versions) if found.next_cursor is None else None


def _issues(caller: Caller, value: str, _: Mapping[str, str]) -> Found:
    """Return short ids, those with the newest activity first."""
    client = caller.open_client()
    asked: dict[str, object] = {"limit": MOST}
    origin, dash, _number = value.rpartition("-")
    if dash and origin:
        asked["origin"] = origin
    try:
        found = client.call(GET_ERROR_ISSUES, asked)
    except (NotFound, InvalidInput):  # the last dash is within the origin's own name
        found = client.call(GET_ERROR_ISSUES, {"limit": MOST})
    names = _beginning((issue.short_id for issue in found.items), value)
    return names, len(names) if found.next_cursor is None else None


def _statuses(_: Caller, value: str, __: Mapping[str, str]) -> Found:
    names = _beginning((status.value for status in Status), value)
    return names, len(names)


def _ages(_: Caller, value: str, __: Mapping[str, str]) -> Found:
    names = _beginning(_AGES, value)
    return names, len(names)


_FINDERS: dict[str, Callable[[Caller, str, Mapping[str, str]], Found]] = {
    "origin": _origins,
    "release": _releases,
    "issueId": _issues,
    "status": _statuses,
    "since": _ages,
}


def _beginning(names: Iterable[str], value: str) -> list[str]:
    """Return the names that begin so; one that cannot be shown as it is would complete to another."""
    begun = value.casefold()
    return [name for name in names if name.casefold().startswith(begun) and clean_line(name, _LONGEST) == name]
