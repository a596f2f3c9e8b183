"""Walk every page of a list."""

from __future__ import annotations

from typing import Any

from provenance_server.answers import Issue, IssueList
from provenance_server.arguments import LARGEST_LIMIT
from provenance_server.client import Client
from provenance_server.operations import GET_ERROR_ISSUES


def every_issue(client: Client, raw: dict[str, Any]) -> IssueList:
    """Return the issues of every page as one.

    Args:
        client: Where to ask.
        raw: The list's arguments; the largest pages are asked for unless they say a limit.
    """
    items: list[Issue] = []
    page = client.call(GET_ERROR_ISSUES, {"limit": LARGEST_LIMIT, **raw})
    items += page.items
    while page.next_cursor is not None:
        page = client.call(GET_ERROR_ISSUES, {"limit": LARGEST_LIMIT, **raw, "cursor": page.next_cursor})
        items += page.items
    return IssueList(items=items, total=page.total)
