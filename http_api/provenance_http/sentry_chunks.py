"""Uploads of sentry-cli: a bundle comes in chunks named by their SHA-1, and is assembled once all are there."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import quote

import anyio.to_thread
from fastapi import Request

from provenance_core.errors import Conflict, InvalidInput, NotFound, ProvenanceError, TooLarge, UnsupportedEncoding
from provenance_core.limits import DIST
from provenance_http.assemblies import Bundle, Versions
from provenance_http.bodies import check_encoding, inflate
from provenance_http.forms import FORM, Part, boundary_of, read_form
from provenance_http.sentry_bundles import read_bundle
from provenance_http.sentry_calls import Call, Reply
from provenance_http.services import services_of
from provenance_http.uploads import in_thread, inflated, spool
from provenance_server.arguments import CreateRelease
from provenance_server.context import Context
from provenance_server.parsing import parse_arguments
from provenance_server.uploading import UploadTarget, upload
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

CHUNK_BYTES = 4 * 1024 * 1024
"""Bytes of a chunk. Ours: half of Sentry's, as each is one value of the store."""

CHUNKS_PER_REQUEST = 16
LARGEST_REQUEST = 32 * 1024 * 1024
"""Bytes of a request with chunks. Source: Sentry."""

LARGEST_BUNDLE = 512 * 1024 * 1024
"""Bytes of a bundle, as of an upload without sentry-cli."""

MOST_CHUNKS = 1_024
"""Chunks of a bundle: clients may cut it smaller than they are told. Ours."""

TURN_SECONDS = 600.0
"""How long a bundle that is whole waits for its turn: its sender asks again meanwhile. Ours."""

_SENT_BYTES = CHUNK_BYTES + 64 * 1024
"""Bytes of a chunk as it is sent: gzip makes what cannot be compressed a little larger."""

_ENCODINGS = {"file": "identity", "file_gzip": "gzip"}
_SHA1 = re.compile(r"[0-9a-f]{40}")
_log = logging.getLogger("provenance_http")
_FAULTS_OF_BUNDLES = (InvalidInput, TooLarge, Conflict)


def tell_options(call: Call) -> Reply:
    """Say how bundles are to be cut, and where the chunks go: the whole address, as some clients take no other."""
    organization = call.named["organization"]
    return Reply(
        {
            "url": f"{call.server}/api/0/organizations/{quote(organization, safe='')}/chunk-upload/",
            "chunkSize": CHUNK_BYTES,
            "chunksPerRequest": CHUNKS_PER_REQUEST,
            "maxFileSize": LARGEST_BUNDLE,
            "maxRequestSize": LARGEST_REQUEST,
            "concurrency": 2,
            "hashAlgorithm": "sha1",
            "compression": ["gzip"],
            "accept": ["release_files", "artifact_bundles", "artifact_bundles_v2"],
        }
    )


async def take_chunks(request: Request, context: Context) -> Reply:
    """Keep the chunks of a form, each once its SHA-1 is seen to be its name."""
    boundary = boundary_of(request.headers.get("content-type", ""))
    if boundary is None:
        raise UnsupportedEncoding(f"Send chunks as {FORM}, in fields `file` or `file_gzip` named by their SHA-1.")
    encoding = check_encoding(",".join(request.headers.getlist("content-encoding")))
    async with services_of(request.scope).chunk_turns.folder() as folder:
        await spool(request, folder / "body", LARGEST_REQUEST)
        await in_thread(partial(_keep_chunks, context.store, folder, boundary, encoding))
    return Reply([])


def _keep_chunks(store: Store, folder: Path, boundary: bytes, encoding: str) -> None:
    pieces = inflated(folder / "body", encoding, LARGEST_REQUEST)
    parts = read_form(pieces, boundary, folder, most_parts=CHUNKS_PER_REQUEST, largest_part=_SENT_BYTES)
    for part in parts:
        _keep_chunk(store, part)


def _keep_chunk(store: Store, part: Part) -> None:
    checksum = part.filename or ""
    if part.field not in _ENCODINGS or not _SHA1.fullmatch(checksum):
        raise InvalidInput("A chunk is a field `file` or `file_gzip` whose filename is the SHA-1 of the chunk.")
    body = inflate(part.path.read_bytes(), _ENCODINGS[part.field], CHUNK_BYTES)
    if hashlib.sha1(body, usedforsecurity=False).hexdigest() != checksum:
        raise InvalidInput("A chunk's SHA-1 is not its filename; send it again.")
    store.chunks.put(checksum, body)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which bundle is to be assembled of which chunks, for which origins."""

    bundle: Bundle
    chunks: Sequence[str]
    origins: Sequence[OriginRecord]


async def assemble_bundle(request: Request, call: Call) -> Reply:
    """Store a bundle once all of its chunks are there; say which are missing until then.

    Asked again for a bundle that was stored, and whose origins have had no other upload since, it is done at once.
    """
    services = services_of(request.scope)
    assemblies = services.assemblies
    asked = await anyio.to_thread.run_sync(_asked, call)
    if not assemblies.known(asked.bundle):
        versions, missing = await anyio.to_thread.run_sync(_there, call.store, asked)
        if versions == assemblies.stored(asked.bundle):
            return _state("ok")
        if missing:
            return _state("not_found", missing=missing)

    async def assemble() -> Versions:
        async with services.uploads.folder(TURN_SECONDS) as folder:
            return await in_thread(partial(_assemble, call.context, asked, folder))

    try:
        stored = await assemblies.outcome(asked.bundle, assemble)
    except _FAULTS_OF_BUNDLES as error:
        return _state("error", detail=error.message)
    except NotFound as error:  # another assembly had the same chunks and is done with them, or an origin is gone
        missing = await anyio.to_thread.run_sync(call.store.chunks.missing, asked.chunks)
        return _state("not_found" if missing else "error", error.message, missing)
    return _state("ok" if stored else "assembling")


def _state(state: str, detail: str | None = None, missing: Sequence[str] = ()) -> Reply:
    return Reply({"state": state, "detail": detail, "missingChunks": list(missing)})


def _asked(call: Call) -> _Asked:
    checksum, chunks = call.needed("checksum"), call.items("chunks")
    if not _SHA1.fullmatch(checksum) or not all(isinstance(one, str) and _SHA1.fullmatch(one) for one in chunks):
        raise InvalidInput("`checksum` and `chunks` must be SHA-1 hashes of 40 lower-case hexadecimal digits.")
    if not chunks or len(chunks) > MOST_CHUNKS:
        raise InvalidInput(f"`chunks` must be 1 to {MOST_CHUNKS} hashes.")
    origins = call.origins()
    if not origins:
        raise InvalidInput("Name at least one project: `-p`, or SENTRY_PROJECT.")
    release = call.text("version")
    if release is not None:
        parse_arguments(CreateRelease, {"origin": origins[0].mnemonic, "version": release})
    names = tuple(sorted(str(origin.id) for origin in origins))
    dist = _checked_dist(call.text("dist"))
    return _Asked(Bundle(checksum, names, release, dist), cast("list[str]", chunks), origins)


def _checked_dist(dist: str | None) -> str:
    if dist is not None and (len(dist) > DIST or not dist.isprintable()):
        raise InvalidInput(f"`dist` must have at most {DIST} printable characters.")
    return dist or ""


def _there(store: Store, asked: _Asked) -> tuple[Versions, Sequence[str]]:
    return _versions(store, asked), store.chunks.missing(list(dict.fromkeys(asked.chunks)))


def _versions(store: Store, asked: _Asked) -> Versions:
    return tuple(store.artifacts.version(origin.id) for origin in asked.origins)


def _assemble(context: Context, asked: _Asked, folder: Path) -> Versions:
    """Store a bundle for each of its origins, in a worker thread; then its chunks are needed no more."""
    try:
        path = folder / "bundle"
        _join(context.store, asked, path)
        bundle = read_bundle(path, folder)
        path.unlink()
        release, dist = asked.bundle.release or bundle.release, asked.bundle.dist or _checked_dist(bundle.dist)
        for origin in asked.origins:
            upload(context, UploadTarget(str(origin.id), release, dist), bundle.files, lenient=True)
    except _FAULTS_OF_BUNDLES:
        context.store.chunks.remove(asked.chunks)
        raise
    try:
        context.store.chunks.remove(asked.chunks)
    except ProvenanceError as error:  # the bundle is stored; its chunks go within a day
        _log.warning("Chunks of a bundle that was stored were not removed. %s", error.message)
    return _versions(context.store, asked)


def _join(store: Store, asked: _Asked, path: Path) -> None:
    """Write a bundle's chunks one after the other.

    Raises:
        InvalidInput: They are not what the bundle's checksum is of.
        TooLarge: They are too many bytes.
    """
    digest, size = hashlib.sha1(usedforsecurity=False), 0
    with path.open("xb") as file:
        for checksum in asked.chunks:
            body = store.chunks.read(checksum)
            size += len(body)
            if size > LARGEST_BUNDLE:
                raise TooLarge(
                    f"A bundle may have {LARGEST_BUNDLE} bytes at most; upload a part of the files at a time."
                )
            digest.update(body)
            file.write(body)
    if digest.hexdigest() != asked.bundle.checksum:
        raise InvalidInput("The chunks do not make a bundle of that checksum; upload it again.")
