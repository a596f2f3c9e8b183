"""The part of Sentry's API that sentry-cli and the bundlers' plugins use to upload source maps and name releases.

An organization is any word: there is one. A project is an origin, by mnemonic, number or id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import unquote

import anyio.to_thread
import orjson
from fastapi import FastAPI, HTTPException, Request, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from provenance_core.access import Scope
from provenance_core.errors import InvalidInput, NotFound, ProvenanceError
from provenance_core.json_text import loads
from provenance_core.moments import format_moment
from provenance_http.bodies import LARGEST_ARGUMENTS, Body, check_encoding, inflate
from provenance_http.error_answers import SENTRY_PREFIX as PREFIX
from provenance_http.error_answers import log_unexpected, sentry_refusal
from provenance_http.exposure import Exposure
from provenance_http.routes import context_of
from provenance_http.scoped_routes import Needs, add_route
from provenance_http.sentry_calls import Call, Json, Reply
from provenance_http.sentry_chunks import assemble_bundle, take_chunks, tell_options
from provenance_http.sentry_releases import (
    delete_release,
    list_releases,
    no_previous_release,
    read_release,
    save_release,
    take_deploy,
    update_release,
)
from provenance_http.services import services_of

_NEEDS: Needs = {
    **dict.fromkeys(("GET", "OPTIONS"), Scope.READ),
    **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), Scope.WRITE),
}
_WITH_BODY = frozenset({"POST", "PUT"})
_SLUG = "provenance"


def tell_who_asks(_call: Call) -> Reply:
    """Say that nobody in particular asks, and may do what there is."""
    return Reply({"version": "0", "auth": {"scopes": ["org:read", "project:read", "project:releases"]}, "user": None})


def list_organizations(call: Call) -> Reply:
    """Return the one organization there is."""
    created = min((origin.created_at for origin in call.every_origin()), default=0)
    flags = dict.fromkeys(("isEarlyAdopter", "require2FA", "requireEmailVerification"), False)
    row: Json = {"id": "1", "slug": _SLUG, "name": "Provenance", "dateCreated": format_moment(created), "features": []}
    return Reply([row | flags])


def list_projects(call: Call) -> Reply:
    """Return the origins."""
    origins = call.every_origin()
    return Reply(
        [
            {
                "id": str(origin.number),
                "slug": origin.mnemonic,
                "name": origin.name,
                "dateCreated": format_moment(origin.created_at),
            }
            for origin in origins
        ]
    )


def nothing(_call: Call) -> Reply:
    """Return an empty list of what is not kept here: repositories, commits, deploys."""
    return Reply([])


@dataclass(frozen=True, slots=True)
class _Route:
    """What answers a path, by method."""

    path: str
    answers: Mapping[str, Callable[[Call], Reply]]

    @property
    def name(self) -> str:
        """Return what its requests are counted under."""
        words = [part for part in self.path.split("/") if part and not part.startswith("{")]
        return "_".join(["sentry", *words[-1:]]).replace("-", "_")

    def named(self, segments: list[str]) -> dict[str, str] | None:
        """Return what a path names where it is this one."""
        own = self.path.strip("/").split("/") if self.path.strip("/") else []
        if len(own) != len(segments):
            return None
        named: dict[str, str] = {}
        for template, segment in zip(own, segments, strict=True):
            if template.startswith("{") and segment:
                named[template.strip("{}")] = segment
            elif template != segment:
                return None
        return named


_ORGANIZATION = "/organizations/{organization}"
_PROJECT = "/projects/{organization}/{project}"
_RELEASE = {"GET": read_release, "PUT": update_release, "DELETE": delete_release}
_SCHEMES = frozenset({"http", "https"})
_CHUNKS = f"{_ORGANIZATION}/chunk-upload/"
_ASSEMBLE = f"{_ORGANIZATION}/artifactbundle/assemble/"


def _unreached(_call: Call) -> Reply:
    raise AssertionError("what reads its own body is answered before")


ROUTES: tuple[_Route, ...] = (
    _Route("/", {"GET": tell_who_asks}),
    _Route("/organizations/", {"GET": list_organizations}),
    _Route(f"{_ORGANIZATION}/projects/", {"GET": list_projects}),
    _Route(f"{_ORGANIZATION}/repos/", {"GET": nothing}),
    _Route(_CHUNKS, {"GET": tell_options, "POST": _unreached}),
    _Route(_ASSEMBLE, {"POST": _unreached}),
    *(
        _Route(path, answers)
        for of in (_ORGANIZATION, _PROJECT)
        for path, answers in (
            (f"{of}/releases/", {"GET": list_releases, "POST": save_release}),
            (f"{of}/releases/{{version}}/", _RELEASE),
            (f"{of}/releases/{{version}}/previous-with-commits/", {"GET": no_previous_release}),
            (f"{of}/releases/{{version}}/commits/", {"GET": nothing}),
            (f"{of}/releases/{{version}}/deploys/", {"GET": nothing, "POST": take_deploy}),
        )
    ),
)


def add_sentry_routes(app: FastAPI, exposure: Exposure) -> None:
    """Register what is under `/api/0/`: one route, as versions of releases may hold what other paths may not."""
    for path in (PREFIX, PREFIX + "/{rest:path}"):
        add_route(app, path, partial(answer_cli, exposure.public_url), _NEEDS)


async def answer_cli(public_url: str | None, request: Request) -> Response:
    """Answer a request in Sentry's form, refusals too.

    Args:
        public_url: Where others reach the server, if it was told.
        request: The request.
    """
    try:
        route, named = _found(request)
        with services_of(request.scope).metrics.operation(route.name):
            reply = await _reply(request, route, named, public_url)
    except (ProvenanceError, HTTPException, StarletteHTTPException) as error:
        return sentry_refusal(error)
    except Exception as error:  # noqa: BLE001  # the outermost place where an error of a request can be answered
        log_unexpected(request.scope, error)
        return sentry_refusal(error)
    content = b"" if reply.content is None else orjson.dumps(reply.content)
    return Response(content, reply.status, media_type="application/json")


def _found(request: Request) -> tuple[_Route, dict[str, str]]:
    """Return the route of a path, and what the path names: percent-encoded slashes are parts of names."""
    raw = cast("bytes", request.scope.get("raw_path") or request.scope["path"].encode())
    rest = raw.decode("latin-1").removeprefix(PREFIX).strip("/")
    segments = [unquote(segment) for segment in rest.split("/")] if rest else []
    for route in ROUTES:
        named = route.named(segments)
        if named is not None:
            return route, named
    paths = ", ".join(f"{'|'.join(route.answers)} {PREFIX}{route.path}" for route in ROUTES)
    raise NotFound(f"Of Sentry's API there is only what sentry-cli needs for source maps and releases: {paths}.")


async def _reply(request: Request, route: _Route, named: dict[str, str], public_url: str | None) -> Reply:
    method = "GET" if request.method == "HEAD" else request.method
    if method not in route.answers:
        raise HTTPException(405, headers={"allow": ", ".join(route.answers)})
    context = context_of(request)
    if route.path == _CHUNKS and method == "POST":
        return await take_chunks(request, context)
    server = public_url.rstrip("/") if public_url else _server(request)
    call = Call(context, named, await _body(request) if method in _WITH_BODY else {}, server)
    if route.path == _ASSEMBLE:
        return await assemble_bundle(request, call)
    return await anyio.to_thread.run_sync(route.answers[method], call)


def _server(request: Request) -> str:
    """Return the server's address as the caller knows it: a proxy in front says itself whether it is asked over TLS."""
    told = request.headers.get("x-forwarded-proto", "").strip().lower()
    return f"{told if told in _SCHEMES else request.url.scheme}://{request.headers['host']}"


async def _body(request: Request) -> Json:
    encoding = check_encoding(",".join(request.headers.getlist("content-encoding")))
    declared = request.headers.get("content-length")
    with Body(request.receive, declared, LARGEST_ARGUMENTS, services_of(request.scope).room) as body:
        sent = await body.whole()
        return await anyio.to_thread.run_sync(_object, sent, encoding)


def _object(data: bytes, encoding: str) -> Json:
    value = loads(inflate(data, encoding, LARGEST_ARGUMENTS)).value
    if not isinstance(value, dict):
        raise InvalidInput("The body must be a JSON object.")
    return cast("Json", value)
