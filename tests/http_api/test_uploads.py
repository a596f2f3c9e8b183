"""Uploads of source maps over HTTP: forms, archives, what they are named, and what is refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import brotli  # pyright: ignore[reportMissingTypeStubs]  # it has none
import pytest
import zstandard
from starlette.testclient import TestClient
from tests.http_api.uploading import BOUNDARY, FORM, PATH, SCRIPT, form, names, send_files, source_map, zipped
from tests.stores import on_sqlite

from provenance_http import upload_routes

FILES = {"~/static/app.min.js": SCRIPT, "~/static/app.min.js.map": source_map()}
ZIP = {"content-type": "application/zip"}

pytestmark = pytest.mark.usefixtures("origin", "temporary")


def test_files_of_a_form_are_stored_and_the_release_is_registered(client: TestClient) -> None:
    answer = send_files(client, FILES)

    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["origin"], told["release"], told["dist"], told["added"]) == ("my-app", "1.0.0", None, 2)
    assert names(client) == list(FILES)
    assert client.get("/api/origins/my-app/releases").json()["items"][0]["registered"]


def test_the_same_again_changes_nothing(client: TestClient) -> None:
    send_files(client, FILES)

    again = send_files(client, FILES)

    assert again.status_code == 200
    assert (again.json()["added"], again.json()["unchanged"]) == (0, 2)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([("file", "~/static/app.min.js")], "~/static/app.min.js"),
        ([("~/static/app.min.js", "x.js")], "~/static/app.min.js"),
        ([("https://cdn.example/app.min.js", "x.js")], "https://cdn.example/app.min.js"),
        ([("app.min.js", "other.js")], "~/app.min.js"),
        ([("file", "static/app.min.js")], "~/static/app.min.js"),
        ([("file", "/static/app.min.js")], "~/static/app.min.js"),
        ([("name", None), ("file", "x.js")], "~/named/app.min.js"),
        ([("~/static/app.min.js", None)], "~/static/app.min.js"),
    ],
)
def test_a_file_is_named_as_curl_users_expect(
    client: TestClient, parts: list[tuple[str, str | None]], expected: str
) -> None:
    body = form([(field, filename, b"~/named/app.min.js" if field == "name" else SCRIPT) for field, filename in parts])

    answer = client.post(PATH, content=body, headers=FORM)

    assert answer.status_code == 201, answer.text
    assert names(client) == [expected]


@pytest.mark.parametrize("where", ["form", "query"])
def test_the_prefix_and_the_dist_are_told_in_the_form_or_the_query(client: TestClient, where: str) -> None:
    told = {"dist": "77", "urlPrefix": "https://cdn.example/js"}

    answer = client.post(
        PATH,
        files={"file": ("app.min.js", SCRIPT)},
        data=told if where == "form" else {},
        params=told if where == "query" else {},
    )

    assert answer.json()["dist"] == "77"
    assert names(client) == ["https://cdn.example/js/app.min.js"]


def test_an_archive_is_stored_and_what_is_no_artifact_is_counted(client: TestClient) -> None:
    members = {"app.min.js": SCRIPT, "js/app.min.js.map": source_map(), "logo.png": b"png", "package.json": b"{}"}
    members |= {"__MACOSX/._app.min.js": b"\0\5", "js/._app.min.js.map": b"\0\5"}

    answer = client.post(PATH, content=zipped(members), headers=ZIP, params={"dist": "77", "urlPrefix": "~/static"})

    assert answer.status_code == 201, answer.text
    assert names(client) == ["~/static/app.min.js", "~/static/js/app.min.js.map"]
    ignored = [one for one in answer.json()["warnings"] if one["code"] == "ignored"]
    assert [one["message"].split()[0] for one in ignored] == ["4"]


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("kind", ["form", "zip"])
def test_an_upload_may_be_encoded(client: TestClient, encoding: str, kind: str) -> None:
    body = form([("file", "app.min.js", SCRIPT)]) if kind == "form" else zipped({"app.min.js": SCRIPT})
    headers = (FORM if kind == "form" else ZIP) | {"content-encoding": encoding}

    answer = client.post(PATH, content=ENCODERS[encoding](body), headers=headers)

    assert answer.status_code == 201, answer.text
    assert names(client) == ["~/app.min.js"]


@on_sqlite
@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("kind", ["form", "zip"])
def test_an_encoded_bomb_stops_at_the_limit(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, encoding: str, kind: str
) -> None:
    monkeypatch.setattr(upload_routes, "LARGEST_INFLATED", 1_000_000)
    monkeypatch.setattr(upload_routes, "LARGEST_UPLOAD", 1_000_000)
    body = form([("file", "app.min.js", bytes(3_000_000))])

    answer = client.post(
        PATH,
        content=ENCODERS[encoding](body),
        headers=(FORM if kind == "form" else ZIP) | {"content-encoding": encoding},
    )

    assert answer.status_code == 413


@on_sqlite
@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_damaged_encoding_is_refused(client: TestClient, encoding: str) -> None:
    whole = ENCODERS[encoding](form([("file", "app.min.js", SCRIPT)]))

    for body in (b"", whole[:-4], whole[:3] + b"\xff\xff\xff" + whole[6:]):
        answer = client.post(PATH, content=body, headers=FORM | {"content-encoding": encoding})
        assert answer.status_code == 400, answer.text


@on_sqlite
@pytest.mark.parametrize(
    "members",
    [
        {"../app.js": SCRIPT},
        {"/app.js": SCRIPT},
        {"C:/app.js": SCRIPT},
        {"a.js": SCRIPT, "../logo.png": b""},
        {"logo.png": b"", "inner.zip": zipped({"a.js": SCRIPT})},
        {},
    ],
)
def test_a_hostile_or_useless_archive_is_400(client: TestClient, members: dict[str, bytes]) -> None:
    answer = client.post(PATH, content=zipped(members), headers=ZIP)

    assert answer.status_code == 400
    assert client.get("/api/origins/my-app/releases").json()["total"] == 0


@on_sqlite
def test_an_archive_of_zeros_is_413(client: TestClient) -> None:
    bomb = zipped({f"{number}.js": bytes(20_000_000) for number in range(5)})

    answer = client.post(PATH, content=bomb, headers=ZIP)

    assert answer.status_code == 413
    assert len(bomb) < 200_000


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"--other\r\n\r\n--other--\r\n",
        f"--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.js"\r\n\r\na()'.encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.js"\r\n'.encode(),
        f"--{BOUNDARY}\r\n\r\na()\r\n--{BOUNDARY}--\r\n".encode(),
        f"--{BOUNDARY}\r\n{'x' * 10_000}: y\r\n\r\na()\r\n--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\na()\r\n--{BOUNDARY}--\r\n'.encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="'.encode()
        + b'\xff.js"\r\n\r\na()\r\n'
        + f"--{BOUNDARY}--\r\n".encode(),
    ],
)
def test_a_form_that_is_none_is_400(client: TestClient, body: bytes) -> None:
    answer = client.post(PATH, content=body, headers=FORM)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_input"


@on_sqlite
@pytest.mark.parametrize("name", ["../a.js", "~/../a.js", "a\\b.js", "a/", "a" * 2000 + ".js", "a\x01.js", ""])
def test_a_name_that_is_none_is_400(client: TestClient, name: str) -> None:
    assert client.post(PATH, content=form([("file", name, SCRIPT)]), headers=FORM).status_code == 400


def test_two_files_of_a_name_are_refused(client: TestClient) -> None:
    answer = client.post(PATH, content=form([("f", "a.js", b"a()"), ("f", "~/a.js", b"b()")]), headers=FORM)

    assert answer.status_code == 400
    assert "~/a.js" in answer.json()["error"]["message"]


@on_sqlite
@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ({"dist": "7"}, {"dist": "7"}),
        ({"other": "7"}, {}),
        ({}, {"other": "7"}),
        ({"urlPrefix": "static"}, {}),
        ({}, {"dist": "7" * 65}),
        ({"origin": "x"}, {}),
    ],
)
def test_wrong_arguments_are_400(client: TestClient, query: dict[str, str], texts: dict[str, str]) -> None:
    body = form([*((name, None, text.encode()) for name, text in texts.items()), ("file", "a.js", SCRIPT)])

    answer = client.post(PATH, content=body, headers=FORM, params=query)

    assert answer.status_code == 400


def test_a_malformed_map_is_refused_and_named_and_nothing_is_stored(client: TestClient) -> None:
    answer = send_files(client, {**FILES, "~/static/bad.js.map": b"{nonsense"})

    assert answer.status_code == 400
    assert "~/static/bad.js.map" in answer.json()["error"]["message"]
    assert client.get("/api/origins/my-app/releases").json()["total"] == 0


@on_sqlite
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "multipart/mixed; boundary=x"])
def test_another_content_type_is_415(client: TestClient, content_type: str) -> None:
    answer = client.post(PATH, content=b"{}", headers={"content-type": content_type})

    assert answer.status_code == 415
    assert "multipart/form-data" in answer.json()["error"]["message"]


@on_sqlite
def test_a_form_without_a_boundary_is_400(client: TestClient) -> None:
    assert client.post(PATH, content=b"x", headers={"content-type": "multipart/form-data"}).status_code == 400


def test_an_unknown_origin_is_404_before_the_body_is_read(client: TestClient) -> None:
    answer = client.post("/api/origins/other/releases/1/sourcemaps", content=b"", headers=FORM)

    assert answer.status_code == 404
    assert "my-app" in answer.json()["error"]["message"]


@on_sqlite
def test_the_path_says_which_methods_it_takes(client: TestClient) -> None:
    answer = client.put(PATH)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


@on_sqlite
@pytest.mark.parametrize("page", ["https://evil.example", "null"])
def test_pages_of_other_sites_may_not_upload(client: TestClient, page: str) -> None:
    answer = client.post(PATH, files={"file": ("a.js", SCRIPT)}, headers={"origin": page})

    assert answer.status_code == 403


def test_the_door_is_described_and_measured(client: TestClient) -> None:
    send_files(client, FILES)

    described = client.get("/openapi.json").json()["paths"]["/api/origins/{origin}/releases/{release}/sourcemaps"]

    assert set(described["post"]["requestBody"]["content"]) == {"multipart/form-data", "application/zip"}
    assert 'operation="upload_sourcemaps",status="2xx"' in client.get("/metrics").text
