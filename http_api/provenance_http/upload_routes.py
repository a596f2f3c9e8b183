"""The door for source maps of a release: a form of files, or a ZIP archive, as curl sends them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import Request, Response
from pydantic import AfterValidator, Field

from provenance_core import limits
from provenance_core.access import Scope
from provenance_core.errors import InvalidInput, UnsupportedEncoding
from provenance_core.sourcemaps.limits import MAX_MAP_BYTES
from provenance_http.bodies import check_encoding
from provenance_http.forms import boundary_of, read_form
from provenance_http.routes import Handlers, context_of
from provenance_http.services import services_of
from provenance_http.upload_files import DEFAULT_PREFIX, TEXT_FIELDS, Sent, sent_as_archive, sent_as_form
from provenance_http.uploads import in_thread, inflated, spool
from provenance_server.context import Context
from provenance_server.parsing import parse_arguments
from provenance_server.sourcemap_answers import Upload
from provenance_server.sourcemap_arguments import MOST_FILES, Dist, ReleaseOf
from provenance_server.uploading import UploadTarget, upload

LARGEST_UPLOAD = 512 * 1024 * 1024
"""Bytes of an upload as it is sent. Ours: the maps of the largest front ends have 200 MB."""

LARGEST_INFLATED = 1024 * 1024 * 1024
"""Bytes of an upload without its encoding. Ours: twice what is sent, as of an archive."""

ZIP = "application/zip"
PATH = "/api/origins/{origin}/releases/{release}/sourcemaps"
NAME = "upload_sourcemaps"
_ZIPS = frozenset({ZIP, "application/x-zip-compressed", "application/x-zip"})
_PREFIX = re.compile(r"~/|[A-Za-z][A-Za-z0-9+.-]*://.|/")


def _prefix(text: str) -> str:
    if not _PREFIX.match(text):
        raise ValueError("must begin with `~/`, `/` or a scheme like `https://`")
    return f"~{text}" if text.startswith("/") else text


class UploadSourcemaps(ReleaseOf):
    """Which release the files are of, and where they are served."""

    dist: Dist = ""
    url_prefix: Annotated[str, Field(max_length=limits.PATH), AfterValidator(_prefix)] = Field(
        default=DEFAULT_PREFIX, description="Before the names of files that are no addresses"
    )


async def upload_sourcemaps(request: Request) -> Response:
    """Store scripts and source maps of a release, which is registered where it is new; all of them or none.

    Send a form (multipart/form-data) with a file in each part, or one ZIP archive as the body (application/zip), of
    which only scripts and source maps are read. An artifact's name is the address it is served under, `~` standing
    for any host. In a form it is the text of a field `name` before the file; else the field's own name, where that is
    an address or ends like a script or a map: `curl -F '~/static/app.min.js=@dist/app.min.js'`; else the file's name:
    `curl -F 'file=@app.min.js;filename=~/static/app.min.js'`. Names that are no address, and paths in an archive,
    follow `urlPrefix`. `dist` and `urlPrefix` may be fields of the form, or stand in the query.
    """
    services = services_of(request.scope)
    with services.metrics.operation(NAME):
        answer = await _take(request)
    status = 201 if answer.added or answer.replaced else 200
    return Response(answer.model_dump_json(by_alias=True), status, media_type="application/json")


HANDLERS: Mapping[str, Handlers] = {PATH: {"POST": (upload_sourcemaps, Scope.WRITE)}}
"""What is registered beside the operations, by path and method."""


async def _take(request: Request) -> Upload:
    services = services_of(request.scope)
    content_type = request.headers.get("content-type", "")
    boundary = boundary_of(content_type)
    if boundary is None and content_type.partition(";")[0].strip().lower() not in _ZIPS:
        raise UnsupportedEncoding(
            f"Send files as multipart/form-data (curl -F), or one archive with the header `content-type: {ZIP}`."
        )
    encoding = check_encoding(",".join(request.headers.getlist("content-encoding")))
    asked = _asked(request)
    arguments = parse_arguments(UploadSourcemaps, asked)
    context = context_of(request)
    await anyio.to_thread.run_sync(context.origin, arguments.origin)  # before so much is sent
    async with services.uploads.folder() as folder:
        await spool(request, folder / "body", LARGEST_UPLOAD)
        return await in_thread(lambda: _upload(context, asked, folder, boundary, encoding))


def _upload(context: Context, asked: dict[str, Any], folder: Path, boundary: bytes | None, encoding: str) -> Upload:
    """Store what was sent, in a worker thread."""
    body = folder / "body"
    sent = _archive(body, folder, encoding) if boundary is None else _form(body, folder, boundary, encoding)
    body.unlink()
    twice = asked.keys() & sent.texts.keys()
    if twice:
        raise InvalidInput(f"`{min(twice)}` stands in the query already; leave it out elsewhere.")
    arguments = parse_arguments(UploadSourcemaps, {**asked, **sent.texts})
    files = sent.uploaded(arguments.url_prefix)
    answer = upload(context, UploadTarget(arguments.origin, arguments.release, arguments.dist), files)
    return answer.model_copy(update={"warnings": [*answer.warnings, *sent.warnings()]})


def _form(body: Path, folder: Path, boundary: bytes, encoding: str) -> Sent:
    pieces = inflated(body, encoding, LARGEST_INFLATED)
    most = MOST_FILES * 2 + len(TEXT_FIELDS)  # a file and its name each
    return sent_as_form(read_form(pieces, boundary, folder, most_parts=most, largest_part=MAX_MAP_BYTES))


def _archive(body: Path, folder: Path, encoding: str) -> Sent:
    if encoding == "identity":
        return sent_as_archive(body, folder)
    plain = folder / "archive"
    with plain.open("xb") as file:
        for piece in inflated(body, encoding, LARGEST_UPLOAD):
            file.write(piece)
    return sent_as_archive(plain, folder)


def _asked(request: Request) -> dict[str, Any]:
    """Return what path and query say.

    Raises:
        InvalidInput: The query says again what the path says.
    """
    query = request.query_params
    twice = query.keys() & request.path_params.keys()
    if twice:
        raise InvalidInput(f"`{min(twice)}` stands in the path already; leave it out elsewhere.")
    given = {name: values[0] if len(values := query.getlist(name)) == 1 else values for name in query}
    return {**given, **request.path_params}
