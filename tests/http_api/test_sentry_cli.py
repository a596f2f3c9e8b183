"""sentry-cli itself against a server: releases, and source maps from a folder to the store."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.examples import THOROUGH
from tests.factory import make_origin
from tests.http_api.keys import UNKNOWN, make_key
from tests.http_api.uploading import SCRIPT, run_cli, source_map
from tests.processes import Installation, RunningServer, serving
from tests.stores import KINDS, new_database_url

from provenance_core.access import Scope
from provenance_storage.store import Store

_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=KINDS if THOROUGH else KINDS[:1])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Run a server; the routes that sentry-cli asks have tests of their own on either kind of store."""
    home = tmp_path_factory.mktemp("machine")
    with new_database_url(request.param, home) as url, serving(Installation(home, url)) as running:
        yield running


@pytest.fixture
def project(server: RunningServer) -> str:
    return _origin(server)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Return a folder as a bundler leaves it."""
    folder = tmp_path / "dist" / "static"
    folder.mkdir(parents=True)
    (folder / "app.min.js").write_bytes(SCRIPT)
    (folder / "app.min.js.map").write_bytes(source_map())
    return folder.parent


def _origin(server: RunningServer) -> str:
    mnemonic = f"shop{next(_numbers)}"
    with server.client() as client:
        assert client.post("/api/origins", json={"mnemonic": mnemonic}).status_code == 201
    return mnemonic


def _get(server: RunningServer, path: str) -> Any:
    with server.client() as client:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def _artifacts(server: RunningServer, project: str, release: str) -> list[dict[str, Any]]:
    return _get(server, f"/api/origins/{project}/releases/{release}/sourcemaps")["items"]


def _releases(server: RunningServer, project: str) -> list[dict[str, Any]]:
    return _get(server, f"/api/origins/{project}/releases")["items"]


def test_a_release_is_made_finalized_listed_read_and_deleted(
    server: RunningServer, project: str, tmp_path: Path
) -> None:
    version = f"{project}@1.4.2"

    def cli(*arguments: str) -> str:
        return run_cli(server.url, tmp_path, *arguments, project=project)

    cli("releases", "new", version, "--url", "https://ci.example/7")
    (made,) = _releases(server, project)
    cli("releases", "finalize", version)
    (finalized,) = _releases(server, project)
    listed = cli("releases", "list")
    read = cli("releases", "info", version)
    cli("releases", "delete", version)

    assert (made["version"], made["url"], made["dateReleased"]) == (version, "https://ci.example/7", None)
    assert finalized["dateReleased"] is not None
    assert version in listed
    assert version in read
    assert _releases(server, project) == []


def test_commits_give_a_release_its_ref(server: RunningServer, project: str, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init")
    for number in range(2):
        (tmp_path / "a.txt").write_text(str(number))
        git("add", "a.txt")
        git("commit", "-m", f"change {number}")
    run_cli(server.url, tmp_path, "releases", "new", f"{project}@2", project=project)

    run_cli(server.url, tmp_path, "releases", "set-commits", f"{project}@2", "--auto", project=project)

    assert _releases(server, project)[0]["ref"] == git("rev-parse", "HEAD")


def test_a_release_of_several_projects_is_one_of_each(server: RunningServer, tmp_path: Path) -> None:
    first, second = _origin(server), _origin(server)
    number = _get(server, f"/api/origins/{second}")["number"]

    run_cli(server.url, tmp_path, "releases", "new", "-p", first, "-p", str(number), f"{first}@3", project=None)
    refused = run_cli(server.url, tmp_path, "releases", "delete", f"{first}@3", project=None, expect=1)

    assert [_releases(server, one)[0]["version"] for one in (first, second)] == [f"{first}@3"] * 2
    assert first in refused
    assert second in refused


def test_what_is_not_kept_is_answered_honestly(server: RunningServer, project: str, tmp_path: Path) -> None:
    def cli(*arguments: str, expect: int = 0) -> str:
        return run_cli(server.url, tmp_path, *arguments, project=project, expect=expect)

    cli("info")
    assert "provenance" in cli("organizations", "list")
    assert project in cli("projects", "list")
    cli("repos", "list")
    cli("releases", "new", f"{project}@4")
    cli("deploys", "new", "-e", "production", "-r", f"{project}@4")
    assert "archived" in cli("releases", "archive", f"{project}@4", expect=1)
    cli("releases", "restore", f"{project}@4")
    assert "issues" in cli("issues", "list", expect=1)


@pytest.mark.parametrize("wait", [(), ("--wait",)])
def test_maps_of_a_release_are_uploaded_once(
    server: RunningServer, project: str, dist: Path, tmp_path: Path, wait: tuple[str, ...]
) -> None:
    def upload() -> str:
        arguments = ("sourcemaps", "upload", "--release", "1.4.2", "--dist", "77", *wait, str(dist))
        return run_cli(server.url, tmp_path, *arguments, project=project)

    first = upload()
    version = _artifacts(server, project, "1.4.2")
    again = upload()

    assert "Nothing to upload" not in first
    assert [(one["name"], one["dist"]) for one in version] == [
        ("~/static/app.min.js", "77"),
        ("~/static/app.min.js.map", "77"),
    ]
    assert version[0]["sourceMap"] is not None
    assert "Nothing to upload" in again
    assert _artifacts(server, project, "1.4.2") == version


def test_maps_with_debug_ids_need_no_release(server: RunningServer, project: str, dist: Path, tmp_path: Path) -> None:
    run_cli(server.url, tmp_path, "sourcemaps", "inject", str(dist), project=project)
    debug_id = json.loads((dist / "static" / "app.min.js.map").read_text())["debugId"]

    run_cli(server.url, tmp_path, "sourcemaps", "upload", str(dist), project=project)
    without = _releases(server, project)
    run_cli(server.url, tmp_path, "sourcemaps", "upload", "--release", "5", str(dist), project=project)

    assert without == []
    assert [one["debugId"] for one in _artifacts(server, project, "5")] == [debug_id] * 2


def test_maps_are_uploaded_for_several_projects(server: RunningServer, dist: Path, tmp_path: Path) -> None:
    first, second = _origin(server), _origin(server)
    arguments = ("sourcemaps", "upload", "-p", first, "-p", second, "--release", "6", str(dist))

    run_cli(server.url, tmp_path, *arguments, project=None)
    again = run_cli(server.url, tmp_path, *arguments, project=None)

    assert [len(_artifacts(server, one, "6")) for one in (first, second)] == [2, 2]
    assert "Nothing to upload" in again


def test_a_bundle_of_many_chunks_arrives(server: RunningServer, project: str, dist: Path, tmp_path: Path) -> None:
    noise = "".join(f"{number * 2654435761 % 2**32:x}" for number in range(1_300_000))
    (dist / "static" / "large.js").write_text(f'"{noise}";\n')

    run_cli(server.url, tmp_path, "sourcemaps", "upload", "--wait", "--release", "7", str(dist), project=project)

    sizes = {one["name"]: one["size"] for one in _artifacts(server, project, "7")}
    assert sizes["~/static/large.js"] == len(noise) + 4


def test_a_malformed_map_is_kept_with_its_problem(
    server: RunningServer, project: str, dist: Path, tmp_path: Path
) -> None:
    (dist / "static" / "app.min.js.map").write_bytes(source_map(mappings="A$$$"))

    arguments = ("sourcemaps", "upload", "--no-rewrite", "--release", "8", str(dist))

    run_cli(server.url, tmp_path, *arguments, project=project)

    problems = {one["name"]: one["problem"] for one in _artifacts(server, project, "8")}
    assert problems["~/static/app.min.js.map"]


def test_an_unknown_project_is_named_with_those_there_are(
    server: RunningServer, project: str, dist: Path, tmp_path: Path
) -> None:
    told = run_cli(
        server.url, tmp_path, "sourcemaps", "upload", "--release", "1", str(dist), project="nobody", expect=1
    )

    assert "nobody" in told
    assert "Known:" in told


def test_a_key_is_its_token(dist: Path, tmp_path: Path) -> None:
    machine = Installation(tmp_path / "machine")
    machine.home.mkdir()
    with closing(Store.open(machine.store_url)) as store:
        make_origin(store, "my-app")
        write, read = make_key(store, Scope.WRITE), make_key(store, Scope.READ)
    upload = ("sourcemaps", "upload", "--release", "1", str(dist))
    with serving(machine) as server:
        refused = run_cli(server.url, tmp_path, *upload, token=read, expect=1)
        unknown = run_cli(server.url, tmp_path, "releases", "list", token=UNKNOWN, expect=1)
        run_cli(server.url, tmp_path, *upload, token=write)
        listed = run_cli(server.url, tmp_path, "releases", "list", token=read)

    assert "the scope `write`" in refused
    assert "This key is none" in unknown
    assert "| 1 " in listed
