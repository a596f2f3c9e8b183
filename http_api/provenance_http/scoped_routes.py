"""Routes that say what they need of a caller: one that says nothing is closed to everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope as Request

from provenance_core.access import Scope

Needs = Mapping[str, Scope | None]
"""What each method of a route needs; None where nobody is asked who they are."""

PUBLIC = None


class ScopedRoute(Route):
    """A route that takes only the methods for which it says what they need."""

    def __init__(self, path: str, endpoint: Callable[..., Any], needs: Needs) -> None:
        super().__init__(path, endpoint, methods=list(needs))
        self.needs = {"HEAD": needs["GET"], **needs} if "GET" in needs else dict(needs)


class Undeclared(Exception):
    """Say that a route does not tell what it needs."""


def add_route(app: FastAPI, path: str, endpoint: Callable[..., Any], needs: Needs) -> None:
    """Register a route.

    Args:
        app: The application.
        path: Its path.
        endpoint: What answers: a function of a request, or an ASGI application.
        needs: What each of its methods needs.
    """
    app.router.routes.append(ScopedRoute(path, endpoint, needs))


def needed(routes: Sequence[BaseRoute], request: Request) -> tuple[bool, Scope | None]:
    """Return whether a request is for everybody, and else which scope it needs: none where nothing would answer it.

    Raises:
        Undeclared: A route would answer it that does not tell what it needs.
    """
    other_methods = False
    for route in routes:
        match, _ = route.matches(request)
        if match is Match.NONE:
            continue
        if not isinstance(route, ScopedRoute):
            raise Undeclared
        if match is Match.FULL:
            scope = route.needs[request["method"]]
            return scope is PUBLIC, scope
        other_methods = other_methods or PUBLIC in route.needs.values()
    return other_methods, None
