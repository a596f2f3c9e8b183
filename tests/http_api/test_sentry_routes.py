"""The endpoints of sentry-cli under hostile and odd requests."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.http_api.keys import bearer, make_key
from tests.http_api.uploading import SCRIPT, source_map, zipped
from tests.stores import on_sqlite

from provenance_core.access import Scope
from provenance_core.errors import Busy
from provenance_http import assemblies, sentry_chunks
from provenance_server import map_intake
from provenance_server.index_building import IndexBuilder, NotBuilt
from provenance_storage.chunks import Chunks
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

ORGANIZATION = "/api/0/organizations/acme"
CHUNKS = f"{ORGANIZATION}/chunk-upload/"
ASSEMBLE = f"{ORGANIZATION}/artifactbundle/assemble/"
RELEASES = f"{ORGANIZATION}/releases/"
DEBUG_ID = "e969f989-1d5c-4d1c-9d8c-0f4f6e1a2b3c"

pytestmark = pytest.mark.usefixtures("origin", "temporary")


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def bundle(files: dict[str, Any] | None = None, members: dict[str, bytes] | None = None, **manifest: Any) -> bytes:
    """Return a bundle as sentry-cli makes it, with changes."""
    script = {"type": "minified_source", "url": "~/app.min.js", "headers": {"sourcemap": "app.min.js.map"}}
    listed = {
        "files/_/_/app.min.js": script | {"headers": {"debug-id": DEBUG_ID, "Sourcemap": "app.min.js.map"}},
        "files/_/_/app.min.js.map": {
            "type": "source_map",
            "url": "~/app.min.js.map",
            "headers": {"debug-id": DEBUG_ID},
        },
    }
    document = {"files": files if files is not None else listed, "org": "acme", "project": "my-app", **manifest}
    own = {"files/_/_/app.min.js": SCRIPT, "files/_/_/app.min.js.map": source_map()}
    whole = {"manifest.json": json.dumps(document).encode()} | (members if members is not None else own)
    return b"SYSB\x02\0\0\0" + zipped(whole)


def send_chunk(client: TestClient, data: bytes, name: str | None = None, field: str = "file_gzip") -> Any:
    body = gzip.compress(data) if field == "file_gzip" else data
    return client.post(CHUNKS, files=[(field, (name or sha1(data), body, "application/octet-stream"))])


def assemble(client: TestClient, data: bytes, parts: list[bytes] | None = None, **asked: Any) -> Any:
    chunks = [sha1(part) for part in parts or [data]]
    body = {"checksum": sha1(data), "chunks": chunks, "projects": ["my-app"], "version": "1.0.0", **asked}
    told = {name: value for name, value in body.items() if value is not None}
    return client.post(ASSEMBLE, content=json.dumps(told), headers={"content-type": "application/json"})


def stored(client: TestClient, release: str = "1.0.0") -> dict[str, Any]:
    items = client.get(f"/api/origins/my-app/releases/{release}/sourcemaps").json()["items"]
    return {one["name"]: one for one in items}


def test_a_bundle_is_asked_for_sent_and_stored(client: TestClient) -> None:
    data = bundle()
    half = len(data) // 2
    parts = [data[:half], data[half:]]

    first = assemble(client, data, parts).json()
    sent = [send_chunk(client, parts[0]), send_chunk(client, parts[1], field="file")]
    then = assemble(client, data, parts).json()
    again = assemble(client, data, parts).json()

    assert first == {"state": "not_found", "detail": None, "missingChunks": [sha1(part) for part in parts]}
    assert [answer.status_code for answer in sent] == [200, 200]
    assert then == again == {"state": "ok", "detail": None, "missingChunks": []}
    assert {name: (one["debugId"], one["dist"]) for name, one in stored(client).items()} == {
        "~/app.min.js": (DEBUG_ID, None),
        "~/app.min.js.map": (DEBUG_ID, None),
    }


def test_a_stored_bundle_is_known_until_something_else_is_uploaded(client: TestClient) -> None:
    data = bundle()
    send_chunk(client, data)

    states = [assemble(client, data).json()["state"] for _ in range(2)]
    client.delete("/api/origins/my-app/releases/1.0.0")
    states.append(assemble(client, data).json()["state"])

    assert states == ["ok", "ok", "not_found"]


def test_release_and_dist_may_stand_in_the_manifest(client: TestClient) -> None:
    data = bundle(release="7", dist="77")
    send_chunk(client, data)

    assert assemble(client, data, version=None).json()["state"] == "ok"
    assert {one["dist"] for one in stored(client, "7").values()} == {"77"}


@on_sqlite
@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"SYSB\x01\0\0\0" + bundle()[8:],
        bundle()[8:],
        b"SYSB\x02\0\0\0",
        b"SYSB\x02\0\0\0" + zipped({"a.js": SCRIPT}),
        b"SYSB\x02\0\0\0" + zipped({"manifest.json": b"[]"}),
        b"SYSB\x02\0\0\0" + zipped({"manifest.json": b"{"}),
        b"SYSB\x02\0\0\0" + zipped({"manifest.json": b"{}", "../a.js": SCRIPT}),
        bundle(files={}),
        bundle(files={"missing.js": {"type": "minified_source", "url": "~/a.js"}}),
        bundle(files={"files/_/_/app.min.js": "text"}),
        bundle(files={"files/_/_/app.min.js": {"type": "minified_source", "url": "~/a.js", "headers": [1]}}),
        bundle(files={"files/_/_/app.min.js": {"type": "minified_source", "url": "~/" + "a" * 2000}}),
        bundle(members={"files/_/_/app.min.js": SCRIPT}),
        bundle(members={f"files/_/_/app.min.js{end}": bytes(20_000_000) for end in ("", ".map")}),
        bundle(dist="7" * 65),
        bundle(dist="\ud800"),
        bundle(dist="\x00"),
        bundle(release="\ud800"),
        bundle(release="\x00"),
        bundle(release=".."),
        bundle(files={"files/_/_/app.min.js": {"type": "minified_source", "url": "~/\ud800.js"}}),
        bundle(files={"files/_/_/app.min.js": {"type": "minified_source", "headers": {"sourcemap": "\ud800"}}}),
        bundle(files={"files/_/_/app.min.js": {"type": "minified_source", "headers": {"sourcemap": "a\x00"}}}),
        bundle(files={"files/_/_/app.min.js": {"type": "minified_source", "headers": {"\ud800": "\ud800"}}}),
        bundle(files={"files/_/_/\ud800.js": {"type": "minified_source", "url": "~/a.js"}}),
    ],
)
def test_a_bad_bundle_is_an_error_that_says_why(client: TestClient, data: bytes) -> None:
    send_chunk(client, data)

    told = assemble(client, data, version=None).json()

    assert told["state"] == "error"
    assert told["detail"]
    assert assemble(client, data, version=None).json()["state"] == "not_found"


def test_a_bundle_that_could_not_be_read_now_can_be_asked_for_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(IndexBuilder):
        def build(self, path: Path, index: Path) -> NotBuilt:
            return NotBuilt("reading takes longer", passes=True)

    data = bundle()
    send_chunk(client, data)
    monkeypatch.setattr(map_intake, "IndexBuilder", Slow)
    refused = assemble(client, data)
    monkeypatch.undo()
    done = assemble(client, data)

    assert refused.status_code == 503
    assert "reading takes longer" in refused.json()["detail"]
    assert done.json()["state"] == "ok"
    assert stored(client)["~/app.min.js.map"]["problem"] is None


def test_a_bundle_is_stored_though_its_chunks_stay(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise Busy("Another process holds the store.")

    monkeypatch.setattr(Chunks, "remove", refuse)
    data = bundle()
    send_chunk(client, data)

    assert assemble(client, data).json()["state"] == "ok"


def test_a_bundle_that_is_not_its_checksum_is_an_error(client: TestClient) -> None:
    data = bundle()
    send_chunk(client, data)

    told = assemble(client, data, checksum=sha1(b"other")).json()

    assert (told["state"], told["missingChunks"]) == ("error", [])


@on_sqlite
def test_a_bundle_over_the_limit_is_an_error(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentry_chunks, "LARGEST_BUNDLE", 100)
    data = bundle()
    send_chunk(client, data)

    assert assemble(client, data).json()["state"] == "error"


def test_a_malformed_map_is_kept_with_its_problem(client: TestClient) -> None:
    data = bundle(members={"files/_/_/app.min.js": SCRIPT, "files/_/_/app.min.js.map": b"{nonsense"})
    send_chunk(client, data)

    assert assemble(client, data).json()["state"] == "ok"
    assert stored(client)["~/app.min.js.map"]["problem"]


@on_sqlite
@pytest.mark.parametrize(
    ("field", "name", "body"),
    [
        ("file_gzip", sha1(b"x"), gzip.compress(b"y", mtime=0)),
        ("file", sha1(b"x"), b"y"),
        ("file_gzip", sha1(b"x"), b"x"),
        ("file_gzip", sha1(b"x"), gzip.compress(b"x", mtime=0)[:-4]),
        ("other", sha1(b"x"), b"x"),
        ("file", "../../x", b"x"),
        ("file", sha1(b"x").upper(), b"x"),
    ],
)
def test_a_chunk_that_is_not_what_it_says_is_400(client: TestClient, field: str, name: str, body: bytes) -> None:
    answer = client.post(CHUNKS, files=[(field, (name, body))])

    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)
    assert assemble(client, b"x").json()["state"] == "not_found"


@on_sqlite
def test_chunks_and_requests_have_their_limits(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = bytes(sentry_chunks.CHUNK_BYTES + 1)
    chunk = ("file", (sha1(b"x"), b"x"))
    inflated = send_chunk(client, zeros)
    plain = send_chunk(client, bytes(sentry_chunks.CHUNK_BYTES + 100_000), field="file")
    many = client.post(CHUNKS, files=[chunk] * (sentry_chunks.CHUNKS_PER_REQUEST + 1))
    monkeypatch.setattr(sentry_chunks, "LARGEST_REQUEST", 10_000)
    large = send_chunk(client, bytes(11_000), field="file")

    assert [answer.status_code for answer in (inflated, plain, many, large)] == [413] * 4


@on_sqlite
@pytest.mark.parametrize("content_type", ["application/json", "", "multipart/form-data"])
def test_chunks_come_as_a_form(client: TestClient, content_type: str) -> None:
    answer = client.post(CHUNKS, content=b"x", headers={"content-type": content_type})

    assert answer.status_code in {400, 415}
    assert answer.json()["detail"]


@on_sqlite
def test_the_options_are_what_sentry_cli_needs(client: TestClient, store: Store) -> None:
    told = client.get("/api/0/organizations/a%20b/chunk-upload").json()

    path = "/api/0/organizations/a%20b/chunk-upload/"
    behind = client.get(path, headers={"x-forwarded-proto": "https", **bearer(make_key(store, Scope.READ))}).json()

    assert told["url"] == f"{str(client.base_url).rstrip('/')}{path}"
    assert behind["url"] == told["url"].replace("http:", "https:")
    assert told["hashAlgorithm"] == "sha1"
    assert told["chunkSize"] <= told["maxRequestSize"] <= 32 * 1024 * 1024


@on_sqlite
@pytest.mark.parametrize(
    "asked",
    [
        {"checksum": "x"},
        {"checksum": 1},
        {"chunks": []},
        {"chunks": "x"},
        {"chunks": [1]},
        {"chunks": ["a" * 40] * 1025},
        {"projects": []},
        {"projects": [True]},
        {"projects": [{}]},
        {"projects": ["my-app"] * 101},
        {"projects": "my-app"},
        {"version": " x"},
        {"version": 1},
        {"dist": "7" * 65},
        {"dist": "\ud800"},
        {"dist": "\x00"},
        {"version": "\ud800"},
        {"version": "\x00"},
        {"version": ".."},
        {"projects": ["\ud800"]},
        {"checksum": "\ud800"},
        {"chunks": ["\ud800"]},
    ],
)
def test_a_wrong_question_is_400(client: TestClient, asked: dict[str, Any]) -> None:
    answer = assemble(client, b"x", **asked)

    assert answer.status_code == 400, answer.text
    assert isinstance(answer.json()["detail"], str)


def test_an_unknown_project_is_refused_and_those_there_are_are_named(client: TestClient) -> None:
    answer = assemble(client, b"x", projects=["nobody"])

    assert answer.status_code == 400
    assert answer.json() == {"detail": "No origin 'nobody'. Known: my-app."}
    assert client.get("/api/0/projects/acme/nobody/releases/").status_code == 404


@pytest.mark.parametrize("name", ["mnemonic", "number", "digits", "id"])
def test_a_project_is_named_in_every_way(client: TestClient, origin: OriginRecord, name: str) -> None:
    named = {"mnemonic": "MY-APP", "number": origin.number, "digits": str(origin.number), "id": str(origin.id)}[name]
    data = bundle()
    send_chunk(client, data)

    assert assemble(client, data, projects=[named]).json()["state"] == "ok"


def test_who_does_not_wait_is_told_that_it_goes_on(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    upload = sentry_chunks.upload

    def slow(*arguments: Any, **named: Any) -> Any:
        assert go.wait(20)
        return upload(*arguments, **named)

    monkeypatch.setattr(assemblies, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(sentry_chunks, "upload", slow)
    data = bundle()
    send_chunk(client, data)

    states = [assemble(client, data).json()["state"] for _ in range(2)]
    go.set()
    monkeypatch.setattr(assemblies, "ANSWER_SECONDS", 20)
    states.append(assemble(client, data).json()["state"])

    assert states == ["assembling", "assembling", "ok"]


@on_sqlite
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"version":' + b"[" * 5000])
def test_a_body_that_is_no_object_is_400(client: TestClient, body: bytes) -> None:
    answer = client.post(RELEASES, content=body)

    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


@on_sqlite
@pytest.mark.parametrize("path", ["/api/0/nothing", "/api/0/organizations/acme/events/", "/api/0//", "/api/0/a%2Fb"])
def test_other_paths_are_404_and_say_what_there_is(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == (200 if path == "/api/0//" else 404)
    if answer.status_code == 404:
        assert "artifactbundle/assemble" in answer.json()["detail"]


@on_sqlite
def test_another_method_is_405(client: TestClient) -> None:
    answer = client.put(CHUNKS)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["detail"]


@on_sqlite
@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
def test_the_guard_stands_here_too(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get(CHUNKS, headers=headers).status_code in {403, 421}
    assert client.get("/api/0/").headers["x-content-type-options"] == "nosniff"
