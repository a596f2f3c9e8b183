"""Find out who asks: keys in, access out; the one place for the API, the page and MCP."""

from __future__ import annotations

from typing import Any, cast

from starlette.types import Scope

from provenance_core.access import EVERYTHING, Access, Actor, ActorKind, Door
from provenance_core.events import Via


def access_of(scope: Scope) -> Access:
    """Return what the caller of a request may."""
    state = cast("dict[str, Any]", scope["state"])
    return state.get("access") or Access(Actor(ActorKind.OPEN, "", None, Door.HTTP), EVERYTHING, Via.PUBLIC)
